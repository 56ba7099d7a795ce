/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notes.h - what a reader must be told; what others use of it is in dump.h.
 * Every function is called with record_lock held.
 */
#ifndef FLOPSHIM_NOTES_H
#define FLOPSHIM_NOTES_H

/* Notes the messages that standard error could not take. */
void notes_take_messages(void);

/* In a forked child: what was noted is in the parent's dump. */
void notes_forked(void);

#endif
