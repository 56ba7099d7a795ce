/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lifecycle.c - threads begin and end, know who created them, and start over in a forked child.
 * It must never let a thread without a scope of its own charge elsewhere than its creator.
 */
#include "shim/threads/lifecycle.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "shim/charge/charge.h"
#include "shim/charge/namespace.h"
#include "shim/dump/dump.h"
#include "shim/dump/lock.h"
#include "shim/enforce/exceed.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "shim/guest/page.h"
#include "shim/record/frames.h"
#include "shim/record/record.h"
#include "shim/record/summary.h"
#include "shim/resolve/libc.h"
#include "shim/stacks/sample.h"
#include "shim/stacks/unwind.h"
#include "shim/state/epoch.h"
#include "shim/state/registry.h"

#define STACK_UNLIMITED ((uint64_t)1 << 36) /* size of a stack without a limit: nothing else lies that near */
#define STACK_GUESS     ((uint64_t)8 << 20)

/* Makes `thread` the state of the calling thread. A signal handler that comes in between finds no call in flight. */
static void thread_become(struct thread *thread)
{
	volatile struct thread_head *head = &thread_head;

	head->open_slot = OPEN_NONE;
	head->served_size = 0;
	head->thread = thread;
	head->lane = thread->lane;
	head->served_start = thread->served_start;
	head->served_size = thread->served_size;
	head_settle(thread->lane);
}

/* An origin, with what its thread is to run and where its stack is; the size is 0 if that is not known. */
struct birth {
	struct origin origin;
	void *(*start)(void *);
	void *argument;
	uint64_t stack_base, stack_size; /* base 0: the C library chooses a place */
};

/* These are static. Few programs have more threads at once, and the others cannot run out of memory here. */
enum { BIRTHS_FIRST = 64 };
static struct birth first_births[BIRTHS_FIRST] __attribute__((aligned(16)));

static struct {
	pthread_key_t key;
	bool has_key;
	struct guest_pool births; /* under record_lock */
	uint64_t main_thread, main_stack_size, thread_stack_size;
} life = {.births = {.size = sizeof(struct birth),
                     .fresh = (char *)first_births,
                     .fresh_end = (char *)(first_births + BIRTHS_FIRST)}};

static __thread struct origin *origin_self __attribute__((tls_model("initial-exec")));

void lifecycle_lock(void)
{
	if (epoch_is_forked())
		memset(&record_lock, 0, sizeof(record_lock));
	guest_lock(&record_lock);
}

/* ---- who made whom ---- */

/* A new origin, with one use; NULL without memory. With record_lock held. */
static struct origin *origin_make(struct origin *creator)
{
	struct birth *birth = guest_pool_take(&life.births);

	if (!birth)
		return NULL;
	*birth = (struct birth){.origin = {.creator = creator, .uses = 1}};
	if (creator)
		creator->uses++;
	return &birth->origin;
}

/* The calling thread's origin, made if need be; NULL without memory. With record_lock held. */
static struct origin *origin_locked(void)
{
	if (!origin_self)
		origin_self = origin_make(NULL);
	return origin_self;
}

struct origin *lifecycle_origin(void)
{
	if (!origin_self) {
		guest_lock(&record_lock);
		origin_locked();
		guest_unlock(&record_lock);
	}
	return origin_self;
}

bool lifecycle_is_limited(void)
{
	bool limited;

	guest_lock(&record_lock);
	limited = origin_scope(origin_self)->limited;
	guest_unlock(&record_lock);
	return limited;
}

static void origin_release(struct origin *origin)
{
	while (origin && --origin->uses == 0) {
		struct origin *creator = origin->creator;

		guest_pool_give(&life.births, origin);
		origin = creator;
	}
}

/* ---- threads ---- */

/*
 * Finds out where the thread's own stack lies. It must not be thought larger than it is: others may begin right below
 * it. glibc keeps a thread's control block at the top of its stack, but for the main thread; asking
 * pthread_getattr_np would allocate. For a thread that others have created (clone, thrd_create), the default size is
 * most likely; too small a guess only sends calls through the slow path.
 */
static void thread_find_stack(void)
{
	extern void *__libc_stack_end;
	uint64_t thread_pointer = (uint64_t)machine_thread_pointer();
	const struct birth *birth = (const struct birth *)origin_self;

	if (thread_pointer == life.main_thread) {
		thread_head.stack_high = page_end((uint64_t)__libc_stack_end + 1);
		thread_head.stack_low = thread_head.stack_high - life.main_stack_size;
		return;
	}
	thread_head.stack_high = thread_pointer;
	thread_head.stack_low =
		birth && birth->stack_base
			? birth->stack_base
			: page_end(thread_pointer) -
				  (birth && birth->stack_size ? birth->stack_size : life.thread_stack_size);
}

