/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lifecycle.c - start and end of the process, its threads and its forks.
 * It must never make a file or say anything in a process that makes no BLAS call.
 */
#include "lifecycle.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "charge.h"
#include "config.h"
#include "dlsym.h"
#include "dump.h"
#include "guest.h"
#include "namespace.h"
#include "record.h"
#include "resolve.h"
#include "sample.h"
#include "speak.h"
#include "summary.h"
#include "unwind.h"
#include "weights.h"

enum { STACK_GUESS = 8 << 20 };

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
	head_settle(thread->lane);
}

/* Alone on its page, so that a fork can wipe it. */
static struct {
	volatile uint32_t epoch;
	char rest[4096 - sizeof(uint32_t)];
} epoch_page __attribute__((aligned(4096)));
extern volatile uint32_t flopshim_epoch __attribute__((alias("epoch_page"), visibility("hidden")));

/* What a thread is to do, and who made it, until it runs. */
struct birth {
	void *(*start)(void *);
	void *argument;
	struct origin *creator;
};

static struct {
	_Atomic uint32_t epoch; /* the same, where a fork keeps it */
	pthread_key_t key;
	pthread_key_t origin_key;
	bool has_key, has_origin_key, wiped_on_fork, started;
	struct guest_pool origins, births; /* under record_lock */
	struct guest_lock lock; /* of the lists */
	struct guest_lock birth_lock; /* taken before any other */
	struct thread *threads, *free;
	char program[PATH_MAX];
} life = {.origins = {.size = sizeof(struct origin)}, .births = {.size = sizeof(struct birth)}};

static __thread struct origin *origin_self __attribute__((tls_model("initial-exec")));

const char *lifecycle_program(void) { return life.program; }
uint32_t lifecycle_thread_number(void) { return (uint32_t)syscall(SYS_gettid); }

void lifecycle_epoch_next(void)
{
	uint32_t next = atomic_fetch_add(&life.epoch, 1) + 1;

	epoch_page.epoch = next ? next : atomic_fetch_add(&life.epoch, 1) + 1;
}

void lifecycle_each_thread(void (*visit)(struct thread *))
{
	guest_lock(&life.lock);
	for (struct thread *thread = life.threads; thread; thread = thread->next)
		visit(thread);
	guest_unlock(&life.lock);
}

/* ---- threads ---- */

/*
 * Where the thread's own stack lies. glibc keeps a thread's control block at the top of its stack, but for the main
 * thread; asking pthread_getattr_np would allocate. Too narrow a guess only sends calls through the slow path.
 */
static void thread_find_stack(void)
{
	extern void *__libc_stack_end;
	struct rlimit limit;
	uint64_t size = STACK_GUESS;

	if (!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur > size)
		size = limit.rlim_cur;
	if ((pid_t)syscall(SYS_gettid) == getpid())
		thread_head.stack_high = ((uint64_t)__libc_stack_end | 4095) + 1;
	else
		thread_head.stack_high = (uint64_t)__builtin_thread_pointer();
	thread_head.stack_low = thread_head.stack_high - size;
}

static struct thread *thread_make(void)
{
	struct thread *thread;

