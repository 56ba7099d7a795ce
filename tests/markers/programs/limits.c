/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * limits.c - tests limits that change, threads that end, forks, and scopes whose memory is reused: limits TEST.
 * It must never check a limit while other threads work, since only then the following holds: remaining == budget -
 * used. If every call costs the same and work went on until it was refused, less than the cost of one call remains.
 */
#define _GNU_SOURCE
#include <flopshim.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "work.h"

enum { THREADS = 4, LENGTH = 500, COST = 2 * LENGTH, SCOPES_ENDED = 3000, SCOPES = 3500 };

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);

#define CHECK(condition, ...)                                                           \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "limits: line %d: %s: ", __LINE__, #condition); \
			fprintf(stderr, __VA_ARGS__);                                   \
			fprintf(stderr, "\n");                                          \
			_exit(1);                                                       \
		}                                                                       \
	} while (0)

#define CHECK_EQUAL(a, b)                                                            \
	do {                                                                         \
		long long left = (long long)(a), right = (long long)(b);             \
		CHECK(left == right, "%s is %lld, %s is %lld", #a, left, #b, right); \
	} while (0)

/* ---- code that runs inside of a BLAS call ---- */

static void (*inside)(void);

void xerbla_(const char *routine, const int *argument, size_t length)
{
	(void)routine, (void)argument, (void)length;
	if (inside)
		inside();
}

/* Makes a call that LAPACK rejects with INFO = -4. It does no work, but LAPACK calls xerbla_, and that `inside`. */
static void be_rejected(int n)
{
	static __thread double a[4];
	int lda = 0, info = 0;

	dpotrf_("U", &n, a, &lda, &info, 1);
	CHECK(info < 0, "info is %d", info);
}

static pthread_barrier_t barrier;
static void meet(void) { pthread_barrier_wait(&barrier); }

static void two_meetings(void)
{
	meet();
	meet();
}

static void run_thread(void *(*start)(void *), void *argument)
{
	pthread_t thread;

	CHECK_EQUAL(pthread_create(&thread, NULL, start, argument), 0);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
}

/* ---- a thread takes over the records of one that has ended ---- */

static void *one_dot(void *unused)
{
	dot(LENGTH);
	return unused;
}

static void *one_by_hand(void *unused)
{
	flopshim_charge("by hand", COST, NULL, 0, NULL);
	return unused;
}

static void *dot_in_scope(void *unused)
{
	FLOPSHIM_SCOPE("inner")
	dot(LENGTH);
	return unused;
}

static void *dot_with_others(void *unused)
{
	dot(LENGTH);
	meet(); /* all threads exist at once, so that each has a lane of its own */
	return unused;
}

static void reuse(void *(*work)(void *), const char *name)
{
	run_thread(work, NULL);
	CHECK_EQUAL(flopshim_used(""), COST);
	CHECK_EQUAL(flopshim_set_multiplier(name, 10), 0);
	run_thread(work, NULL);
	CHECK_EQUAL(flopshim_used(""), 11 * COST);
	CHECK_EQUAL(flopshim_set_multiplier(name, 1), 0);
	run_thread(work, NULL);
	CHECK_EQUAL(flopshim_used(""), 12 * COST);
}

static void reuse_dot(void) { reuse(one_dot, "."); }
static void reuse_by_hand(void) { reuse(one_by_hand, "."); }
static void reuse_in_scope(void) { reuse(dot_in_scope, "inner"); }

/* A new multiplier holds for later charges against a budget that was set before. */
static void reuse_budget(void)
{
	CHECK_EQUAL(flopshim_set_budget(".", 15 * COST), 0);
	run_thread(one_dot, NULL);
	CHECK_EQUAL(flopshim_set_multiplier(".", 10), 0);
	run_thread(one_dot, NULL);
	run_thread(one_dot, NULL);
	CHECK_EQUAL(flopshim_used(""), 11 * COST);
	CHECK_EQUAL(flopshim_remaining(""), 4 * COST);
}

static void reuse_many(void)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int round = 0; round < 3; round++) {
		CHECK_EQUAL(flopshim_set_multiplier(".", round ? 10 * round : 1), 0);
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, dot_with_others, NULL);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
	CHECK_EQUAL(flopshim_used(""), THREADS * (1 + 10 + 20) * COST);
}

