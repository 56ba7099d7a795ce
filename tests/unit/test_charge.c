/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_charge.c - tests that limits are exact to the last FLOP, whichever threads hold leases.
 * It must never need the rest of the shim: its threads are made up here, and there is no dump.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/charge/charge.h"
#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/state/registry.h"
#include "run_suite.h"

enum { THREADS = 8, ROUNDS = 1000 };

/* ---- stand-ins for what charge.c uses of the shim ---- */

static struct thread threads[THREADS];
static struct dump_lane lanes[THREADS];
static unsigned thread_total;
struct thread thread_null;
__thread struct thread_head thread_head = {.thread = &thread_null};

void registry_each_thread(void (*visit)(struct thread *))
{
	for (unsigned i = 0; i < thread_total; i++)
		visit(&threads[i]);
}

void epoch_next(void) {}
struct dump_table dump_limits;
void *dump_append(struct dump_table *table, uint32_t *number)
{
	(void)table;
	(void)number;
	return NULL;
}
void dump_commit(struct dump_table *table) { (void)table; }

static void start(unsigned count)
{
	thread_total = count;
	for (unsigned i = 0; i < count; i++)
		threads[i] = (struct thread){.until_sample = INT64_MAX, .lane = &lanes[i]};
}

/*
 * Charges a call as intercept.c does: from the lease if it suffices, otherwise by charge_reserve. Returns false if
 * refused.
 */
static bool call(struct thread *thread, const struct scope *scope, int64_t cost)
{
	uint64_t remaining;

	if (thread->credit_scope == scope && charge_from_lease(thread, cost))
		return true;
	if (charge_reserve(thread, scope, cost, &remaining))
		return false;
	thread->credit = CREDIT_LEASE;
	return true;
}

START_TEST(an_exact_fit_is_allowed_and_one_more_is_not)
{
	struct limit limit = {.amount = 100};
	struct scope scope = {.limited = true, .namespace_limits = &limit};

	start(1);
	for (int i = 0; i < 10; i++)
		ck_assert(call(&threads[0], &scope, 10));
	ck_assert_uint_eq(charge_used(&limit), 100);
	ck_assert(!call(&threads[0], &scope, 1));
	ck_assert(call(&threads[0], &scope, 0));
	ck_assert_uint_eq(charge_used(&limit), 100);
}
END_TEST

START_TEST(the_smallest_of_all_limits_is_named)
{
	struct limit root = {.amount = 1000}, space = {.amount = 50, .namespace_id = 1, .parent = &root};
	struct limit outer = {.amount = 40, .is_scope = true},
		     inner = {.amount = 500, .is_scope = true, .parent = &outer};
	struct scope scope = {.namespace_id = 1, .limited = true, .namespace_limits = &space, .scope_limits = &inner};
	uint64_t remaining = 0;

	start(1);
	ck_assert_ptr_eq(charge_reserve(&threads[0], &scope, 45, &remaining), &outer);
	ck_assert_uint_eq(remaining, 40);
	ck_assert_ptr_null(charge_reserve(&threads[0], &scope, 40, &remaining));
	ck_assert_uint_eq(charge_used(&root), 40);
	ck_assert_uint_eq(charge_used(&space), 40);
	ck_assert_uint_eq(charge_used(&outer), 40);
	ck_assert_uint_eq(charge_used(&inner), 40);
}
END_TEST

START_TEST(the_lease_of_a_sleeping_thread_is_called_back)
{
	struct limit limit = {.amount = 1000000};
	struct scope scope = {.limited = true, .namespace_limits = &limit};

	start(2);
	ck_assert(call(&threads[1], &scope, 1)); /* makes no further call, and keeps its lease */
	ck_assert_int_gt(atomic_load(&threads[1].lease), 0);
	ck_assert(call(&threads[0], &scope, 999999));
	ck_assert_int_eq(atomic_load(&threads[1].lease), 0);
	ck_assert(!call(&threads[0], &scope, 1));
	ck_assert(!call(&threads[1], &scope, 1));
}
END_TEST

START_TEST(a_thread_that_ends_or_changes_its_scope_takes_nothing_with_it)
{
	struct limit one = {.amount = 1000000}, two = {.amount = 1000000};
	struct scope first = {.limited = true, .namespace_limits = &one},
		     second = {.limited = true, .namespace_limits = &two};
	struct scope unlimited = {0};

	start(1);
	ck_assert(call(&threads[0], &first, 5));
	ck_assert_uint_gt(one.used, 5);
	ck_assert(call(&threads[0], &second, 7));
	ck_assert_uint_eq(one.used, 5);
	ck_assert(call(&threads[0], &unlimited, 9));
	ck_assert_uint_eq(two.used, 7);
	ck_assert(call(&threads[0], &first, 5));
	charge_settle(&threads[0]);
	ck_assert_uint_eq(one.used, 10);
}
END_TEST

START_TEST(what_was_rejected_is_given_back)
{
	struct limit limit = {.amount = 100};
	struct scope scope = {.limited = true, .namespace_limits = &limit};

	start(1);
	ck_assert(call(&threads[0], &scope, 100));
	charge_hold();
	charge_refund(&scope, 100);
	charge_release();
	ck_assert_uint_eq(charge_used(&limit), 0);
	ck_assert(call(&threads[0], &scope, 100));
}
END_TEST

/* ---- threads ---- */

static struct scope shared_scope;
static _Atomic uint64_t charged, refused, attempted;

