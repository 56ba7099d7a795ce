/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sample.c - clocks, stacks and the ordered record.
 * It must never read a clock where that would cost more than a hundredth of the call, and never unwind in a signal
 * handler that has interrupted the shim.
 */
#include "shim/stacks/sample.h"

#include <stdatomic.h>
#include <string.h>

#include "shim/dump/dump.h"
#include "shim/dump/lock.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/stack.h"
#include "shim/record/record.h"
#include "shim/stacks/python.h"
#include "shim/stacks/unwind.h"
#include "shim/record/rows.h"

enum {
	INDEX_FIRST = 1 << 8,
	STACKS_INDEX = 1 << 16, /* at most */
	SAMPLES_INDEX = 1 << 17,
	PYTHON_TEXT = 8192,
	THRESHOLD_FIRST = 1 << 16,
	THRESHOLDS_BEFORE_NEXT = 1024,
	SAME_BEFORE_FEWER = 32,
	LOG_BLOCK_BYTES = 1 << 20,
};

static struct {
	struct stack_entry *stacks; /* by hash of the stack */
	uint32_t stack_count, stack_places;
	struct dump_sample **samples; /* by hash of stack, site and namespace */
	uint32_t sample_count, sample_places;
	_Atomic uint64_t sequence, cumulative, log_bytes;
	uint64_t flops_at_threshold; /* what the stacks taken with the present threshold stand for */
} taken;

/* Calls of so many FLOPs and more all leave their stacks in `auto`. It grows: see sample.h. */
static _Atomic uint64_t stack_threshold = THRESHOLD_FIRST;

static void threshold_set(uint64_t threshold) { stack_threshold = dump_header->stack_threshold = threshold; }

void sample_start(void) { threshold_set(THRESHOLD_FIRST); }

struct stack_entry {
	uint64_t hash, place;
};

/* ---- random numbers, in integers ---- */

static uint64_t random_next(struct thread *thread)
{
	uint64_t x = thread->random;

	if (!x)
		x = guest_clock() ^ (uint64_t)thread * 0x9e3779b97f4a7c15u ^ 1;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return thread->random = x;
}

/* log2(x) times 2^32, for x >= 1. Squaring yields one bit of the fraction after the other. */
static uint64_t log2_fixed(uint64_t x)
{
	unsigned whole = 63 - (unsigned)__builtin_clzll(x);
	uint64_t result = (uint64_t)whole << 32, mantissa = x << (63 - whole); /* in [2^63, 2^64) */

	for (int bit = 31; bit >= 8; bit--) {
		unsigned __int128 square = (unsigned __int128)mantissa * mantissa;

		mantissa = (uint64_t)(square >> 63);
		if (square >> 127) {
			result |= (uint64_t)1 << bit;
			mantissa = (uint64_t)(square >> 64);
		}
	}
	return result;
}

/* Draws an exponentially distributed number of FLOPs with mean `mean`: -ln(u) * mean. */
static int64_t exponential(struct thread *thread, uint64_t mean)
{
	static const uint64_t ln2 = 2977044472u; /* times 2^32 */
	uint64_t u = random_next(thread) | 1, fall = ((uint64_t)64 << 32) - log2_fixed(u);
	unsigned __int128 nats = ((unsigned __int128)fall * ln2) >> 32;

	return (int64_t)((nats * mean) >> 32) + 1;
}

/* What a sampled call stands for: flops / (1 - exp(-flops / mean)), for flops < mean. */
static uint64_t weight(uint64_t flops, uint64_t mean)
{
	static const uint64_t one = (uint64_t)1 << 60;
	uint64_t x = (uint64_t)(((unsigned __int128)flops << 60) / mean), term = x, sum = x;

	/* The alternating series of 1 - exp(-x), x < 1: ten terms are exact to 1e-8. */
	for (uint64_t n = 2; n < 12; n++) {
		term = (uint64_t)(((unsigned __int128)term * x) >> 60) / n;
		sum = n % 2 ? sum + term : sum - term;
	}
	return sum ? (uint64_t)((unsigned __int128)flops * one / sum) : mean;
}

/* ---- stacks ---- */

