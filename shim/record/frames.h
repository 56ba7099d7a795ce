/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * frames.h - the calls in flight, for the slow paths: which of them a call is nested in, and what becomes of those that
 * do not return where or when they should.
 *
 * A call in flight belongs to a stack, and stacks are switched (coroutines), copied away and back (greenlet) and resumed
 * on other threads. So a lane's list is what the thread is inside of as far as can be seen. Whatever is not there any more
 * has been left by longjmp, or its stack will come back: it is counted as a call, and remembered by the place of its
 * return address. If it turns up again, that count is taken back, and it is in flight as before.
 *
 * The list stands in the dump, where others may write anything: whatever is read there is bounded, or asked of the kernel.
 *
 * With one call in flight the fast path changes the list under no lock. All else happens here, under one lock; another
 * thread changes the list only to take out a call whose stack it runs on, and while that is in the list, the list is not
 * the fast path's.
 */
#ifndef FLOPSHIM_FRAMES_H
#define FLOPSHIM_FRAMES_H

#include "shim/state/entry.h"
#include "shim/state/state.h"

/*
 * A call begins with its return address at `slot`. Drops what the thread is not inside of any more, and copies the
 * innermost call in flight on the same stack to *outer; false if there is none.
 */
bool frames_enclosing(struct thread *thread, uint64_t slot, struct dump_frame *outer);

/*
 * The same for a call that must be nested in one, where the thread does not know of any: looks for it among those that
 * were thought left, and on other threads.
 */
bool frames_find_again(struct thread *thread, uint64_t slot, struct dump_frame *outer);

/* The function that a call in flight is of; NULL if its stack is not there. */
void *frames_function(const struct dump_frame *record);

/* A call begins, its arguments checked and paid. */
void frames_push(struct thread *thread, struct dump_frame frame);

/*
 * A call returns, and may have to be brought back into the list first. Whether it is still to be counted, on the row that
 * its frame has then: another thread or the parent process may have done that. A signal handler's call may take it out of
 * the list again before it is removed, and count it as left: frames_remove and frames_clear undo that.
 */
bool frames_returning(struct thread *thread, uint64_t slot);

/* The call that returns has done nothing: it is not in flight on this row any more. */
void frames_clear(struct thread *thread, uint64_t slot, const struct dump_row *row);

/* The call that returns is counted on `row`, or on none if it is NULL. What it left behind on its stack is dropped. */
void frames_remove(struct thread *thread, uint64_t slot, const struct dump_row *row);

/* The thread ends: calls on other stacks than its own may go on elsewhere. With no lock of ours held. */
void frames_thread_end(struct thread *thread);

/* Around a fork, in the parent: what is in flight is kept for the child, since the list is shared with it. */
void frames_fork_begins(struct thread *thread);
void frames_fork_ended(struct thread *thread);
/* In the child, whose only thread this is: what was in flight, all of it counted by the parent. */
void frames_forked(struct thread *thread, struct forked_frames *flying);

#endif