	guest_lock(&life.lock);
	thread = life.free;
	if (thread)
		life.free = thread->next;
	guest_unlock(&life.lock);
	if (thread)
		memset(thread, 0, sizeof(*thread));
	else
		thread = guest_pages(sizeof(struct thread));
	if (!thread)
		return NULL;
	thread_find_stack();
	thread->origin = lifecycle_origin();
	thread->own_epoch = life.epoch;
	thread->own_factors = namespace_factors;
	thread->until_sample = INT64_MAX;
	if (!record_lane_take(thread)) {
		guest_free(thread, sizeof(*thread));
		return NULL;
	}
	guest_lock(&record_lock);
	guest_lock(&life.lock);
	thread->next = life.threads;
	life.threads = thread;
	guest_unlock(&life.lock);
	dump_unseal(); /* the process may have ended since the lane was taken, and this thread was not seen */
	thread->scope = origin_scope(thread->origin);
	guest_unlock(&record_lock);
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

static void thread_end(void *argument)
{
	struct thread *thread = argument;

	if (thread_self != thread || epoch_page.epoch == 0)
		return;
	thread_become(&thread_null);
	charge_settle(thread);
	record_lane_release(thread);
	guest_lock(&life.lock);
	thread_unlink(thread);
	thread->next = life.free;
	life.free = thread;
	guest_unlock(&life.lock);
}

/* ---- who made whom ---- */

struct origin *lifecycle_origin(void)
{
	if (!origin_self) {
		guest_lock(&record_lock);
		origin_self = guest_pool_take(&life.origins);
		if (origin_self)
			*origin_self = (struct origin){.uses = 1};
		guest_unlock(&record_lock);
	}
	return origin_self;
}

static void origin_release(struct origin *origin)
{
	while (origin && --origin->uses == 0) {
		struct origin *creator = origin->creator;

		guest_pool_give(&life.origins, origin);
		origin = creator;
	}
}

static void origin_end(void *argument)
{
	struct origin *origin = argument;

	if (epoch_page.epoch == 0 || origin_self != origin)
		return;
	guest_lock(&record_lock);
	origin_self = NULL;
	if (thread_self != &thread_null)
		thread_self->origin = NULL;
	if (origin->opened) {
		dump_unseal();
		namespace_close_all(origin);
		lifecycle_scopes_changed();
	}
	origin_release(origin);
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
	struct birth birth = *(struct birth *)argument;
	struct origin *origin;

	guest_lock(&record_lock);
	guest_pool_give(&life.births, argument);
	origin = guest_pool_take(&life.origins);
	if (origin)
		*origin = (struct origin){.creator = birth.creator, .uses = 1};
	guest_unlock(&record_lock);
	origin_self = origin;
	if (life.has_origin_key)
		pthread_setspecific(life.origin_key, origin);
	return birth.start(birth.argument);
}

/* A thread charges where the thread that made it has a scope open: here it learns who that was. */
__attribute__((visibility("default"))) int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
							  void *(*start)(void *), void *argument)
{
	struct origin *creator;
	struct birth *birth = NULL;
	int result;

	dlsym_init();
	creator = lifecycle_ready() ? lifecycle_origin() : NULL;
	if (creator) {
		guest_lock(&record_lock);
		birth = guest_pool_take(&life.births);
		if (birth) {
			*birth = (struct birth){start, argument, creator};
			creator->uses++;
		}
		guest_unlock(&record_lock);
	}
	result = birth ? pthread_create_real(thread, attributes, born, birth)
		       : pthread_create_real(thread, attributes, start, argument);
	if (result && birth) {
		guest_lock(&record_lock);
		guest_pool_give(&life.births, birth);
		origin_release(creator);
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
	if (thread->own_factors != namespace_factors) {
		thread->own_factors = namespace_factors;
		record_rows_forget(thread);
	}
}

/* ---- forks ---- */

/* The child's only thread keeps the calls that it is inside of; the rest of what it knew is its parent's. */
static void start_over_after_fork(void)
{
	struct thread *thread = thread_self;
	struct dump_frame frames[DUMP_FRAMES_MAX];
	uint32_t depth = thread->lane->depth;

	memset(&record_lock, 0, sizeof(record_lock));
	memset(&life.lock, 0, sizeof(life.lock));
	memset(&life.birth_lock, 0, sizeof(life.birth_lock));
	memcpy(frames, thread->lane->frames, sizeof(frames));
	charge_forked();
	record_forked();
	dump_forked();
	namespace_forked();
	summary_forked();
	sample_forked();
	life.threads = NULL;
	lifecycle_epoch_next();
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
	if (!record_lane_take(thread)) {
		thread_become(&thread_null);
		return;
	}
	thread->next = NULL;
	life.threads = thread;
	for (uint32_t i = 0; i < depth; i++)
		frames[i].row = 0; /* counted by the parent */
	memcpy(thread->lane->frames, frames, sizeof(frames));
	thread->lane->depth = depth;
	thread_head.lane = thread->lane;
	head_settle(thread->lane);
}

bool lifecycle_ready(void)
{
	if (life.started && unlikely(epoch_page.epoch == 0))
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
	guest_lock(&life.birth_lock); /* a signal handler must not make a second one meanwhile */
	thread = thread_self != &thread_null ? thread_self : thread_make();
	if (thread) {
		thread_become(thread);
		if (life.has_key)
			pthread_setspecific(life.key, thread);
	}
	guest_unlock(&life.birth_lock);
	return thread;
}

/* Where the kernel cannot wipe the page. */
static void forked_without_wipe(void)
{
	if (!life.wiped_on_fork)
		epoch_page.epoch = 0;
}

/* ---- start and end ---- */

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

	speak_start();
	dlsym_init();
	config_read(environ);
	find_program();
	life.wiped_on_fork = !madvise(&epoch_page, sizeof(epoch_page), MADV_WIPEONFORK);
	pthread_atfork(NULL, NULL, forked_without_wipe);
	life.has_key = !pthread_key_create(&life.key, thread_end);
	life.has_origin_key = !pthread_key_create(&life.origin_key, origin_end);
	unwind_start();
	resolve_start();
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

	if (!life.started || !epoch_page.epoch || !resolve_deep_seen())
		return;
	guest_lock(&record_lock);
	resolve_refresh();
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
