/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * entry.h - the frame that the entry body of every processor builds, as the C side reads it.
 * It must hold only what entry_<arch>.S and C share; included from both.
 *
 * What an entry body has to do, for whoever writes the next one:
 *
 *   1. A stub per symbol (stubs.inc, in the order of their numbers, STUB_SIZE bytes each) puts the
 *      symbol's number into a scratch register and jumps to flopshim_entry. A hole is STUB_SIZE bytes
 *      that are never reached. THUNK_COUNT more stubs, numbered from THUNK_FIRST, are for dlsym to
 *      hand out.
 *   2. flopshim_entry saves the integer argument registers in the order of the arguments, so that the slot
 *      of argument s is entry_slot(frame, s), and the words that the caller left on its stack follow. CFI must
 *      be right at every instruction: C++ exceptions, gdb and libunwind pass through here.
 *   3. It calls one of these, all compiled to use no vector register, and obeys the verdict
 *      {function, action} that comes back:
 *        intercept_enter_nested(frame, number, thread_self)     if thread_head.open_slot says that a call is in flight
 *        intercept_enter(frame, site, thread_self)              if the thread knows the site at its first place
 *                                                               (site_hash in state.h): key and epoch are the call's
 *        intercept_enter_displaced(frame, number, thread_self)  otherwise
 *      It may do the work of intercept_enter_nested by itself, before it has made a frame: LAPACK libraries make
 *      hundreds of nested calls for each one of the program's. It may also do that of intercept_enter where the
 *      site is READING_FIRST or READING_FIRST_VALUE and the call is the same as its last one. With ENTRY_IN_C it
 *      does neither, so that tests meet the C functions too.
 *        ACTION_SLOW       save the vector argument registers, call intercept_enter_slow(frame, number),
 *                          restore them, and obey its verdict instead
 *        ACTION_JUMP       restore the argument registers, drop the frame, jump to the function
 *        ACTION_DENY       return to the caller with entry_result(frame) and vector result registers 0
 *        otherwise         action is a number of stack words: copy them below, restore the argument
 *                          registers, call the function
 *   4. After the call it saves the result registers, calls intercept_leave(frame) (no vector registers
 *      either), and where that returns not 0, intercept_leave_slow(frame) with the vector result registers
 *      saved; then it returns the result. It may do by itself what intercept_leave does for a call without
 *      flags, and saves nothing then.
 *   5. entry_ticks and entry_ticks_in_order read a counter of the processor, if code may.
 *   6. dlsym: call dlsym_hook(handle, name, return address) with the arguments kept. DLSYM_REAL (-1)
 *      means a tail jump to libc_dlsym, so that the C library sees the program as the caller.
 *      dlvsym: the same with dlvsym_hook(handle, name, version, return address) and libc_dlvsym.
 *      dlopen: call dlopen_hook(path, flags), then tail jump to libc_dlopen.
 *   7. syscall: tail jump to confine_syscall where the number is that of seccomp or prctl, or libc_syscall is
 *      still NULL; to libc_syscall otherwise.
 *   8. The section flopshim_places holds a struct entry_places.
 *
 * Beside it a processor needs what price/slots.h, shim/guest/machine.c, shim/guest/stack.h and shim/resolve/probe.h
 * say.
 */
#ifndef FLOPSHIM_ENTRY_H
#define FLOPSHIM_ENTRY_H

#include "price/slots.h"

#define STUB_SIZE   16
#define THUNK_FIRST 0xf000
#define THUNK_COUNT 0x1000

#define ACTION_JUMP (-1)
#define ACTION_DENY (-2)
#define ACTION_SLOW (-3)

#if defined(__x86_64__)
/* Offsets of members from the frame pointer, beside those of slots.h. */
#define ENTRY_FORM  (-64)
#define ENTRY_ROW   (-72)
#define ENTRY_START (-80)
#define ENTRY_COST  (-88) /* until intercept_enter returns: the symbol's number */
#define ENTRY_RAX   (-96)
#define ENTRY_RDX   (-104) /* r10 before the call, rdx after it */
#define ENTRY_REAL  (-112)
#define ENTRY_SCOPE (-120)
#define ENTRY_FLAGS (-128)
#define ENTRY_RAW   (-136)
#define ENTRY_WORDS (-144)
#define ENTRY_SIZE  144
/* Where the slow paths save vector registers, below the frame: the other paths need not touch these cache lines. */
#define ENTRY_VECTORS      (-288)
#define ENTRY_VECTORS_SIZE 144
#else
#error "flopshim has no entry body for this processor yet: see entry.h for what one must do"
#endif

/*
 * Where a thread has the function of a nested call: see served_place in state.h. Symbols of one scheme are 8 numbers
 * apart.
 */
#define SERVED_MASK        0xff8
#define SERVED_SCALE       2
#define SERVED_EPOCH_SHIFT 32

/* Where a thread has a known site: see site_key and site_hash in state.h. */
#define SITE_KEY_SHIFT 48
#define SITE_FACTOR    0x9e3779b97f4a7c15
#define SITE_BITS      9

#define CREDIT_QUANTUM \
	131072 /* FLOPs: any portion of credit is smaller; see expensive_goes_on for calls that cost so much */
#define CREDIT_LEASE (-1) /* instead of credit: the thread is under a limit, and spends its lease */

/*
 * Offsets of the members that an entry body reads: HEAD_, THREAD_, SITE_, LANE_ and ROW_. They are listed in
 * offsets.c.
 */
