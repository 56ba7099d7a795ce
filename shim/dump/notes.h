/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notes.h - the notes of the dump, for the other files of this folder; other folders use dump_note in dump.h.
 * Callers hold record_lock. It must never be included outside of this folder.
 */
#ifndef FLOPSHIM_NOTES_H
#define FLOPSHIM_NOTES_H

/* Moves the messages that standard error could not take into notes, if the dump is open. */
void notes_take_messages(void);

/* In a forked child: begins anew, since all notes so far are in the parent's dump. */
void notes_forked(void);

#endif
