/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * entry.h - the frame that the entry body of every processor builds, as the C side reads it.
 * It must hold only what entry_<arch>.S and C share; included from both.
 *
 * What an entry body has to do, for whoever writes the next one:
 *
 *  1. A stub per symbol (stubs.inc, in the order of their numbers, STUB_SIZE bytes each) puts the
 *     symbol's number into a scratch register and jumps to flopshim_entry. A hole is STUB_SIZE bytes
 *     that are never reached. THUNK_COUNT more stubs, numbered from
 *     THUNK_FIRST, are handed out by dlsym.
 *  2. flopshim_entry saves the integer argument registers in slot order, so that argument slot s is at
 *     entry_slot(frame, s), with the words that the caller left on its stack following on. CFI must be
 *     right at every instruction: C++ exceptions, gdb and libunwind pass through here.
 *  3. It looks where thread_self would have the call site (site_hash of state.h), and calls intercept_enter(frame, site,
 *     thread_self) if key and epoch are this call's, intercept_enter_displaced(frame, number, thread_self) if they are not;
 *     or while thread_head.open_slot says that a call is in flight, intercept_enter_nested(frame, number, thread_self). They
 *     are compiled to use no vector register, and it obeys the pair that comes back, {function, action}. It may do the work
 *     of the last by itself, before it has made a frame: libraries of LAPACK make hundreds of nested calls for each one of
 *     the program's; and that of the first where the site is READING_FIRST or READING_FIRST_VALUE and the call is the same as
 *     its last one. With ENTRY_IN_C it does neither, so that tests meet the C functions too.
 *       ACTION_SLOW       save the vector argument registers, call intercept_enter_slow(frame, number),
 *                         restore them, and obey its pair instead
 *       ACTION_JUMP       restore the argument registers, drop the frame, jump to the function
 *       ACTION_DENY       return to the caller with entry_result(frame) and vector result registers 0
 *       otherwise         action is a number of stack words: copy them below, restore the argument
 *                         registers, call the function
 *  4. After the call it saves the result registers, calls intercept_leave(frame) (no vector registers
 *     either), and where that returns not 0, intercept_leave_slow(frame) with the vector result registers
 *     saved; then returns the result. It may do what intercept_leave does for a call without flags by itself, and
 *     saves nothing then.
 *  5. entry_ticks and entry_ticks_in_order read a counter of the processor, if code may.
 *  6. dlsym: call dlsym_hook(handle, name, return address) with the arguments kept; DLSYM_REAL (-1)
 *     means a tail jump to libc_dlsym, so that the C library sees the program as the caller.
 *     dlvsym: the same with dlvsym_hook(handle, name, version, return address) and libc_dlvsym.
 *     dlopen: call dlopen_hook(path, flags), then tail jump to libc_dlopen.
 *  7. syscall: tail jump to confine_syscall where number is that of seccomp or prctl or libc_syscall is still NULL, and to
 *     libc_syscall otherwise.
 *  8. The section flopshim_places holds a struct entry_places.
 *
 * Beside it a processor needs what price/slots.h, shim/guest/machine.c, shim/guest/stack.h and shim/resolve/probe.h say.
 */
#ifndef FLOPSHIM_ENTRY_H
#define FLOPSHIM_ENTRY_H

#include "price/slots.h"

#define STUB_SIZE 16
#define THUNK_FIRST 0xf000
#define THUNK_COUNT 0x1000

#define ACTION_JUMP (-1)
#define ACTION_DENY (-2)
#define ACTION_SLOW (-3)

#if defined(__x86_64__)
/* Offsets from the frame pointer, beside those of slots.h. */
#define ENTRY_FORM (-64)
#define ENTRY_ROW (-72)
#define ENTRY_START (-80)
#define ENTRY_COST (-88) /* until intercept_enter returns: the symbol's number */
#define ENTRY_RAX (-96)
#define ENTRY_RDX (-104) /* r10 before the call, rdx after it */
#define ENTRY_REAL (-112)
#define ENTRY_SCOPE (-120)
#define ENTRY_FLAGS (-128)
#define ENTRY_RAW (-136)
#define ENTRY_WORDS (-144)
#define ENTRY_SIZE 144
/* Below it, in the slow paths alone: the cache lines in between stay untouched in the others. */
#define ENTRY_VECTORS (-288)
#define ENTRY_VECTORS_SIZE 144
#else
#error "flopshim has no entry body for this processor yet: see entry.h for what one must do"
#endif