#ifdef __ASSEMBLER__
#include "offsets.h"
#endif

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

/* The frame of an intercepted call: the value of its frame pointer. */
typedef char *entry_frame;

/*
 * Where the stubs and the entry body begin and end, each as the distance from the member itself. The struct is all of
 * its section, whose beginning the linker names. So code that only compares addresses with these does not refer to
 * the entries, which are in a folder above all others, and works before anything has been started.
 */
struct entry_places {
	int32_t stubs, stubs_end, body, body_end;
};
#define ENTRY_PLACES __start_flopshim_places
extern const struct entry_places ENTRY_PLACES __attribute__((visibility("hidden")));

static inline uint64_t entry_place(const int32_t *distance)
{
	return (uint64_t)distance + (uint64_t)(int64_t)*distance;
}

static inline bool entry_is_stub(uint64_t address)
{
	return address >= entry_place(&ENTRY_PLACES.stubs) && address < entry_place(&ENTRY_PLACES.stubs_end);
}

static inline bool entry_is_body(uint64_t address)
{
	return address >= entry_place(&ENTRY_PLACES.body) && address < entry_place(&ENTRY_PLACES.body_end);
}

/*
 * The address of a symbol's stub, which is what the program has as the function; and the symbol of an address in a
 * stub.
 */
static inline uint64_t entry_stub(uint32_t symbol)
{
	return entry_place(&ENTRY_PLACES.stubs) + (uint64_t)symbol * STUB_SIZE;
}

static inline uint32_t entry_symbol(uint64_t stub)
{
	return (uint32_t)((stub - entry_place(&ENTRY_PLACES.stubs)) / STUB_SIZE);
}

struct entry_verdict {
	void *function;
	long action;
};

static inline uint64_t *entry_slot(entry_frame frame, unsigned slot)
{
	return (uint64_t *)(frame + ENTRY_SLOT((long)slot));
}

static inline uint64_t *entry_return_slot(entry_frame frame) { return (uint64_t *)(frame + 8); }

#if defined(__x86_64__)
static inline uint64_t entry_ticks(void) { return __builtin_ia32_rdtsc(); }

/*
 * Reads the counter after all earlier instructions have ended, which takes twice as long. Without that, calls of a
 * few nanoseconds seem to take none: their end is read before they have ended.
 */
static inline uint64_t entry_ticks_in_order(void)
{
	__asm__ volatile("lfence" ::: "memory");
	return __builtin_ia32_rdtsc();
}

/*
 * entry_take adds 1 to a counter, and returns what it was before. entry_put writes a value where 0 stands, and
 * returns whether it has. Each is one instruction, so that no signal handler comes between; and not a locked one,
 * since no other thread writes there.
 */
static inline uint64_t entry_take(uint64_t *counter)
{
	uint64_t before = 1;

	__asm__ volatile("xaddq %0, %1" : "+r"(before), "+m"(*counter) : : "cc");
	return before;
}

static inline bool entry_put(uint64_t *place, uint64_t value)
{
	uint64_t expected = 0;
	bool put;

	__asm__ volatile("cmpxchgq %3, %1" : "+a"(expected), "+m"(*place), "=@ccz"(put) : "r"(value) : "memory");
	return put;
}
#endif

struct form;
struct scope;
struct dump_row;

/*
 * Members of the frame, set by intercept_enter for intercept_leave, and for tail calls out of the function. They are
 * in the frame because the thread's known site may have given its place to another one by then.
 */
static inline const struct form **entry_form(entry_frame frame) { return (const struct form **)(frame + ENTRY_FORM); }
static inline struct dump_row **entry_row(entry_frame frame) { return (struct dump_row **)(frame + ENTRY_ROW); }
static inline void **entry_real(entry_frame frame) { return (void **)(frame + ENTRY_REAL); }
static inline const struct scope **entry_scope(entry_frame frame)
{
	return (const struct scope **)(frame + ENTRY_SCOPE);
}
/* enum entry_flags. With any of them, the entry body leaves the return to intercept_leave. */
static inline uint64_t *entry_flags(entry_frame frame) { return (uint64_t *)(frame + ENTRY_FLAGS); }
enum entry_flags {
	ENTRY_TIMED = 1,  /* timed by the clock */
	ENTRY_LOGGED = 2, /* goes into the ordered record */
	/* It shares a coarse row: what it has added there is in the frame, so that it can be taken back. */
	ENTRY_COARSE = 4,
	ENTRY_TICKS = 8,      /* timed by the processor's counter */
	ENTRY_EXPENSIVE = 16, /* with ENTRY_TICKS, but not in a burst: its time counts, however long it is */
	ENTRY_INFO = 64,      /* its INFO may say that it did nothing */
};
/* The clock or the counter when the call began, if it is timed. */
static inline uint64_t *entry_start(entry_frame frame) { return (uint64_t *)(frame + ENTRY_START); }
/* Price before weights, and traffic in elements, of a call with ENTRY_COARSE. */
static inline uint64_t *entry_raw(entry_frame frame) { return (uint64_t *)(frame + ENTRY_RAW); }
static inline uint64_t *entry_words(entry_frame frame) { return (uint64_t *)(frame + ENTRY_WORDS); }
/* What was reserved for the call; see call_cost. */
static inline uint64_t *entry_cost(entry_frame frame) { return (uint64_t *)(frame + ENTRY_COST); }
/* The integer result; valid after the call. */
static inline uint64_t *entry_result(entry_frame frame) { return (uint64_t *)(frame + ENTRY_RAX); }
#endif
#endif