static uint64_t stack_hash(const uint64_t *addresses, unsigned count, const char *python, size_t length)
{
	uint64_t hash = 14695981039346656037u;

	for (unsigned i = 0; i < count; i++)
		hash = (hash ^ addresses[i]) * 1099511628211u, hash ^= hash >> 29;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)python[i]) * 1099511628211u;
	return hash ? hash : 1;
}

/* The element of the index with this hash, or the free one where it would be. */
static struct stack_entry *stack_find(uint64_t hash)
{
	uint32_t at = (uint32_t)(hash >> 20);

	while (taken.stacks[at % taken.stack_places].hash && taken.stacks[at % taken.stack_places].hash != hash)
		at++;
	return &taken.stacks[at % taken.stack_places];
}

/* Doubles the index once half of it is used; most programs need one page of it. False if there is none. */
static bool stack_index_grow(void)
{
	struct stack_entry *old = taken.stacks, *index;
	uint32_t places = taken.stack_places;

	if ((old && taken.stack_count < places / 2) || places == STACKS_INDEX)
		return true;
	index = guest_pages((old ? places * 2 : INDEX_FIRST) * sizeof(*index));
	if (!index)
		return old;
	taken.stacks = index;
	taken.stack_places = old ? places * 2 : INDEX_FIRST;
	for (uint32_t i = 0; i < places; i++)
		if (old[i].hash)
			*stack_find(old[i].hash) = old[i];
	if (old)
		guest_free(old, places * sizeof(*old));
	return true;
}

/*
 * The place of a stack in the dump, which stores each stack once; 0 when there is no more room. With record_lock held.
 */
static uint64_t stack_place(const uint64_t *addresses, unsigned count, const char *python, size_t length)
{
	uint64_t hash = stack_hash(addresses, count, python, length);
	struct stack_entry *entry;

	if (!stack_index_grow())
		return 0;
	entry = stack_find(hash);
	if (entry->hash)
		return entry->place;
	if (taken.stack_count >= taken.stack_places / 4 * 3)
		return 0;
	for (unsigned i = 0; i < count; i++)
		record_address(addresses[i]);
	entry->place = dump_stack_add(addresses, count, length ? dump_string(python, length) : 0);
	if (!entry->place)
		return 0;
	entry->hash = hash;
	taken.stack_count++;
	return entry->place;
}

static struct dump_sample **sample_find(uint64_t stack, uint32_t site, uint32_t namespace_id)
{
	uint32_t at = (uint32_t)((stack * 0x9e3779b97f4a7c15u >> 32) ^ site * 2654435761u ^ namespace_id * 40503u);
	struct dump_sample *sample;

	while ((sample = taken.samples[at % taken.sample_places]) &&
	       (sample->stack != stack || sample->site != site || sample->namespace_id != namespace_id))
		at++;
	return &taken.samples[at % taken.sample_places];
}

static bool sample_index_grow(void)
{
	struct dump_sample **old = taken.samples, **index;
	uint32_t places = taken.sample_places;

	if ((old && taken.sample_count < places / 2) || places == SAMPLES_INDEX)
		return true;
	index = guest_pages((old ? places * 2 : INDEX_FIRST) * sizeof(struct dump_sample *));
	if (!index)
		return old;
	taken.samples = index;
	taken.sample_places = old ? places * 2 : INDEX_FIRST;
	for (uint32_t i = 0; i < places; i++)
		if (old[i])
			*sample_find(old[i]->stack, old[i]->site, old[i]->namespace_id) = old[i];
	if (old)
		guest_free(old, places * sizeof(struct dump_sample *));
	return true;
}

/*
 * The sample of this stack, site and namespace, made if need be; NULL when there is no more room. With record_lock
 * held.
 */
static struct dump_sample *sample_of(uint64_t stack, uint32_t site, uint32_t namespace_id)
{
	struct dump_sample **found, *sample;

	if (!sample_index_grow())
		return NULL;
	found = sample_find(stack, site, namespace_id);
	if (*found)
		return *found;
	if (taken.sample_count >= taken.sample_places / 4 * 3)
		return NULL;
	sample = dump_append(&dump_samples, NULL);
	if (!sample)
		return NULL;
	*sample = (struct dump_sample){.stack = stack, .site = site, .namespace_id = namespace_id};
	dump_commit(&dump_samples);
	*found = sample;
	taken.sample_count++;
	return sample;
}

