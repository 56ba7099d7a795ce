/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lifecycle.c - start and end of the process, its threads and its forks.
 * It must never make a file or say anything in a process that makes no BLAS call.
 */
#include "shim/threads/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shim/charge/charge.h"
#include "shim/guest/config.h"
#include "shim/interpose/dlsym.h"
#include "shim/dump/dump.h"
#include "shim/enforce/exceed.h"
#include "shim/record/frames.h"
#include "shim/guest/guest.h"
#include "shim/guest/page.h"
#include "shim/charge/namespace.h"
#include "shim/dump/path.h"
#include "shim/record/record.h"
#include "shim/resolve/resolve.h"
#include "shim/stacks/sample.h"
#include "shim/guest/speak.h"
#include "shim/record/summary.h"
#include "shim/stacks/unwind.h"
#include "shim/charge/weights.h"

#define STACK_UNLIMITED ((uint64_t)1 << 36) /* nothing lies that near to such a stack */
#define STACK_GUESS ((uint64_t)8 << 20)

static struct dump_lane lane_null; /* of threads that have none: never counted in */
struct thread thread_null = {.lane = &lane_null};
__thread struct thread_head thread_head = {.thread = &thread_null, .lane = &lane_null};

/* A signal handler in between finds no call in flight, and sees the rest by the thread. */
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

/* Alone on its page, so that a fork can wipe it. */
static struct {
	volatile uint32_t epoch;
	char rest[PAGE_MOST - sizeof(uint32_t)];
} epoch_page __attribute__((aligned(PAGE_MOST)));
extern volatile uint32_t flopshim_epoch __attribute__((alias("epoch_page"), visibility("hidden")));

/* An origin, and what its thread is to do and where its stack is; the size is 0 if that is not known. */
struct birth {
	struct origin origin;
	void *(*start)(void *);
	void *argument;
	uint64_t stack_base, stack_size; /* base 0: the C library finds a place */
};

/* Few programs have more threads at once than these are for: nothing can be missing then. */
enum { BIRTHS_FIRST = 64 };
static struct birth first_births[BIRTHS_FIRST] __attribute__((aligned(16)));

static struct {
	_Atomic uint32_t epoch; /* the same, where a fork keeps it */
	pthread_key_t key;
	bool has_key, wiped_on_fork, started;
	struct guest_pool births; /* under record_lock */
	struct guest_lock lock; /* of the lists */
	struct thread *threads, *free;
	uint64_t main_thread, main_stack_size, thread_stack_size;
	char program[PATH_MAX];
} life = {.births = {.size = sizeof(struct birth),
		     .fresh = (char *)first_births,
		     .fresh_end = (char *)(first_births + BIRTHS_FIRST)}};

static __thread struct origin *origin_self __attribute__((tls_model("initial-exec")));

const char *lifecycle_program(void) { return life.program; }

/* A confined thread cannot ask for its own: any number that no other has will do. */
uint32_t lifecycle_thread_number(void)
{
	return guest_confined ? (uint32_t)((uint64_t)__builtin_thread_pointer() >> 6) : (uint32_t)syscall(SYS_gettid);
}

static bool is_forked(void) { return life.started && unlikely(epoch_page.epoch == 0); }

static void epoch_begin(void)
{
	uint32_t next = atomic_fetch_add(&life.epoch, 1) + 1;

	epoch_page.epoch = next ? next : atomic_fetch_add(&life.epoch, 1) + 1;
}

/* A forked child must start over before it has an epoch, or it would go on in its parent's dump. */
void lifecycle_epoch_next(void)
{
	if (!is_forked())
		epoch_begin();
}

void lifecycle_lock(void)
{
	if (is_forked())
		memset(&record_lock, 0, sizeof(record_lock));
	guest_lock(&record_lock);
}

void lifecycle_each_thread(void (*visit)(struct thread *))
{
	guest_lock(&life.lock);
	for (struct thread *thread = life.threads; thread; thread = thread->next)
		visit(thread);
	guest_unlock(&life.lock);
}

void lifecycle_each_place(void (*visit)(struct thread *, void *), void *context)
{
	guest_lock(&life.lock);
	for (struct thread *thread = life.threads; thread; thread = thread->next)
		visit(thread, context);
	for (struct thread *thread = life.free; thread; thread = thread->next)
		visit(thread, context);
	guest_unlock(&life.lock);
}

/* ---- who made whom ---- */

/* With record_lock held. */
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

/* With record_lock held. The calling thread's; NULL without memory. */
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

/* ---- what other threads are doing ---- */

enum { SETTLED_AFTER_NS = 50000, SETTLE_PAUSE_NS = 50000, SETTLE_MAX_NS = 500000000 };