static void *work(void *argument)
{
	struct thread *thread = argument;
	uint64_t random = (uint64_t)(thread - threads) * 77777 + 12345;

	thread_self = thread;
	for (int i = 0; i < 200; i++) {
		int64_t cost;

		random = random * 6364136223846793005u + 1442695040888963407u;
		cost = (int64_t)(random >> 33) % 2000;
		atomic_fetch_add(&attempted, (uint64_t)cost);
		atomic_fetch_add(call(thread, &shared_scope, cost) ? &charged : &refused, (uint64_t)cost);
	}
	charge_settle(thread);
	return NULL;
}

/* Threads that call at once never exceed a limit. The test is repeated with ten limits, from small to large. */
START_TEST(threads_never_pass_a_limit_together)
{
	struct limit limit = {.amount = (uint64_t)200000 * (unsigned)(_i % 10 + 1)};
	pthread_t workers[THREADS];
	uint64_t remaining;

	shared_scope = (struct scope){.limited = true, .namespace_limits = &limit};
	charged = refused = attempted = 0;
	start(THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&workers[i], NULL, work, &threads[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i], NULL);
	ck_assert_uint_eq(charged + refused, attempted);
	ck_assert_uint_eq(limit.used, charged);
	ck_assert_uint_le(charged, limit.amount);
	/* No FLOP was lost: the whole rest of the limit can still be charged. */
	thread_total = 1;
	threads[0] = (struct thread){.until_sample = INT64_MAX, .lane = &lanes[0]};
	ck_assert_ptr_null(charge_reserve(&threads[0], &shared_scope, (int64_t)(limit.amount - charged), &remaining));
}
END_TEST

/* ---- children ---- */

#ifdef __SANITIZE_THREAD__
enum { IS_THREAD_SANITIZED = 1 };
#else
enum { IS_THREAD_SANITIZED = 0 };
#endif

enum { COST = 7, FORKS = 200 };

static struct limit outer_space = {.amount = 70000000},
		    space = {.amount = 60000000, .namespace_id = 1, .parent = &outer_space};
static struct limit outer = {.amount = 50000000, .is_scope = true},
		    inner = {.amount = 7000, .is_scope = true, .parent = &outer};
static struct scope deep_scope = {
	.namespace_id = 1, .limited = true, .namespace_limits = &space, .scope_limits = &inner};
static _Atomic bool over;

/*
 * Charges calls and gives them back, as fast as it can. The smallest limit is so small that leases change hands often.
 */
static void *take_and_give(void *argument)
{
	struct thread *thread = argument;

	thread_self = thread;
	for (unsigned i = 0; !over; i++) {
		if (!call(thread, &deep_scope, COST))
			charge_call_back_all();
		else if (i % 8 || thread == &threads[0]) {
			charge_hold();
			charge_refund(&deep_scope, COST);
			charge_release();
		}
		if (inner.used > inner.amount / 2) {
			charge_hold();
			charge_call_back_all_held();
			if (inner.used >= COST)
				charge_refund(&deep_scope, COST);
			charge_release();
		}
	}
	return NULL;
}

/* A child undoes what another thread had half done at the fork and gives all leases back: only whole calls are used. */
START_TEST(a_child_finds_whole_calls_used_and_no_lease)
{
	pthread_t workers[THREADS];

	start(THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&workers[i], NULL, take_and_give, &threads[i]);
	for (int i = 0; i < FORKS; i++) {
		int status;
		pid_t child = fork();

		if (!child) {
			bool good;

			charge_forked();
			good = inner.used % COST == 0 && inner.used <= inner.amount && outer.used == inner.used &&
			       space.used == inner.used && outer_space.used == inner.used;
			for (int j = 0; j < THREADS; j++)
				good &= !atomic_load(&threads[j].lease);
			_exit(!good);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
	}
	over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i], NULL);
}
END_TEST

START_TEST(the_dump_is_told_what_is_leased_and_on_which_limits)
{
	struct dump_limit records[2] = {0};
	struct limit root = {.amount = 1000000, .record = &records[0], .number = 1};
	struct limit middle = {
		.amount = 900000, .ended = true, .parent = &root}; /* has ended, so that it is no longer in the dump */
	struct limit own = {.amount = 800000, .namespace_id = 1, .record = &records[1], .number = 2, .parent = &middle};
	struct scope scope = {.limited = true, .namespace_limits = &own};

	start(2);
	for (int i = 0; i < 3; i++)
		ck_assert(call(&threads[0], &scope, 10));
	ck_assert_uint_eq(lanes[0].lease_limits[0], 2);
	ck_assert_uint_eq(lanes[0].lease_limits[1], 0);
	ck_assert_uint_eq(records[1].parent, 1);
	ck_assert_uint_eq(records[0].used - (uint64_t)lanes[0].lease, 30);
	ck_assert_uint_eq(records[1].used - (uint64_t)lanes[0].lease, 30);
	charge_call_back_all();
	ck_assert_uint_eq(lanes[0].lease_limits[0], 0);
	ck_assert_uint_eq(records[0].used, 30);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("charge");
	TCase *tests = tcase_create("limits");

	tcase_add_test(tests, an_exact_fit_is_allowed_and_one_more_is_not);
	tcase_add_test(tests, the_smallest_of_all_limits_is_named);
	tcase_add_test(tests, the_lease_of_a_sleeping_thread_is_called_back);
	tcase_add_test(tests, a_thread_that_ends_or_changes_its_scope_takes_nothing_with_it);
	tcase_add_test(tests, what_was_rejected_is_given_back);
	tcase_add_test(tests, the_dump_is_told_what_is_leased_and_on_which_limits);
	if (!IS_THREAD_SANITIZED) /* the thread sanitizer does not support a fork beside other threads */
		tcase_add_test(tests, a_child_finds_whole_calls_used_and_no_lease);
	tcase_add_loop_test(tests, threads_never_pass_a_limit_together, 0, getenv("FLOPSHIM_LONG") ? ROUNDS : 40);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_FORK);
}