/*
 * Makes the state of a thread. It gets the place of one that has ended if there is any, with all that this one knew of
 * call sites and rows: the epoch tells what is not true any more. So only what belongs to the thread itself begins
 * anew.
 */
static struct thread *thread_make(void)
{
	struct thread *thread;
	bool is_new;

	thread = registry_place(&is_new);
	if (!thread)
		return NULL;
	thread->origin = origin_locked();
	if (is_new) {
		thread->own_epoch = epoch_kept();
		thread->until_sample = UNTIL_NEVER;
	}
	if (!record_lane_take(thread)) {
		guest_free(thread, sizeof(*thread));
		return NULL;
	}
	thread_find_stack();
	registry_add(thread);
	thread->scope = origin_scope(thread->origin);
	return thread;
}

/* Ends the state of a thread; its place waits for another one. With record_lock held. */
static void thread_end(struct thread *thread)
{
	thread_become(&thread_null);
	charge_settle(thread);
	credit_settle(thread);
	thread->credit = 0;
	thread->credit_scope = NULL;
	thread->busy = 0;
	thread->asking_slot = 0;
	thread->origin = NULL;
	record_lane_rest(thread);
	registry_retire(thread);
}

/* Ends the scopes of a thread, and its use of its origin. With record_lock held. */
static void origin_end(struct origin *origin)
{
	origin_self = NULL;
	if (origin->opened) {
		dump_unseal();
		namespace_close_all(origin);
		lifecycle_scopes_changed();
	}
	origin_release(origin);
}

/*
 * Called when a thread ends that has made a call, or was created by pthread_create. Later destructors may make its
 * state anew.
 */
static void ended(void *unused)
{
	(void)unused;
	if (flopshim_epoch == 0)
		return;
	frames_thread_end(thread_self);
	guest_lock(&record_lock);
	if (thread_self != &thread_null)
		thread_end(thread_self);
	if (origin_self)
		origin_end(origin_self);
	guest_unlock(&record_lock);
}

/* Has `ended` called at the end of each thread, if the C library's functions for threads are there yet. */
static void key_make(void) { life.has_key = libc_threads.key_create && !libc_threads.key_create(&life.key, ended); }

static void scope_renew(struct thread *thread) { thread->scope = origin_scope(thread->origin); }

void lifecycle_scopes_changed(void) { registry_each_thread(scope_renew); }

static void *born(void *argument)
{
	struct birth *birth = argument;

	origin_self = &birth->origin;
	if (life.has_key)
		libc_threads.setspecific(life.key, &life);
	unwind_thread_start();
	return birth->start(birth->argument);
}

static void birth_describe(struct birth *birth, const pthread_attr_t *attributes, void *(*start)(void *),
                           void *argument)
{
	void *base = NULL;
	size_t size = 0;

	birth->start = start;
	birth->argument = argument;
	if (!attributes || !libc_threads.attr_getstack || libc_threads.attr_getstack(attributes, &base, &size))
		return;
	/* If no place was chosen, pthread_attr_getstack answers 0 - size as the base. */
	birth->stack_base = (uint64_t)base + size ? (uint64_t)base : 0;
	birth->stack_size = size;
}

/*
 * Called where there is no memory for a new thread's origin: the thread will charge to the namespace of the process,
 * where the limits of open scopes do not hold. Ends the process if there is such a limit, and says so otherwise.
 */
static void origin_missing(void)
{
	static _Atomic bool said;
	bool open, limited;

	guest_lock(&record_lock);
	open = origin_scope(origin_self) != &namespace_base;
	limited = open && origin_scope(origin_self)->limited;
	guest_unlock(&record_lock);
	if (limited && config.on_exceed != EXCEED_WARN)
		exceed_without_memory();
	if (open && !atomic_exchange(&said, true))
		guest_say("no memory to remember a thread's creator: the thread is charged to the namespace of the "
		          "process instead");
}

/* Creates a thread that knows its creator: it charges where that one has a scope open. */
__attribute__((visibility("default"))) int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                                          void *(*start)(void *), void *argument)
{
	struct origin *origin = NULL;
	int result;

	libc_find();
	libc_find_threads();
	if (!libc_threads.create)
		return ENOSYS;
	if (!guest_holds() && lifecycle_ready()) {
		guest_lock(&record_lock);
		if (!life.has_key)
			key_make();
		if (origin_locked())
			origin = origin_make(origin_self);
		guest_unlock(&record_lock);
		if (!origin)
			origin_missing();
	}
	if (!origin)
		return libc_threads.create(thread, attributes, start, argument);
	birth_describe((struct birth *)origin, attributes, start, argument);
	result = libc_threads.create(thread, attributes, born, origin);
	if (result) {
		guest_lock(&record_lock);
		origin_release(origin);
		guest_unlock(&record_lock);
	}
	return result;
}