struct unsettled {
	uint32_t tid; /* 0: settled */
	uint64_t ran_ns;
};

static struct {
	struct unsettled *list; /* NULL to have them counted */
	size_t count, room;
} unsettled; /* under record_lock */

/* How long a thread has run; UINT64_MAX if it is gone. */
static uint64_t thread_ran_ns(uint32_t tid)
{
	struct timespec ran;

	/* pthread_getcpuclockid wants a pthread_t: this is how the kernel names the clock of a thread. */
	if (clock_gettime((clockid_t)(~tid << 3 | 6), &ran))
		return UINT64_MAX;
	return (uint64_t)ran.tv_sec * 1000000000u + (uint64_t)ran.tv_nsec;
}

/* Whether it sleeps in the kernel, or cannot run again; not while it waits for a page or for its turn. */
static bool thread_waits(uint32_t tid)
{
	char name[64], text[512], *at;
	size_t end = 0;
	ssize_t length;
	int file;

	guest_print(name, sizeof(name), &end, "/proc/self/task/%u/stat", tid);
	file = open(name, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	length = read(file, text, sizeof(text) - 1);
	close(file);
	text[length > 0 ? length : 0] = 0;
	at = strrchr(text, ')');
	return at && at[1] == ' ' && strchr("SZXx", at[2]);
}

static void unsettled_note(struct thread *thread)
{
	uint32_t tid = thread->lane->tid;

	if (thread == thread_self)
		return;
	if (unsettled.list && unsettled.count < unsettled.room)
		unsettled.list[unsettled.count] = (struct unsettled){tid, thread_ran_ns(tid)};
	unsettled.count++;
}

/* How many are left. */
static size_t unsettled_look(void)
{
	size_t left = 0;

	for (size_t i = 0; i < unsettled.count; i++) {
		struct unsettled *other = &unsettled.list[i];

		if (other->tid && (thread_ran_ns(other->tid) - other->ran_ns >= SETTLED_AFTER_NS || thread_waits(other->tid)))
			other->tid = 0;
		left += other->tid != 0;
	}
	return left;
}

void lifecycle_settle(void)
{
	struct timespec pause = {0, SETTLE_PAUSE_NS};
	uint64_t until = guest_clock() + SETTLE_MAX_NS;
	int saved = errno;
	size_t bytes;

	unsettled.list = NULL;
	unsettled.count = 0;
	lifecycle_each_thread(unsettled_note);
	if (!unsettled.count || guest_confined) /* whose threads cannot be looked at */
		return;
	unsettled.room = unsettled.count;
	bytes = unsettled.room * sizeof(struct unsettled);
	unsettled.list = guest_pages(bytes);
	if (!unsettled.list) {
		nanosleep(&(struct timespec){0, 10 * SETTLE_PAUSE_NS}, NULL);
		errno = saved;
		return;
	}
	unsettled.count = 0;
	lifecycle_each_thread(unsettled_note);
	if (unsettled.count > unsettled.room)
		unsettled.count = unsettled.room;
	while (unsettled_look() && guest_clock() < until)
		nanosleep(&pause, NULL);
	guest_free(unsettled.list, bytes);
	errno = saved;
}

/* ---- threads ---- */

/*
 * Where the thread's own stack lies, which must not be thought larger than it is: others may begin right below it. glibc
 * keeps a thread's control block at the top of its stack, but for the main thread; asking pthread_getattr_np would
 * allocate. Where nothing is known of it (clone, thrd_create), the default is most likely; too narrow a guess only sends
 * calls through the slow path.
 */
static void thread_find_stack(void)
{
	extern void *__libc_stack_end;
	uint64_t thread_pointer = (uint64_t)__builtin_thread_pointer();
	const struct birth *birth = (const struct birth *)origin_self;

	if (thread_pointer == life.main_thread) {
		thread_head.stack_high = page_end((uint64_t)__libc_stack_end + 1);
		thread_head.stack_low = thread_head.stack_high - life.main_stack_size;
		return;
	}
	thread_head.stack_high = thread_pointer;
	thread_head.stack_low = birth && birth->stack_base ? birth->stack_base
			      : page_end(thread_pointer) -
					(birth && birth->stack_size ? birth->stack_size : life.thread_stack_size);
}

/*
 * A new thread is given the place of one that has ended if there is any, with all that it knew of call sites and rows: what
 * is not true any more is told by its epoch. So only what belongs to the thread itself begins anew.
 */
static struct thread *thread_make(void)
{
	struct thread *thread;
	bool is_new;

	guest_lock(&life.lock);
	thread = life.free;
	is_new = !thread;
	if (thread)
		life.free = thread->next;
	else
		thread = guest_pages(sizeof(struct thread));
	guest_unlock(&life.lock);
	if (!thread)
		return NULL;
	thread->origin = origin_locked();
	if (is_new) {
		thread->own_epoch = life.epoch;
		thread->until_sample = INT64_MAX;
	}
	if (!record_lane_take(thread)) {
		guest_free(thread, sizeof(*thread));
		return NULL;
	}
	thread_find_stack();
	guest_lock(&life.lock);
	thread->next = life.threads;
	atomic_signal_fence(memory_order_seq_cst); /* a child that is forked just now finds a list */
	life.threads = thread;
	guest_unlock(&life.lock);
	thread->scope = origin_scope(thread->origin);
	return thread;
}

static void thread_unlink(struct thread *thread)
{
	struct thread **link = &life.threads;

	while (*link && *link != thread)
		link = &(*link)->next;
	if (*link)
		*link = thread->next;
}

/* With record_lock held. Its place waits for another thread. */
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
	guest_lock(&life.lock);
	thread_unlink(thread);
	atomic_signal_fence(memory_order_seq_cst); /* as above */
	thread->next = life.free;
	life.free = thread;
	guest_unlock(&life.lock);
}