/* ---- products of factors ---- */

/* Needs FLOPSHIM_MULTIPLIER=2e9. */
static void huge_factors(void)
{
	CHECK_EQUAL(flopshim_set_multiplier(".", 2e9), 0);
	CHECK_EQUAL(flopshim_set_multiplier(".a", 2e9), 0);
	CHECK_EQUAL(flopshim_set_budget(".", 1e18), 0);
	CHECK(!dot(LENGTH), "a call of 4e18 * %d was run under 1e18", COST);
	FLOPSHIM_SCOPE(".a")
	CHECK_EQUAL(flopshim_charge("by hand", 1, NULL, 0, NULL), FLOPSHIM_REFUSED);
	CHECK_EQUAL(flopshim_used("."), 0);
	CHECK_EQUAL(flopshim_remaining("."), 1000000000000000000);
}

static void huge_unlimited(void)
{
	CHECK_EQUAL(flopshim_set_multiplier(".", 2e9), 0);
	CHECK(dot(LENGTH), "it was not run");
	CHECK_EQUAL(flopshim_used("."), INT64_MAX);
	CHECK_EQUAL(flopshim_charge("by hand", 1000, NULL, 0, NULL), 0);
}

static void tiny_factors(void)
{
	CHECK_EQUAL(flopshim_set_multiplier(".", 1e-6), 0);
	CHECK_EQUAL(flopshim_set_multiplier(".a", 1e-6), 0);
	FLOPSHIM_SCOPE(".a")
	dot(LENGTH);
	CHECK_EQUAL(flopshim_used("."), 1);
}

/* ---- budgets set while others work ---- */

static _Atomic bool stop;

enum { PLAIN, BY_HAND, REJECTING };
static int manner;

static void *work_until_refused(void *unused)
{
	for (int i = 0; !stop; i++) {
		if (manner == REJECTING && i % 4 == 0)
			be_rejected(10);
		if (manner == BY_HAND && i % 2) {
			if (flopshim_charge("by hand", COST, NULL, 0, NULL) == FLOPSHIM_REFUSED)
				break;
		} else if (!dot(LENGTH)) {
			break;
		}
	}
	return unused;
}

/* Sets a budget while threads work in the namespace of their creator, and checks it when they were refused. */
static void hammer(int rounds)
{
	int looked_at = 0;

	for (int round = 0; round < rounds; round++) {
		pthread_t threads[THREADS];
		char name[32];
		int64_t scope, budget;
		bool seen;

		snprintf(name, sizeof(name), ".round%d", round);
		scope = flopshim_begin(name);
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, work_until_refused, NULL);
		usleep(1000 + 500 * (round % 7));
		budget = flopshim_used("") + 20000 * COST + 1;
		CHECK_EQUAL(flopshim_set_budget("", (double)budget), 0);
		seen = flopshim_used("") <= budget; /* otherwise more was done before the budget was set */
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		if (seen) {
			CHECK_EQUAL(flopshim_remaining(""), budget - flopshim_used(""));
			CHECK(flopshim_remaining("") < COST, "%lld remain", (long long)flopshim_remaining(""));
			looked_at++;
		}
		flopshim_end(scope);
	}
	CHECK(looked_at, "in every round the budget was used up before it was set");
}

static void hammer_plain(void) { hammer(25); }
static void hammer_by_hand(void)
{
	manner = BY_HAND;
	hammer(15);
}
static void hammer_rejecting(void)
{
	manner = REJECTING;
	hammer(15);
}

/* The same while a second limit holds for all calls. */
static void hammer_under_limit(void)
{
	CHECK_EQUAL(flopshim_set_budget(".", 1e15), 0);
	hammer(25);
	CHECK_EQUAL(flopshim_remaining("."), 1000000000000000 - flopshim_used("."));
}

/* Makes a call that is in flight while a budget is set, and is then rejected. */
static void *rejected_in_flight(void *unused)
{
	inside = NULL;
	dot(LENGTH);
	inside = two_meetings;
	be_rejected(100);
	return unused;
}

