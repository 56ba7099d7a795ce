/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.c - eight threads use up one budget, in many rounds: threads ROUNDS [SEED].
 * It must never check a budget before all threads of the round have stopped.
 *
 * Unless `rejecting` is set, no charge of a round is given back, so that `used` only grows. So what holds at the end of
 * a round held at every moment of it: all work that has run is within the limit, and a refused call of cost c did not
 * fit, limit - work < c. The latter fails if a call is refused while another thread holds a lease.
 */
#include <flopshim.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "work.h"

enum { THREADS = 8, CALLS = 40 };

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);

void xerbla_(const char *routine, const int *argument, size_t length) { (void)routine, (void)argument, (void)length; }

static struct {
	pthread_barrier_t start, end;
	int round;
	bool rejecting; /* whether some calls are rejected, which gives their charge back */
	bool over;
	_Atomic int refusals_told;
} game;

struct player {
	pthread_t thread;
	unsigned seed;
	int64_t charged, least_refused;
	int attempted, ran, refused, rejected;
};

#define CHECK(condition, ...)                                                               \
	do {                                                                                \
		if (!(condition)) {                                                         \
			fprintf(stderr, "threads: round %d: %s: ", game.round, #condition); \
			fprintf(stderr, __VA_ARGS__);                                       \
			fprintf(stderr, "\n");                                              \
			exit(1);                                                            \
		}                                                                           \
	} while (0)

static enum flopshim_action told(const struct flopshim_exceeded *call, void *context)
{
	(void)context;
	game.refusals_told++;
	CHECK(call->cost > call->remaining, "cost %lld, remaining %lld", (long long)call->cost,
	      (long long)call->remaining);
	return FLOPSHIM_DENY;
}

static int draw(struct player *player, int below) { return (int)(rand_r(&player->seed) / (RAND_MAX + 1.0) * below); }

static void count(struct player *player, int64_t cost, bool ran)
{
	player->attempted++;
	if (ran) {
		player->ran++;
		player->charged += cost;
	} else {
		player->refused++;
		if (cost < player->least_refused)
			player->least_refused = cost;
	}
}

/* Makes a call that LAPACK rejects with INFO = -4, unless the shim refuses it first with an INFO below -1000. */
static void be_rejected(struct player *player)
{
	double a[900] = {0};
	int n = 1 + draw(player, 30), lda = 0, info = 0;

	dpotrf_("U", &n, a, &lda, &info, 1);
	player->attempted++;
	if (info == -4)
		player->rejected++;
	else
		player->refused++;
}

static void play(struct player *player)
{
	for (int i = 0; i < CALLS; i++) {
		int m = 1 + draw(player, 12), n = 1 + draw(player, 12), k = 1 + draw(player, 12);
		int length = 1 + draw(player, 200);
		int64_t flops = 1 + draw(player, 5000);

		switch (draw(player, game.rejecting ? 8 : 7)) {
		case 0:
		case 1:
		case 2: count(player, dot_cost(length), dot(length)); break;
		case 3:
		case 4: count(player, product_cost(m, n, k), product(m, n, k)); break;
		case 5: count(player, flops, flopshim_charge("by hand", flops, NULL, 0, NULL) == FLOPSHIM_OK); break;
		case 6:
			FLOPSHIM_SCOPE("inner") /* an inner scope changes nothing for the scope around it */
			count(player, dot_cost(length), dot(length));
			break;
		default: be_rejected(player);
		}
		if (draw(player, 200) == 0)
			usleep(100);
	}
}

static void *run(void *argument)
{
	struct player *player = argument;

	for (;;) {
		pthread_barrier_wait(&game.start);
		if (game.over)
			return NULL;
		play(player);
		pthread_barrier_wait(&game.end);
	}
}

static void one_round(struct player *players, unsigned *seed)
{
	int64_t limit = 1 + rand_r(seed) % 250000, scope, charged = 0, least_refused = INT64_MAX;
	int64_t calls = flopshim_calls(".round"), used;
	int attempted = 0, ran = 0, refused = 0, rejected = 0;

	game.rejecting = game.round % 4 == 3;
	game.refusals_told = 0;
	for (int i = 0; i < THREADS; i++) {
		players[i] = (struct player){
			.thread = players[i].thread, .seed = players[i].seed, .least_refused = INT64_MAX};
	}
	scope = flopshim_begin_budget("round", (double)limit);
	CHECK(scope > 0, "%lld", (long long)scope);
	pthread_barrier_wait(&game.start);
	for (int i = 0; i < 20; i++) {
		used = flopshim_scope_used(scope);
		CHECK(used >= 0 && used <= limit, "used %lld of %lld", (long long)used, (long long)limit);
	}
	pthread_barrier_wait(&game.end);
	for (int i = 0; i < THREADS; i++) {
		attempted += players[i].attempted;
		ran += players[i].ran;
		refused += players[i].refused;
		rejected += players[i].rejected;
		charged += players[i].charged;
		if (players[i].least_refused < least_refused)
			least_refused = players[i].least_refused;
	}
	CHECK(charged <= limit, "%lld of %lld", (long long)charged, (long long)limit);
	used = flopshim_scope_used(scope);
	CHECK(used == charged, "%lld, charged %lld", (long long)used, (long long)charged);
	CHECK(flopshim_scope_remaining(scope) == limit - charged, "%lld", (long long)flopshim_scope_remaining(scope));
	CHECK(ran + refused + rejected == attempted, "%d + %d + %d, %d", ran, refused, rejected, attempted);
	CHECK(refused == game.refusals_told, "%d, told %d", refused, game.refusals_told);
	calls = flopshim_calls(".round") - calls;
	CHECK(calls == ran + rejected, "%lld, ran %d, rejected %d", (long long)calls, ran, rejected);
	if (!game.rejecting)
		CHECK(limit - charged < least_refused, "%lld left, %lld refused", (long long)(limit - charged),
		      (long long)least_refused);
	CHECK(flopshim_end(scope) == 1, "end");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 10;
	unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	static struct player players[THREADS];

	flopshim_on_exceed(told, NULL);
	pthread_barrier_init(&game.start, NULL, THREADS + 1);
	pthread_barrier_init(&game.end, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++) {
		players[i].seed = seed * 1000 + (unsigned)i;
		pthread_create(&players[i].thread, NULL, run, &players[i]);
	}
	for (game.round = 0; game.round < rounds; game.round++)
		one_round(players, &seed);
	game.over = true;
	pthread_barrier_wait(&game.start);
	for (int i = 0; i < THREADS; i++)
		pthread_join(players[i].thread, NULL);
	printf("%d rounds, %lld FLOPs\n", rounds, (long long)flopshim_used("round"));
	return 0;
}