static void stack_failed(void)
{
	if (!dump_header->stacks_failed++ && unwind_problem())
		dump_tell("stacks", unwind_problem());
	dump_lose(DUMP_LOST_STACKS);
}

/*
 * Adds what a stack stands for, and raises the threshold when that is due. A call of many thresholds counts as many:
 * so a thousand stacks of large calls too are taken before any is left out.
 */
static void raise_threshold(uint64_t flops)
{
	uint64_t threshold = stack_threshold;

	taken.flops_at_threshold += flops;
	while (taken.flops_at_threshold / THRESHOLDS_BEFORE_NEXT >= threshold) {
		taken.flops_at_threshold -= THRESHOLDS_BEFORE_NEXT * threshold;
		threshold *= 2;
	}
	if (threshold != stack_threshold)
		threshold_set(threshold);
}

/* A stack to be taken. `place` is where the dump has it afterwards, 0 if it could not be taken. */
struct taking {
	uint64_t caller, flops;
	uint32_t site, namespace_id;
	uint64_t place;
};

/* Takes the stack, on a stack of the shim's own. With record_lock held. */
static void stack_take_locked(void *argument)
{
	static uint64_t addresses[UNWIND_MAX];
	static char python[PYTHON_TEXT];
	struct taking *taking = argument;
	struct dump_sample *sample;
	bool failed = false;
	unsigned count;
	size_t length;

	python_prefetch();
	count = unwind_from(taking->caller, addresses);
	length = python_frames(python, sizeof(python));
	if (!count) {
		addresses[0] = taking->caller;
		count = 1;
		failed = true;
	}
	taking->place = stack_place(addresses, count, python, length);
	sample = taking->place ? sample_of(taking->place, taking->site, taking->namespace_id) : NULL;
	if (sample) {
		sample->flops += taking->flops;
		sample->calls++;
	}
	if (!sample || failed)
		stack_failed();
}

/* Takes the stack of the present call. Returns its place in the dump, 0 if it could not be taken. */
static uint64_t stack_take(uint64_t caller, uint64_t flops, uint32_t site, uint32_t namespace_id)
{
	struct taking taking = {.caller = caller, .flops = flops, .site = site, .namespace_id = namespace_id};

	guest_lock(&record_lock);
	dump_unseal();
	stack_run(stack_take_locked, &taking); /* libunwind needs 4 kB of stack and more */
	raise_threshold(flops);
	guest_unlock(&record_lock);
	return taking.place;
}

/* Whether this call's stack is to be taken, and how many FLOPs it stands for then. */
static bool stack_is_due(struct thread *thread, int64_t cost, uint64_t *stands_for)
{
	uint64_t threshold = stack_threshold;

	*stands_for = (uint64_t)cost;
	if (config.stacks == STACKS_ALL)
		return true;
	if (config.stacks != STACKS_AUTO)
		return false;
	if (thread->stack_threshold != threshold) {
		thread->stack_threshold = threshold;
		thread->until_sample = exponential(thread, threshold);
	}
	if ((uint64_t)cost >= threshold)
		return true;
	thread->until_sample -= cost;
	if (thread->until_sample >= 0 || !cost)
		return false;
	thread->until_sample = exponential(thread, threshold);
	*stands_for = weight((uint64_t)cost, threshold);
	return true;
}

/* Has fewer stacks taken of a site whose last ones have all been the same. */
static void steady_thin_out(struct thread *thread, struct steady_site *steady, uint64_t flops)
{
	uint64_t threshold = stack_threshold;

	if (steady->threshold > threshold)
		threshold = steady->threshold;
	while (threshold < flops)
		threshold *= 2;
	steady->threshold = 2 * threshold;
	steady->passed = random_next(thread) % steady->threshold;
	steady->same = 0;
}

static void steady_note(struct thread *thread, struct steady_site *steady, uint64_t stack, uint64_t flops)
{
	if (steady->stack == stack && stack) {
		if (++steady->same == SAME_BEFORE_FEWER && flops < UINT64_MAX / 4)
			steady_thin_out(thread, steady, flops);
		return;
	}
	steady->stack = stack;
	steady->same = 0;
	steady->threshold = 0;
}