static void running_rejected(void)
{
	int64_t cost = flopshim_cost("dpotrf", "uplo=U n=100");
	pthread_t thread;

	CHECK(cost > COST, "the price is %lld", (long long)cost);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, rejected_in_flight, NULL);
	meet();
	CHECK_EQUAL(flopshim_set_budget(".", COST + (double)cost), 0);
	CHECK_EQUAL(flopshim_remaining("."), 0);
	CHECK(!dot(LENGTH), "it did not fit");
	meet();
	pthread_join(thread, NULL);
	CHECK_EQUAL(flopshim_remaining("."), cost);
	CHECK(dot(LENGTH), "it fits now");
	CHECK_EQUAL(flopshim_remaining("."), cost - COST);
}

/* Sets a budget on the namespace around this thread's own call in flight. The call is in use of it from the start. */
static void set_from_inside(void)
{
	CHECK_EQUAL(flopshim_set_budget(".outer", 1e6), 0);
	CHECK_EQUAL(flopshim_remaining(".outer"), 1000000 - flopshim_cost("dpotrf", "uplo=U n=50"));
}

static void running_own(void)
{
	inside = set_from_inside;
	FLOPSHIM_SCOPE(".outer.inner")
	be_rejected(50);
	CHECK_EQUAL(flopshim_remaining(".outer"), 1000000);
}

/* ---- children ---- */

static void *idle_in_scope(void *unused)
{
	int64_t scope = flopshim_begin_budget(".a.b", 1e6);

	dot(LENGTH);
	meet();
	meet();
	flopshim_end(scope);
	return unused;
}

static void *idle(void *unused)
{
	dot(LENGTH);
	meet();
	meet();
	return unused;
}

static int status_of(pid_t child)
{
	int status;

	CHECK_EQUAL(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/*
 * Checks that exactly `left` FLOPs remain, for this process and for so many generations of children, and uses them up.
 */
static void use_it_up(int64_t left, int generations)
{
	pid_t child;

	CHECK_EQUAL(flopshim_remaining("."), left);
	dot(LENGTH);
	left -= COST;
	CHECK_EQUAL(flopshim_remaining("."), left);
	if (generations) {
		child = fork();
		if (!child) {
			use_it_up(left, generations - 1);
			_exit(0);
		}
		CHECK_EQUAL(status_of(child), 0);
	}
	for (; left >= COST; left -= COST)
		CHECK(dot(LENGTH), "%lld remain, and it was refused", (long long)left);
	CHECK(!dot(LENGTH), "it was run with %lld left", (long long)left);
	CHECK_EQUAL(flopshim_remaining("."), left);
}

/* Forks while other threads hold leases, some of the root alone, some of scopes and namespaces too. */
static void fork_leases(void)
{
	pthread_t threads[THREADS];
	pid_t child;

	CHECK_EQUAL(flopshim_set_budget(".", 1e6 + 1), 0);
	CHECK_EQUAL(flopshim_set_budget(".a", 5e5), 0);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, i % 2 ? idle : idle_in_scope, NULL);
	meet();
	child = fork();
	if (!child) {
		CHECK_EQUAL(flopshim_remaining(".a"), 500000 - THREADS / 2 * COST);
		use_it_up(1000001 - THREADS * COST, 2);
		_exit(0);
	}
	CHECK_EQUAL(status_of(child), 0);
	CHECK_EQUAL(flopshim_remaining("."), 1000001 - THREADS * COST);
	meet();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQUAL(flopshim_remaining("."), 1000001 - THREADS * COST);
}

static void *fork_from_thread(void *unused)
{
	fork_leases();
	return unused;
}

/* Forks while other threads work. All charges are multiples of COST, so a child must find a multiple of it in use. */
static void fork_storm(void)
{
	static const int64_t budget = 400000007;
	pthread_t threads[THREADS];
	int forks = 0;

	CHECK_EQUAL(flopshim_set_budget(".", (double)budget), 0);
	CHECK_EQUAL(flopshim_set_budget(".a", (double)budget), 0);
	manner = REJECTING;
	flopshim_begin_budget(".a.b", (double)budget);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work_until_refused, NULL);
	for (; forks < 150; forks++) {
		pid_t child = fork();

		if (!child) {
			int64_t left = flopshim_remaining("");
			int64_t fault = (budget - left) % COST % flopshim_cost("dpotrf", "uplo=U n=10");

			/*
			 * Up to THREADS calls may be in flight that will be rejected: their charges are no multiples of
			 * COST.
			 */
			for (int i = 0; i <= THREADS && fault; i++)
				if ((budget - left - i * flopshim_cost("dpotrf", "uplo=U n=10")) % COST == 0)
					fault = 0;
			CHECK(!fault, "%lld of %lld are left", (long long)left, (long long)budget);
			CHECK(left < COST || dot(LENGTH), "it was refused");
			_exit(0);
		}
		CHECK_EQUAL(status_of(child), 0);
	}
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQUAL(flopshim_remaining("."), budget - flopshim_used("."));
}