/* With record_lock held. */
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

/* A thread that has made a call, or was made by pthread_create, ends. Destructors that come later may make it anew. */
static void ended(void *unused)
{
	(void)unused;
	if (epoch_page.epoch == 0)
		return;
	frames_thread_end(thread_self);
	guest_lock(&record_lock);
	if (thread_self != &thread_null)
		thread_end(thread_self);
	if (origin_self)
		origin_end(origin_self);
	guest_unlock(&record_lock);
}

void lifecycle_scopes_changed(void)
{
	guest_lock(&life.lock);
	for (struct thread *thread = life.threads; thread; thread = thread->next)
		thread->scope = origin_scope(thread->origin);
	guest_unlock(&life.lock);
}

static void *born(void *argument)
{
	struct birth *birth = argument;

	origin_self = &birth->origin;
	if (life.has_key)
		pthread_setspecific(life.key, &life);
	unwind_thread_start();
	return birth->start(birth->argument);
}

static void birth_describe(struct birth *birth, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
	void *base = NULL;
	size_t size = 0;

	birth->start = start;
	birth->argument = argument;
	if (!attributes || pthread_attr_getstack(attributes, &base, &size))
		return;
	/* Without a place the base is what the size leaves below 0. */
	birth->stack_base = (uint64_t)base + size ? (uint64_t)base : 0;
	birth->stack_size = size;
}

/* A thread that does not know who made it charges to the root, where scopes with a budget do not hold. */
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
		guest_say("no memory to note who makes a thread: it charges to the root");
}