/* A nested call's place in a thread's list: struct served of state.h. Symbols of one scheme are 8 numbers apart. */
#define SERVED_MASK 0xff8
#define SERVED_SCALE 2
#define SERVED_EPOCH_SHIFT 32

/* Where a thread has a call site: site_key and site_hash of state.h. */
#define SITE_KEY_SHIFT 48
#define SITE_FACTOR 0x9e3779b97f4a7c15
#define SITE_BITS 9

#define CREDIT_QUANTUM 131072 /* FLOPs between two visits to the slow path; dearer calls take it but for dear_goes_on */
#define CREDIT_LEASE (-1)     /* a thread's credit under a limit: the lease is spent instead */

/* What an entry body reads by itself of structures: HEAD_, THREAD_, SITE_, LANE_ and ROW_. offsets.c has the list. */
#ifdef __ASSEMBLER__
#include "offsets.h"
#endif

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

/* The frame of one intercepted call, by its frame pointer. */
typedef char *entry_frame;

/*
 * Where the stubs and the entry body begin and end, each as the distance from the number itself. It is all of a section,
 * whose beginning the linker names: so code that only compares addresses with these does not call for the entries, which
 * are above all of it, and need not wait until somebody has said where they are.
 */
struct entry_places {
	int32_t stubs, stubs_end, body, body_end;
};
#define ENTRY_PLACES __start_flopshim_places
extern const struct entry_places ENTRY_PLACES __attribute__((visibility("hidden")));

static inline uint64_t entry_place(const int32_t *distance) { return (uint64_t)distance + (uint64_t)(int64_t)*distance; }

static inline bool entry_is_stub(uint64_t address)
{
	return address >= entry_place(&ENTRY_PLACES.stubs) && address < entry_place(&ENTRY_PLACES.stubs_end);
}

static inline bool entry_is_body(uint64_t address)
{
	return address >= entry_place(&ENTRY_PLACES.body) && address < entry_place(&ENTRY_PLACES.body_end);
}

/* What the program has as the address of a symbol; and the symbol of such an address, or of one inside of the stub. */
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
 * Waits for the instructions before it: otherwise calls of a few nanoseconds seem to take none, since their end is read
 * before they have ended. Takes twice as long.
 */
static inline uint64_t entry_ticks_in_order(void)
{
	__asm__ volatile("lfence" ::: "memory");
	return __builtin_ia32_rdtsc();
}

/*
 * One instruction each, so that no signal handler comes between, and not locked, since no other thread writes there:
 * counts up and returns what was there before; writes where 0 stands, and says whether it has.
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
 * Set by intercept_enter for intercept_leave and for tail calls out of the function. They stand in
 * the frame because a thread's memory of the site may have gone to another site by then.
 */
static inline const struct form **entry_form(entry_frame frame) { return (const struct form **)(frame + ENTRY_FORM); }
static inline struct dump_row **entry_row(entry_frame frame) { return (struct dump_row **)(frame + ENTRY_ROW); }
static inline void **entry_real(entry_frame frame) { return (void **)(frame + ENTRY_REAL); }
static inline const struct scope **entry_scope(entry_frame frame)
{
	return (const struct scope **)(frame + ENTRY_SCOPE);
}
/* Not 0 sends the return through the slow path; enum entry_flags. */
static inline uint64_t *entry_flags(entry_frame frame) { return (uint64_t *)(frame + ENTRY_FLAGS); }
enum entry_flags {
	ENTRY_TIMED = 1,
	ENTRY_LOGGED = 2,
	ENTRY_COARSE = 4, /* has a share in a coarse row, which it brings along to take it back */
	ENTRY_TICKS = 8, /* timed by the processor's counter */
	ENTRY_DEAR = 16, /* and stands for itself alone, however long it takes */
	ENTRY_INFO = 64, /* its INFO says whether it did anything */
};
/* Clock or counter when the call began, if it is timed. */
static inline uint64_t *entry_start(entry_frame frame) { return (uint64_t *)(frame + ENTRY_START); }
/* Raw price and traffic of a call with ENTRY_COARSE. */
static inline uint64_t *entry_raw(entry_frame frame) { return (uint64_t *)(frame + ENTRY_RAW); }
static inline uint64_t *entry_words(entry_frame frame) { return (uint64_t *)(frame + ENTRY_WORDS); }
/* What was reserved for it; see call_cost. */
static inline uint64_t *entry_cost(entry_frame frame) { return (uint64_t *)(frame + ENTRY_COST); }
/* The integer result, valid after the call. */
static inline uint64_t *entry_result(entry_frame frame) { return (uint64_t *)(frame + ENTRY_RAX); }
#endif
#endif
