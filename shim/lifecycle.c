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
#include "weights.h"

enum { STACK_GUESS = 8 << 20 };

static struct dump_lane lane_null; /* of threads that have none: never counted in */
struct thread thread_null = {.lane = &lane_null};
__thread struct thread *thread_self = &thread_null;

/* Alone on its page, so that a fork can wipe it. */
static struct {
	volatile uint32_t epoch;
	char rest[4096 - sizeof(uint32_t)];
} epoch_page __attribute__((aligned(4096)));
extern volatile uint32_t flopshim_epoch __attribute__((alias("epoch_page"), visibility("hidden")));

static struct {
	_Atomic uint32_t epoch; /* the same, where a fork keeps it */
	pthread_key_t key;
	bool has_key, wiped_on_fork, started;
	struct guest_lock lock; /* of the lists */
	struct thread *threads, *free;
	char program[PATH_MAX];
} life;

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
static void thread_find_stack(struct thread *thread)
{
	extern void *__libc_stack_end;
	struct rlimit limit;
	uint64_t size = STACK_GUESS;

	if (!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur > size)
		size = limit.rlim_cur;
	if ((pid_t)syscall(SYS_gettid) == getpid())
		thread->stack_high = ((uint64_t)__libc_stack_end | 4095) + 1;
	else
		thread->stack_high = (uint64_t)__builtin_thread_pointer();
	thread->stack_low = thread->stack_high - size;
}

static struct thread *thread_make(void)
{
	struct thread *thread;

	guest_lock(&life.lock);
	thread = life.free;
	if (thread)
		life.free = thread->next;
	guest_unlock(&life.lock);
	if (!thread)
		thread = guest_pages(sizeof(struct thread));
	if (!thread)
		return NULL;
	memset(thread, 0, sizeof(*thread));
	thread_find_stack(thread);
	thread->scope = &namespace_base;
	thread->own_epoch = life.epoch;
	if (!record_lane_take(thread)) {
		guest_free(thread, sizeof(*thread));
		return NULL;
	}
	guest_lock(&life.lock);
	thread->next = life.threads;
	life.threads = thread;
	guest_unlock(&life.lock);
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
	thread_self = &thread_null;
	charge_settle(thread);
	record_lane_release(thread);
	guest_lock(&life.lock);
	thread_unlink(thread);
	thread->next = life.free;
	life.free = thread;
	guest_unlock(&life.lock);
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
	memcpy(frames, thread->lane->frames, sizeof(frames));
	charge_forked();
	record_forked();
	dump_forked();
	namespace_forked();
	life.threads = NULL;
	lifecycle_epoch_next();
	if (thread == &thread_null)
		return;
	thread->lane = &lane_null;
	thread->credit = 0;
	thread->credit_scope = NULL;
	thread->lease = 0;
	memset(thread->sites, 0, sizeof(thread->sites));
	if (!record_lane_take(thread)) {
		thread_self = &thread_null;
		return;
	}
	thread->next = NULL;
	life.threads = thread;
	for (uint32_t i = 0; i < depth; i++)
		frames[i].row = 0; /* counted by the parent */
	memcpy(thread->lane->frames, frames, sizeof(frames));
	thread->lane->depth = depth;
}

struct thread *lifecycle_thread(void)
{
	struct thread *thread;

	if (!life.started)
		return NULL;
	if (unlikely(epoch_page.epoch == 0))
		start_over_after_fork();
	if (likely(thread_self != &thread_null))
		return thread_self;
	thread = thread_make();
	if (!thread)
		return NULL;
	thread_self = thread;
	if (life.has_key)
		pthread_setspecific(life.key, thread);
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
		if (module_known_names(module) >= KNOWN_BARE)
			hiding = module;
	for (unsigned i = 0; hiding && (module = module_at(i)); i++)
		used |= module != hiding && module_known_names(module) < KNOWN_DECORATED && module_uses_blas(module);
	if (hiding && used && !config.quiet)
		guest_say("%s stands before the shim: calls to it are not seen; put libflopshim.so first in LD_PRELOAD",
			  *hiding->path ? hiding->path : life.program);
}

static __attribute__((constructor)) void start(void)
{
	int saved = errno;

	dlsym_init();
	config_read(environ);
	find_program();
	life.wiped_on_fork = !madvise(&epoch_page, sizeof(epoch_page), MADV_WIPEONFORK);
	pthread_atfork(NULL, NULL, forked_without_wipe);
	life.has_key = !pthread_key_create(&life.key, thread_end);
	resolve_start();
	if (config.weights)
		weights_start(config.weights);
	namespace_start();
	lifecycle_epoch_next();
	life.started = true;
	say_what_hides();
	errno = saved;
}

static __attribute__((destructor)) void end(void)
{
	if (life.started && epoch_page.epoch)
		dump_close(DUMP_CLOSED, -1);
}

void lifecycle_end(int status)
{
	dump_close(DUMP_CLOSED, status);
}