/* ---- memory of scopes that have ended ---- */

static int64_t open_ones[SCOPES];

/* Ends many scopes with budgets and opens others, which reuse their memory. scopes_check checks these others. */
static void scopes_turn_over(void)
{
	for (int i = 0; i < SCOPES_ENDED; i++)
		open_ones[i] = flopshim_begin_budget(".turn", 1e6);
	flopshim_end(open_ones[0]);
	for (int i = 0; i < SCOPES; i++)
		open_ones[i] = flopshim_begin_budget(".turn", 1e6);
	dot(LENGTH); /* all open scopes are charged */
}

static void scopes_check(void)
{
	for (int i = 0; i < SCOPES; i++) {
		CHECK_EQUAL(flopshim_scope_used(open_ones[i]), COST);
		CHECK_EQUAL(flopshim_scope_remaining(open_ones[i]), 1000000 - COST);
	}
}

static void *rejected_in_scope(void *unused)
{
	inside = two_meetings;
	be_rejected(100);
	return unused;
}

static void scope_in_flight(void)
{
	int64_t scope = flopshim_begin_budget(".s", 1e9);
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, rejected_in_scope, NULL);
	meet();
	flopshim_end(scope);
	scopes_turn_over();
	meet();
	pthread_join(thread, NULL);
	scopes_check();
}

static int64_t own_scope;

static void end_own_and_meet(void)
{
	CHECK_EQUAL(flopshim_end(own_scope), 1);
	two_meetings();
}

static void *rejected_in_own_scope(void *unused)
{
	own_scope = flopshim_begin_budget("own", 1e9);
	inside = end_own_and_meet;
	be_rejected(100);
	return unused;
}

/* The scope of a call in flight ends, and the scope around it too. */
static void scope_in_flight_nested(void)
{
	int64_t scope = flopshim_begin_budget(".s", 1e9);
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, rejected_in_own_scope, NULL);
	meet();
	flopshim_end(scope);
	scopes_turn_over();
	meet();
	pthread_join(thread, NULL);
	scopes_check();
}

static ucontext_t outside, coroutine;

static void leave_coroutine(void)
{
	inside = NULL;
	swapcontext(&coroutine, &outside);
}

static void run_coroutine(void)
{
	inside = leave_coroutine;
	be_rejected(100);
}

/*
 * A call in flight is on a coroutine's stack. After thousands of other calls the shim may no longer list it, but its
 * scope's memory must still not be charged when it returns.
 */
static void scope_in_coroutine(void)
{
	enum { STACK = 1 << 18, OTHER_CALLS = 10000 };
	int64_t scope = flopshim_begin_budget(".s", 1e9);

	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = malloc(STACK);
	coroutine.uc_stack.ss_size = STACK;
	coroutine.uc_link = &outside;
	makecontext(&coroutine, run_coroutine, 0);
	swapcontext(&outside, &coroutine);
	flopshim_end(scope);
	for (int i = 0; i < OTHER_CALLS; i++)
		dot(LENGTH);
	scopes_turn_over();
	swapcontext(&outside, &coroutine);
	scopes_check();
	free(coroutine.uc_stack.ss_sp);
}

static enum flopshim_action meet_and_warn(const struct flopshim_exceeded *call, void *context)
{
	(void)call, (void)context;
	two_meetings();
	return FLOPSHIM_WARN;
}

