/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settle.c - waits until other threads have done what they are in the middle of.
 * It must never wait for a thread that cannot go on: one that sleeps, or is gone, has done what it was doing.
 */
#include "shim/state/settle.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "shim/guest/guest.h"
#include "shim/state/registry.h"
#include "shim/state/state.h"
#include "names.h"

enum { SETTLED_AFTER_NS = 50000, SETTLE_PAUSE_NS = 50000, SETTLE_MAX_NS = 500000000 };

struct unsettled {
	uint32_t tid; /* 0: settled */
	uint64_t ran_ns;
};

static struct {
	struct unsettled *list; /* NULL while they are only counted */
	size_t count, room;
} unsettled; /* under record_lock */

/* The CPU time of a thread in nanoseconds; UINT64_MAX if the thread is gone. */
static uint64_t thread_ran_ns(uint32_t tid)
{
	struct timespec ran;

	/* pthread_getcpuclockid needs a pthread_t; this is the number that the kernel has for the clock of a thread. */
	if (clock_gettime((clockid_t)(~tid << 3 | 6), &ran))
		return UINT64_MAX;
	return (uint64_t)ran.tv_sec * 1000000000u + (uint64_t)ran.tv_nsec;
}

/* Whether a thread sleeps in the kernel, or cannot run again. Waiting for a page or for a processor is no sleep. */
static bool thread_waits(uint32_t tid)
{
	char name[64], text[512], state;
	size_t end = 0;

	guest_print(name, sizeof(name), &end, "/proc/self/task/%u/stat", tid);
	guest_file_text(name, text, sizeof(text));
	state = stat_state(text);
	return state && strchr("SZXx", state);
}

static void unsettled_note(struct thread *thread)
{
	uint32_t tid = thread->lane->tid;
	uint64_t ran;

	if (thread == thread_self)
		return;
	if (unsettled.list && unsettled.count < unsettled.room) {
		ran = thread_ran_ns(tid);
		unsettled.list[unsettled.count] = (struct unsettled){ran == UINT64_MAX ? 0 : tid, ran}; /* 0: gone */
	}
	unsettled.count++;
}

/* Looks at all of them, and returns how many have not settled. */
static size_t unsettled_look(void)
{
	size_t left = 0;

	for (size_t i = 0; i < unsettled.count; i++) {
		struct unsettled *other = &unsettled.list[i];

		if (other->tid &&
		    (thread_ran_ns(other->tid) - other->ran_ns >= SETTLED_AFTER_NS || thread_waits(other->tid)))
			other->tid = 0;
		left += other->tid != 0;
	}
	return left;
}

void settle(void)
{
	struct timespec pause = {0, SETTLE_PAUSE_NS};
	uint64_t until = guest_clock() + SETTLE_MAX_NS;
	int saved = errno;
	size_t bytes;

	unsettled.list = NULL;
	unsettled.count = 0;
	registry_each_thread(unsettled_note);
	if (!unsettled.count || guest_confined) /* the threads of a confined process cannot be looked at */
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
	registry_each_thread(unsettled_note);
	if (unsettled.count > unsettled.room)
		unsettled.count = unsettled.room;
	while (unsettled_look() && guest_clock() < until)
		nanosleep(&pause, NULL);
	guest_free(unsettled.list, bytes);
	errno = saved;
}
