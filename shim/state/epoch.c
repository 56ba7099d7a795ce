/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoch.c - the number by which threads tell whether what they know of call sites still holds.
 * It must never become 0 but in a forked child.
 */
#include "shim/state/epoch.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "shim/guest/page.h"
#include "shim/state/state.h"

/* Alone on its page, so that a fork can wipe it. */
static struct {
	volatile uint32_t epoch;
	char rest[PAGE_MOST - sizeof(uint32_t)];
} epoch_page __attribute__((aligned(PAGE_MOST)));
extern volatile uint32_t flopshim_epoch __attribute__((alias("epoch_page"), visibility("hidden")));

static _Atomic uint32_t kept; /* the same number, on a page that a fork leaves as it is */
static bool wiped_on_fork, started;

void epoch_wipe_on_fork(void) { wiped_on_fork = !madvise(&epoch_page, sizeof(epoch_page), MADV_WIPEONFORK); }

void epoch_forked(void)
{
	if (!wiped_on_fork)
		epoch_page.epoch = 0;
}

bool epoch_has_started(void) { return started; }
bool epoch_is_forked(void) { return started && unlikely(epoch_page.epoch == 0); }
bool epoch_is_counting(void) { return started && epoch_page.epoch; }
uint32_t epoch_kept(void) { return kept; }

void epoch_start_over(void)
{
	uint32_t next = atomic_fetch_add(&kept, 1) + 1;

	epoch_page.epoch = next ? next : atomic_fetch_add(&kept, 1) + 1;
}

/* A forked child has no epoch until it starts over: with one, it would go on in its parent's dump. */
void epoch_next(void)
{
	if (!epoch_is_forked())
		epoch_start_over();
}

void epoch_start(void)
{
	epoch_next();
	started = true;
}