/* A thread charges where the thread that made it has a scope open: here it learns who that was. */
__attribute__((visibility("default"))) int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
							  void *(*start)(void *), void *argument)
{
	struct origin *origin = NULL;
	int result;

	dlsym_init();
	if (!guest_holds() && lifecycle_ready()) {
		guest_lock(&record_lock);
		if (origin_locked())
			origin = origin_make(origin_self);
		guest_unlock(&record_lock);
		if (!origin)
			origin_missing();
	}
	if (!origin)
		return pthread_create_real(thread, attributes, start, argument);
	birth_describe((struct birth *)origin, attributes, start, argument);
	result = pthread_create_real(thread, attributes, born, origin);
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

/* The child's only thread keeps the calls that it is inside of; the rest of what it knew is its parent's. */
static void start_over_after_fork(void)
{
	struct thread *thread = thread_self;
	struct forked_frames flying;
	bool taken;

	memset(&record_lock, 0, sizeof(record_lock));
	memset(&life.lock, 0, sizeof(life.lock));
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
	life.threads = life.free = NULL;
	epoch_begin();
	if (thread == &thread_null)
		return;
	thread->own_epoch = flopshim_epoch;
	thread_head.open_slot = OPEN_NONE;
	thread->lane = thread_head.lane = &lane_null;
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
	thread->next = NULL;
	life.threads = thread;
	memcpy(thread->lane->frames, flying.frames, sizeof(flying.frames));
	thread->lane->depth = flying.depth;
	thread_head.lane = thread->lane;
	head_settle(thread->lane);
}

bool lifecycle_ready(void)
{
	if (is_forked())
		start_over_after_fork();
	return life.started;
}

struct thread *lifecycle_thread(void)
{
	struct thread *thread;

	if (!lifecycle_ready())
		return NULL;
	if (likely(thread_self != &thread_null))
		return thread_self;
	sample_calibrate(); /* for the first time, before a dump is made, which takes long enough for a second one */
	guest_lock(&record_lock); /* a signal handler must not make a second one meanwhile */
	thread = thread_self != &thread_null ? thread_self : thread_make();
	if (thread) {
		thread_become(thread);
		if (life.has_key)
			pthread_setspecific(life.key, thread);
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

/* Where the kernel cannot wipe the page. */
static void forked_without_wipe(void)
{
	if (!life.wiped_on_fork)
		epoch_page.epoch = 0;
}

/* ---- start and end ---- */

/* As they are when the program begins: by that the kernel has kept what it maps away from the main thread's stack. */
static void find_stack_sizes(void)
{
	pthread_attr_t attributes;
	struct rlimit limit;
	size_t size = 0;

	life.main_thread = (uint64_t)__builtin_thread_pointer();
	life.main_stack_size = life.thread_stack_size = STACK_GUESS;
	if (!getrlimit(RLIMIT_STACK, &limit))
		life.main_stack_size = limit.rlim_cur == RLIM_INFINITY ? STACK_UNLIMITED : limit.rlim_cur;
	if (pthread_attr_init(&attributes))
		return;
	if (!pthread_attr_getstacksize(&attributes, &size) && size)
		life.thread_stack_size = size;
	pthread_attr_destroy(&attributes);
}

static void find_program(void)
{
	ssize_t length = readlink("/proc/self/exe", life.program, sizeof(life.program) - 1);

	if (length <= 0)
		strcpy(life.program, program_invocation_name);
}

/* A BLAS in front of the shim in the search order answers first: its calls are never seen. */
static void say_what_hides(void)
{
	struct module *module, *hiding = NULL;
	bool used = false;

	for (unsigned i = 0; (module = module_at(i)) && !(module->flags & MODULE_SELF); i++)
		if (module_is_blas(module, true))
			hiding = module;
	for (unsigned i = 0; hiding && (module = module_at(i)); i++)
		used |= module != hiding && !module_is_blas(module, false) && module_uses_blas(module);
	if (hiding && used && !config.quiet)
		guest_say("%s stands before the shim: calls to it are not seen; put libflopshim.so first in LD_PRELOAD",
			  *hiding->path ? hiding->path : life.program);
}

static __attribute__((constructor)) void start(void)
{
	int saved = errno;
	bool is_blind;

	speak_start();
	dlsym_init();
	config_read(environ);
	path_start();
	find_program();
	life.wiped_on_fork = !madvise(&epoch_page, sizeof(epoch_page), MADV_WIPEONFORK);
	pthread_atfork(fork_begins, fork_ended, forked_without_wipe);
	life.has_key = !pthread_key_create(&life.key, ended);
	find_stack_sizes();
	unwind_start();
	sample_start();
	guest_lock(&record_lock);
	module_start();
	is_blind = !module_at(0);
	guest_unlock(&record_lock);
	if (is_blind && config.budget_count && config.on_exceed != EXCEED_WARN) {
		guest_say("no memory to find the program's BLAS: the program is not run without its limits");
		_exit(2);
	}
	if (config.weights)
		weights_start(config.weights);
	namespace_start();
	lifecycle_epoch_next();
	life.started = true;
	say_what_hides();
	errno = saved;
}

/* Objects that were opened RTLD_DEEPBIND call their BLAS past the shim. */
void lifecycle_note_deep(bool at_end)
{
	struct module *module;

	if (!life.started || !epoch_page.epoch || !module_deep_seen())
		return;
	guest_lock(&record_lock);
	module_refresh();
	for (unsigned i = 0; (module = module_at(i)); i++) {
		if (!(module->flags & MODULE_DEEP) || !module_uses_blas(module))
			continue;
		if (dump_is_open())
			dump_note(DUMP_NOTE_DEEPBIND, module->path, 1);
		else if (at_end && !config.quiet)
			guest_say("%s was opened RTLD_DEEPBIND: its BLAS calls are not seen", module->path);
	}
	guest_unlock(&record_lock);
}

/* Whether no other thread has a lane. */
static bool is_alone(void)
{
	bool alone;

	guest_lock(&life.lock);
	alone = !life.threads || (life.threads == thread_self && !life.threads->next);
	guest_unlock(&life.lock);
	return alone;
}

/* Others may be in the middle of adding to the dump, or just beginning to. */
static __attribute__((destructor)) void end(void)
{
	lifecycle_note_deep(true);
	if (!life.started || !epoch_page.epoch)
		return;
	guest_lock(&record_lock);
	charge_call_back_all(); /* or what is reserved and unspent would stand as used */
	dump_close(DUMP_CLOSED, -1, is_alone());
	guest_unlock(&record_lock);
	lifecycle_epoch_next(); /* a call from a later destructor takes the check words away */
}

void lifecycle_end(int status)
{
	guest_lock(&record_lock);
	charge_call_back_all();
	dump_close(DUMP_CLOSED, status, false);
	guest_unlock(&record_lock);
}