void lifecycle_look_again(struct thread *thread)
{
	if (thread->own_epoch == flopshim_epoch)
		return;
	thread->own_epoch = flopshim_epoch;
	dump_unseal_unlocked();
	charge_settle(thread);
	credit_settle(thread);
	thread->credit = 0;
	thread->credit_scope = NULL;
	record_rows_priced(&thread->rows);
}

/* ---- forks ---- */

/*
 * Starts over in a forked child. Its only thread keeps the calls that it is inside of; the rest of what it knew is
 * the parent's.
 */
static void start_over_after_fork(void)
{
	struct thread *thread = thread_self;
	struct forked_frames flying;
	bool taken;

	memset(&record_lock, 0, sizeof(record_lock));
	registry_forked();
	frames_forked(thread, &flying);
	if (guest_confined) {
		__atomic_fetch_or(&dump_header->losses, (uint32_t)DUMP_LOST_CALLS, __ATOMIC_SEQ_CST);
		thread->lost_calls = &thread->lane->lost_calls;
	}
	charge_forked();
	record_forked();
	dump_forked();
	namespace_forked();
	summary_forked();
	sample_forked();
	unwind_forked();
	registry_clear();
	epoch_start_over();
	if (thread == &thread_null)
		return;
	thread->own_epoch = flopshim_epoch;
	thread_head.open_slot = OPEN_NONE;
	thread->lane = thread_head.lane = thread_null.lane;
	thread->log = NULL;
	thread->credit = thread->credit_given = 0;
	thread->credit_scope = NULL;
	thread->lease = 0;
	memset(thread->sites, 0, sizeof(thread->sites));
	memset(thread->steady, 0, sizeof(thread->steady));
	guest_lock(&record_lock);
	thread->lane = NULL;
	if (guest_confined)
		record_lane_blind(thread);
	taken = guest_confined || record_lane_take(thread);
	if (!taken)
		thread_become(&thread_null);
	guest_unlock(&record_lock);
	if (!taken)
		return;
	registry_add(thread);
	memcpy(thread->lane->frames, flying.frames, sizeof(flying.frames));
	thread->lane->depth = flying.depth;
	thread_head.lane = thread->lane;
	head_settle(thread->lane);
}

bool lifecycle_ready(void)
{
	if (epoch_is_forked())
		start_over_after_fork();
	return epoch_has_started();
}

struct thread *lifecycle_thread(void)
{
	struct thread *thread;

	if (!lifecycle_ready())
		return NULL;
	if (likely(thread_self != &thread_null))
		return thread_self;
	sample_calibrate();       /* the first reading: making the dump takes long enough for a second one */
	guest_lock(&record_lock); /* a signal handler must not make a second one meanwhile */
	thread = thread_self != &thread_null ? thread_self : thread_make();
	if (thread) {
		thread_become(thread);
		if (life.has_key)
			libc_threads.setspecific(life.key, thread);
	}
	guest_unlock(&record_lock);
	return thread;
}

static void fork_begins(void)
{
	if (thread_self != &thread_null)
		frames_fork_begins(thread_self);
}

static void fork_ended(void)
{
	if (thread_self != &thread_null)
		frames_fork_ended(thread_self);
}

/* ---- the start ---- */

/*
 * Finds how large stacks may grow, by the limits at the start of the program: the kernel keeps as much room free below
 * the main thread's stack.
 */
static void find_stack_sizes(void)
{
	pthread_attr_t attributes;
	struct rlimit limit;
	size_t size = 0;

	life.main_thread = (uint64_t)machine_thread_pointer();
	life.main_stack_size = life.thread_stack_size = STACK_GUESS;
	if (!getrlimit(RLIMIT_STACK, &limit))
		life.main_stack_size = limit.rlim_cur == RLIM_INFINITY ? STACK_UNLIMITED : limit.rlim_cur;
	if (pthread_attr_init(&attributes))
		return;
	if (libc_threads.attr_getstacksize && !libc_threads.attr_getstacksize(&attributes, &size) && size)
		life.thread_stack_size = size;
	pthread_attr_destroy(&attributes);
}

void lifecycle_start(void)
{
	epoch_wipe_on_fork();
	pthread_atfork(fork_begins, fork_ended, epoch_forked);
	key_make();
	find_stack_sizes();
}