/*
 * Whether a stack that is due is left out all the same, because the last ones of its site did not differ. If not,
 * *stands_for becomes what it stands for.
 */
static bool steady_leaves_out(struct steady_site *steady, uint64_t *stands_for)
{
	if (steady->threshold <= stack_threshold || *stands_for >= steady->threshold)
		return false;
	steady->passed += *stands_for;
	if (steady->passed < steady->threshold)
		return true;
	steady->passed -= steady->threshold;
	*stands_for = steady->threshold;
	return false;
}

static struct steady_site *steady_of(struct thread *thread, uint32_t site)
{
	struct steady_site *steady = &thread->steady[site % STEADY_SITES];

	if (steady->site != site)
		*steady = (struct steady_site){.site = site};
	return steady;
}

static void stack_sample(struct thread *thread, uint64_t caller, uint64_t flops, uint32_t site, uint32_t namespace_id)
{
	struct steady_site *steady;

	if (config.stacks != STACKS_AUTO) {
		stack_take(caller, flops, site, namespace_id);
		return;
	}
	steady = steady_of(thread, site);
	if (!steady_leaves_out(steady, &flops))
		steady_note(thread, steady, stack_take(caller, flops, site, namespace_id), flops);
}

/* ---- clocks ---- */

uint64_t flopshim_tick_scale, flopshim_tick_cost, flopshim_tick_limit = UINT64_MAX;

enum {
	CALIBRATION_NS = 50000, /* at least; the first call makes a dump meanwhile, which takes longer */
	CALIBRATION_READINGS = 8,
	CALIBRATION_TICKS_MAX = 4000,
	READINGS = 16,
	BURST_CALL_NS_MAX = 500000,
};
#define CHECK_TICKS ((uint64_t)1 << 31) /* about a second: so often the rate is checked */

enum calibration_state { PACE_UNKNOWN, PACE_WORKED_ON, PACE_BEGUN, PACE_KNOWN, PACE_NEVER };

static struct {
	_Atomic uint32_t state; /* enum calibration_state */
	uint64_t ticks, clock_ns;
	uint64_t scale;         /* of the last interval */
	_Atomic uint64_t flops; /* of all threads since the rate is known; each adds its own when it is refilled */
} calibration;

/*
 * Whether the kernel itself keeps time by the counter, in a virtual machine too: then it runs at one rate on all
 * processors.
 */
static bool counter_is_trusted(void)
{
	bool trusted;

	if (guest_confined)
		return false;
	guest_lock(&record_lock); /* a thread is not cancelled under a lock, and so keeps no file open */
	trusted = guest_clock_is_counter();
	guest_unlock(&record_lock);
	return trusted;
}

/* The shortest time between two readings: what a timed call would seem to take if it did nothing. */
static uint64_t reading_cost(uint64_t (*read_clock)(void))
{
	uint64_t least = UINT64_MAX, before = read_clock();

	for (int i = 0; i < READINGS; i++) {
		uint64_t now = read_clock();

		least = now - before < least ? now - before : least;
		before = now;
	}
	return least;
}

static uint64_t clock_elapsed(uint64_t start_ns, uint64_t end_ns)
{
	static _Atomic uint64_t known; /* the cost, plus 1; 0: not known yet */
	uint64_t cost = known;

	if (!cost)
		known = cost = reading_cost(guest_clock) + 1;
	return end_ns - start_ns < cost ? 0 : end_ns - start_ns - (cost - 1);
}

/*
 * Reads counter and clock at the same moment: the closest of several attempts. False if each of them was interrupted.
 */
static bool clocks_read(uint64_t *ticks, uint64_t *clock_ns)
{
	uint64_t least = CALIBRATION_TICKS_MAX;

	for (int i = 0; i < CALIBRATION_READINGS; i++) {
		uint64_t before = entry_ticks(), now = guest_clock(), between = entry_ticks() - before;

		if (between >= least)
			continue;
		least = between;
		*ticks = before + between / 2;
		*clock_ns = now;
	}
	return least < CALIBRATION_TICKS_MAX;
}