/* The scope of a call ends while the callback decides about it, and the call then runs over a budget that has ended. */
static void scope_in_callback(void)
{
	int64_t scope = flopshim_begin_budget(".s", COST - 1);
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	flopshim_on_exceed(meet_and_warn, NULL);
	pthread_create(&thread, NULL, one_dot, NULL);
	meet();
	flopshim_end(scope);
	scopes_turn_over();
	meet();
	pthread_join(thread, NULL);
	scopes_check();
}

/* ---- the callback ---- */

static int contexts[2];

static enum flopshim_action first(const struct flopshim_exceeded *call, void *context)
{
	(void)call;
	CHECK(context == &contexts[0], "the other one's context");
	return FLOPSHIM_DENY;
}

static enum flopshim_action second(const struct flopshim_exceeded *call, void *context)
{
	(void)call;
	CHECK(context == &contexts[1], "the other one's context");
	return FLOPSHIM_DENY;
}

static void *be_refused(void *unused)
{
	while (!stop)
		CHECK(!dot(LENGTH), "it was run");
	return unused;
}

static void callbacks(void)
{
	pthread_t threads[THREADS];

	flopshim_quiet(1);
	flopshim_set_budget(".", 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, be_refused, NULL);
	for (int i = 0; i < 60000; i++) {
		CHECK_EQUAL(flopshim_on_exceed(i % 3 ? (i % 3 == 1 ? first : second) : NULL,
		                               i % 3 ? &contexts[i % 3 - 1] : NULL),
		            0);
	}
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- processes that end by SIGKILL, for tests of their dumps ---- */

enum { DONE = 10 };

static void dots(int count)
{
	while (count--)
		CHECK(dot(LENGTH), "it was not run");
}

static void killed_idle(void)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	dots(DONE);
	pthread_create(&thread, NULL, idle, NULL);
	meet();
	raise(SIGKILL);
}

static void killed_scopes(void)
{
	flopshim_set_budget(".a", 2e6);
	flopshim_begin_budget(".a", 3e6);
	dots(DONE);
	flopshim_begin_budget("b", 4e6);
	dots(DONE);
	raise(SIGKILL);
}

/* Each flopshim_remaining calls the lease back, so that the thread has another lease each time. */
static void killed_later(void)
{
	flopshim_begin_budget(".a", 3e6);
	for (int i = 0; i < 5; i++) {
		dots(DONE);
		flopshim_remaining("");
	}
	dots(1);
	raise(SIGKILL);
}

/* ---- many shapes ---- */

/* Makes calls that are done, refused and rejected, and charges by hand, each with another shape. */
static void many_shapes(void)
{
	for (int n = 1; n <= 3000; n++)
		dot(n);
	CHECK_EQUAL(flopshim_set_budget(".", 3000.0 * 3001), 0);
	for (int n = 1; n <= 400; n++)
		CHECK_EQUAL(product(1 + n % 20, 1 + n / 20, 1), false);
	flopshim_set_budget(".", 1e15);
	for (int n = 1; n <= 300; n++)
		be_rejected(n);
	for (int n = 0; n < 200; n++)
		flopshim_charge("by hand", 1000 + n, NULL, 0, NULL);
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
#define TEST(name) {#name, name}
		TEST(reuse_dot),          TEST(reuse_by_hand),     TEST(reuse_in_scope),
		TEST(reuse_budget),       TEST(reuse_many),        TEST(huge_factors),
		TEST(huge_unlimited),     TEST(tiny_factors),      TEST(hammer_plain),
		TEST(hammer_by_hand),     TEST(hammer_rejecting),  TEST(hammer_under_limit),
		TEST(running_rejected),   TEST(running_own),       TEST(fork_leases),
		TEST(fork_storm),         TEST(scope_in_flight),   TEST(scope_in_flight_nested),
		TEST(scope_in_coroutine), TEST(scope_in_callback), TEST(callbacks),
		TEST(killed_idle),        TEST(killed_scopes),     TEST(killed_later),
		TEST(many_shapes),
#undef TEST
	};

	if (count == 2 && !strcmp(arguments[1], "fork_from_thread")) {
		run_thread(fork_from_thread, NULL);
		return 0;
	}
	for (size_t i = 0; count == 2 && i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!strcmp(arguments[1], tests[i].name)) {
			tests[i].run();
			return 0;
		}
	return 2;
}
