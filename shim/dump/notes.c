/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * notes.c - the notes of the dump: each text stands once, with a count. Messages that nobody heard become notes, too.
 * It must never let the list of notes grow without bound, since each new note is compared with all others.
 */
#include "shim/dump/notes.h"

#include <string.h>

#include "shim/dump/blocks.h"
#include "shim/guest/speak.h"
#include "shim/state/epoch.h"

enum { MESSAGES_MAX = 256 }; /* messages that become notes of their own */

static uint32_t messages; /* how many messages have been noted */

/* Returns the note of this kind whose text has this check word; NULL if there is none. */
static struct dump_note *note_find(enum dump_note_kind kind, uint32_t check)
{
	for (const struct dump_part *part = blocks_first(); part; part = part->next) {
		for (uint64_t j = 0; part->type == DUMP_NOTES && j < part->used; j++) {
			struct dump_note *note = dump_entry(part, j);

			if (note->kind == kind && note->check == check)
				return note;
		}
	}
	return NULL;
}

void dump_note(enum dump_note_kind kind, const char *text, uint64_t count)
{
	uint32_t check = dump_check(text, strlen(text));
	struct dump_note *note;

	if (!dump_is_open() || epoch_is_forked())
		return; /* until it starts over, a forked child still has its parent's dump */
	note = note_find(kind, check);
	if (note) {
		dump_unseal();
		note->count += count;
		return;
	}
	note = dump_append(&dump_notes, NULL);
	if (!note)
		return;
	note->kind = kind;
	note->check = check;
	note->text = dump_string(text, strlen(text));
	note->count = count;
	dump_commit(&dump_notes);
}

/* A program with many limits has a message for each of them, so all messages beyond MESSAGES_MAX share one note. */
void notes_take_messages(void)
{
	static char sentence[SPEAK_LINE_MAX]; /* static since stacks may be small; under record_lock */

	while (dump_is_open() && speak_take(sentence, sizeof(sentence)))
		dump_note(DUMP_NOTE_MESSAGE, messages++ < MESSAGES_MAX ? sentence : "more messages like these", 1);
}

void notes_forked(void)
{
	messages = 0;
	speak_forked();
}