/* a * b / c. The product may need 128 bits: days may lie between two readings. */
static uint64_t scaled(uint64_t a, uint64_t b, uint64_t c) { return (uint64_t)((unsigned __int128)a * b / c); }

static enum calibration_state calibration_begin(void)
{
	if (!counter_is_trusted())
		return PACE_NEVER;
	return clocks_read(&calibration.ticks, &calibration.clock_ns) ? PACE_BEGUN : PACE_UNKNOWN;
}

/*
 * Nanoseconds in a tick times 2^32 in the interval since the last readings, which the present ones replace; 0 if the
 * interval was shorter than `least_ns`, or cannot be right.
 */
static uint64_t stretch_scale(uint64_t least_ns)
{
	uint64_t ticks, clock_ns, elapsed_ns, elapsed_ticks;

	if (!clocks_read(&ticks, &clock_ns) || clock_ns - calibration.clock_ns < least_ns)
		return 0;
	elapsed_ns = clock_ns - calibration.clock_ns;
	elapsed_ticks = ticks - calibration.ticks;
	calibration.ticks = ticks;
	calibration.clock_ns = clock_ns;
	/* Only a counter between 60 MHz and 64 GHz can be used. */
	if ((int64_t)elapsed_ticks <= 0 || elapsed_ns / 16 > elapsed_ticks || elapsed_ticks / 64 > elapsed_ns)
		return 0;
	return scaled(elapsed_ns, (uint64_t)1 << 32, elapsed_ticks);
}

static void scale_set(uint64_t scale)
{
	if (config.time == TIME_AUTO)
		flopshim_tick_limit = scaled(BURST_CALL_NS_MAX, (uint64_t)1 << 32, scale);
	atomic_thread_fence(memory_order_release);
	flopshim_tick_scale = scale;
}

static enum calibration_state calibration_end(void)
{
	uint64_t scale = stretch_scale(CALIBRATION_NS);

	if (!scale)
		return PACE_BEGUN;
	flopshim_tick_cost = reading_cost(config.time == TIME_AUTO ? entry_ticks_in_order : entry_ticks);
	calibration.scale = scale;
	scale_set(scale);
	return PACE_KNOWN;
}

static bool is_near(uint64_t scale, uint64_t other)
{
	uint64_t distance = scale > other ? scale - other : other - scale;

	return distance < other / 64;
}

/*
 * A machine that slept, or was moved to another host, may have another rate, and an interval in which that happened
 * says nothing. So a new rate is taken only if two intervals in a row agree on it.
 */
static enum calibration_state calibration_check(void)
{
	uint64_t scale = stretch_scale(CALIBRATION_NS);

	if (!scale)
		return PACE_KNOWN;
	if (!is_near(scale, flopshim_tick_scale) && is_near(scale, calibration.scale))
		scale_set(scale);
	calibration.scale = scale;
	return PACE_KNOWN;
}

static enum calibration_state calibration_go_on(enum calibration_state state)
{
	switch (state) {
	case PACE_UNKNOWN: return calibration_begin();
	case PACE_BEGUN: return calibration_end();
	default: return calibration_check();
	}
}

/*
 * The counter takes half as long to read as the clock, and can be read on the fast path. Its rate follows from two
 * readings of both, to a thousandth or better: one before the first call's dump is made, and one after. A signal
 * handler's call in the middle of this leaves it alone. The ordered record needs the times of the clock itself.
 */
void sample_calibrate(void)
{
	uint32_t state = calibration.state;

	if (state == PACE_NEVER || state == PACE_WORKED_ON || config.time == TIME_OFF ||
	    config.records == RECORDS_CALLS ||
	    (state == PACE_KNOWN && entry_ticks() - calibration.ticks < CHECK_TICKS) ||
	    !atomic_compare_exchange_strong(&calibration.state, &state, PACE_WORKED_ON))
		return;
	calibration.state = calibration_go_on(state);
}

void sample_without_time(void)
{
	config.time = TIME_OFF;
	calibration.state = PACE_NEVER;
	flopshim_tick_scale = 0;
}

/* ---- credit ---- */

