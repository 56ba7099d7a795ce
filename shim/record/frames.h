/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames.h - the calls in flight, for the slow paths: in which of them a call is nested, and what becomes of those that
 * do not return where or when they should. It must never trust the list, since others can write the dump that it stands
 * in: whatever is read there is bounded, or asked of the kernel.
 *
 * A call in flight belongs to a stack, and stacks are switched (coroutines), copied away and back (greenlet) and
 * resumed on other threads. So a lane's list has the calls that the thread is inside of, as far as can be seen. A call
 * that is no longer found on its stack has been left by longjmp, or its stack will come back: it is counted as a call,
 * and remembered by the slot of its return address. If it turns up again, that count is taken back, and it is in flight
 * as before.
 *
 * With one call in flight the fast path changes the list without a lock. All else happens here, under one lock. Another
 * thread changes the list only to take out a call on whose stack it runs, and the fast path leaves the list alone while
 * such a call is in it.
 */
#ifndef FLOPSHIM_FRAMES_H
#define FLOPSHIM_FRAMES_H

#include "shim/state/entry.h"
#include "shim/state/state.h"

/*
 * A call begins, with its return address at `slot`. Takes calls that the thread has left out of the list, and copies
 * the innermost call in flight on the same stack to *outer; false if there is none.
 */
bool frames_enclosing(struct thread *thread, uint64_t slot, struct dump_frame *outer);

/*
 * Does the same for a call that must be nested although the thread knows of no outer one: looks among the calls that
 * were thought left, and among those of other threads. The call that it finds is in flight on this thread again.
 */
bool frames_find_again(struct thread *thread, uint64_t slot, struct dump_frame *outer);

/* The function that a call in flight runs; NULL if its stack is not there. */
void *frames_function(const struct dump_frame *record);

/* Puts a call in flight, after its price was paid. */
void frames_push(struct thread *thread, struct dump_frame frame);

/*
 * A call returns; it is brought back into the list first, if it was thought left. Returns whether it is still to be
 * counted, on the row that is in its frame then: another thread or the parent process may have counted it. A signal
 * handler's call may take it out of the list again, and count it as left, before frames_remove or frames_clear is
 * called: these undo that.
 */
bool frames_returning(struct thread *thread, uint64_t slot);

/* The call that returns has done nothing: it is not in flight on this row any more. */
void frames_clear(struct thread *thread, uint64_t slot, const struct dump_row *row);

/*
 * Takes the call that returns out of the list. `row` is where the caller counts it, NULL if nowhere. Calls that it
 * left behind on its stack are dropped.
 */
void frames_remove(struct thread *thread, uint64_t slot, const struct dump_row *row);

/* The thread ends: its calls on other stacks than its own may go on elsewhere. With no lock of the shim's held. */
void frames_thread_end(struct thread *thread);

/* Around a fork, in the parent: the calls in flight are copied for the child, since the list is shared with it. */
void frames_fork_begins(struct thread *thread);
void frames_fork_ended(struct thread *thread);
/*
 * In the child, whose only thread this is: *flying gets the calls that were in flight, all of them counted by the
 * parent.
 */
void frames_forked(struct thread *thread, struct forked_frames *flying);

#endif