/*
 * In `auto`, small calls are timed in bursts, by the processor's counter and on the fast path: a single call, right
 * after the slow path has used the caches, takes ten times as long as it does otherwise. One in BURST_GAP portions of
 * credit begins a burst, at random, and with a probability in proportion to the FLOPs that the thread has done since
 * the last decision. The first bursts follow each other closely, so that short programs have some; only after those
 * may the fast path renew the credit. The first one begins after WORK_BEFORE_BURSTS FLOPs, so that a process with a
 * few hundred small calls does not pay for times that nobody would ask for.
 */
enum { BURST_GAP = 128, BURST_LENGTH = 1 << 19, WORK_BEFORE_BURSTS = 1 << 12 };

/* FLOPs of the thread since its last refill. */
static uint64_t work_since_refill(const struct thread *thread)
{
	return thread->until_sample < thread->refill_mark ? (uint64_t)(thread->refill_mark - thread->until_sample) : 0;
}

/* Whether a burst is to begin. `done`: FLOPs of the thread since its last refill, the present call's included. */
static bool burst_is_due(struct thread *thread, uint64_t done)
{
	static const uint64_t widest = (uint64_t)BURST_GAP * CREDIT_QUANTUM;
	uint64_t before, gap;

	if (config.time != TIME_AUTO || !flopshim_tick_scale)
		return false;
	before = atomic_fetch_add_explicit(&calibration.flops, done + 1, memory_order_relaxed);
	gap = before < widest ? before : widest;
	if (before >= widest)
		thread->renewals = CREDIT_RENEWALS;
	return before >= WORK_BEFORE_BURSTS && random_next(thread) % gap < done;
}

/* Whether a burst goes on that a call of `cost` FLOPs has interrupted, most often because its stack was due. */
static bool burst_continues(struct thread *thread, int64_t cost)
{
	if (thread->until_clock > BURST_LENGTH || thread->until_clock <= cost + BURST_CALL || config.time != TIME_AUTO)
		return false;
	thread->until_clock -= cost + BURST_CALL;
	return true;
}

/*
 * Gives the thread new credit, for a call of `cost` FLOPs. `done`: its FLOPs since the last refill, this call's
 * included.
 */
static void credit_refill(struct thread *thread, int64_t cost, uint64_t done)
{
	int64_t credit = CREDIT_QUANTUM - 1;
	bool continues = burst_continues(thread, cost), is_early = calibration.flops < WORK_BEFORE_BURSTS;

	if (config.stacks != STACKS_AUTO) {
		thread->until_sample = UNTIL_NEVER;
		thread->stack_threshold = THRESHOLD_NEVER;
	}
	if (thread->until_sample < credit)
		credit = thread->until_sample;
	if (!continues)
		thread->until_clock = UNTIL_NEVER;
	thread->renewals = config.time == TIME_OFF ? CREDIT_RENEWALS : 0;
	if (config.time == TIME_ALL || config.stacks == STACKS_ALL || config.records == RECORDS_CALLS) {
		credit = config.stacks == STACKS_ALL || thread->scope->limited ? CREDIT_NONE : CREDIT_TIMED;
	} else if (burst_is_due(thread, done) || continues) {
		credit = CREDIT_TIMED;
		if (!continues)
			thread->until_clock = BURST_LENGTH;
	} else if (thread->scope->limited) {
		credit = CREDIT_LEASE;
	} else if (is_early && config.time == TIME_AUTO && flopshim_tick_scale && credit > WORK_BEFORE_BURSTS) {
		credit = WORK_BEFORE_BURSTS;
	}
	thread->credit = credit;
	thread->credit_given = credit;
	thread->refill_mark = thread->until_sample;
}

/* ---- time ---- */

/*
 * Whether a call is timed by the clock. A call of CREDIT_QUANTUM FLOPs takes some 10 us, two readings of the clock less
 * than 0.1 us. A smaller call, which takes the slow path for another reason, is timed only where there are no bursts.
 */
static bool is_timed(int64_t cost, bool is_new)
{
	if (config.records == RECORDS_CALLS || config.time != TIME_AUTO)
		return config.records == RECORDS_CALLS || config.time == TIME_ALL;
	return cost >= CREDIT_QUANTUM || (!is_new && !flopshim_tick_scale);
}

void sample_enter(struct thread *thread, entry_frame frame, int64_t cost, uint32_t site, uint32_t namespace_id,
                  const struct dump_row *row)
{
	bool works = row->kind != DUMP_ROW_QUERY;
	uint64_t stands_for, done;

	credit_settle(thread);
	done = work_since_refill(thread);
	if (works && stack_is_due(thread, cost, &stands_for)) {
		if (thread->busy == 1 && !guest_confined && !stack_is_signals((uint64_t)entry_return_slot(frame)))
			stack_sample(thread, *entry_return_slot(frame), stands_for, site, namespace_id);
		else
			stack_failed();
	}
	sample_calibrate();
	credit_refill(thread, cost, (uint64_t)cost + done);
	if (config.records == RECORDS_CALLS)
		*entry_flags(frame) |= ENTRY_LOGGED;
	if (is_timed(cost, !row->calls))
		*entry_flags(frame) |= ENTRY_TIMED;
}

/* ---- the ordered record ---- */

/*
 * The next element of the ordered record; NULL if no more may be written. Takes no lock but for a new block: the lane
 * is this thread's.
 */
static struct dump_call *log_append(struct thread *thread)
{
	struct dump_part *block = thread->log;

	if (!block || block->used == block->capacity) {
		if (atomic_fetch_add(&taken.log_bytes, LOG_BLOCK_BYTES) + LOG_BLOCK_BYTES > config.log_max)
			return NULL;
		guest_lock(&record_lock);
		block = dump_block_add(DUMP_LOG, sizeof(struct dump_call), LOG_BLOCK_BYTES, thread->rows.lane, 0);
		guest_unlock(&record_lock);
		if (!block) {
			atomic_store(&taken.log_bytes, config.log_max); /* for all threads, and for good */
			return NULL;
		}
		thread->log = block;
	}
	return dump_entry(block, block->used);
}

static void log_call(struct thread *thread, uint64_t start_ns, uint64_t end_ns, uint64_t cost,
                     const struct dump_row *row)
{
	uint64_t sequence = atomic_fetch_add(&taken.sequence, 1) + 1;
	uint64_t cumulative = atomic_fetch_add(&taken.cumulative, cost) + cost;
	struct dump_call *call = log_append(thread);

	if (!call) {
		__atomic_fetch_add(&dump_header->log_dropped, 1, __ATOMIC_SEQ_CST);
		dump_lose_unlocked(DUMP_LOST_LOG);
		return;
	}
	*call = (struct dump_call){
		.sequence = sequence,
		.start_ns = start_ns - dump_header->start_monotonic_ns,
		.duration_ns = end_ns - start_ns,
		.cumulative = cumulative,
		.row = record_row_number(thread, row),
		.tid = thread->lane->tid,
	};
	dump_part_use(thread->log, thread->log->used + 1);
}

void sample_leave(struct thread *thread, entry_frame frame, struct dump_row *row)
{
	uint64_t now;

	if (!(*entry_flags(frame) & ENTRY_TIMED))
		return;
	now = guest_clock();
	if (config.time != TIME_OFF) { /* the ordered record has its times all the same */
		row_add_time(row, clock_elapsed(*entry_start(frame), now));
	}
	if (*entry_flags(frame) & ENTRY_LOGGED)
		log_call(thread, *entry_start(frame), now, *entry_cost(frame), row);
}

void sample_manual(struct thread *thread, uint64_t cost, const struct dump_row *row)
{
	uint64_t now;

	if (config.records != RECORDS_CALLS)
		return;
	now = guest_clock();
	log_call(thread, now, now, cost, row);
}

void sample_forked(void)
{
	if (taken.stacks)
		guest_free(taken.stacks, taken.stack_places * sizeof(struct stack_entry));
	if (taken.samples)
		guest_free(taken.samples, taken.sample_places * sizeof(struct dump_sample *));
	memset(&taken, 0, sizeof(taken));
	sample_start();
	/* Another thread of the parent may have been working on it; and the parent's work is not the child's. */
	if (calibration.state != PACE_NEVER)
		calibration.state = flopshim_tick_scale ? PACE_KNOWN : PACE_UNKNOWN;
	calibration.flops = 0;
	if (thread_self != &thread_null)
		thread_self->random = 0; /* or all children would draw the same numbers */
}
