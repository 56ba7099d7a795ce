/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * writeout.h - copies to the file what has changed in a dump that is not mapped from it, for the other files of this
 * folder.
 * It must never be used by two threads at a time: whoever writes holds record_lock, or has noted under it that it writes
 * (see writer.c).
 */
#ifndef FLOPSHIM_WRITEOUT_H
#define FLOPSHIM_WRITEOUT_H

#include <stdbool.h>

#include "shim/dump/dump.h"

/* Begins to know what the file has of a new block, and forgets it in a forked child. With record_lock held. */
void writeout_expect(struct dump_part *part);
void writeout_forget(struct dump_part *part);
void writeout_forked(void);

/*
 * Notes which entries there are, so that what is written next refers to no entry that is not. With record_lock held.
 */
void writeout_look(void);
/* Whether something was written since, or could not be. */
bool writeout_wrote(void);

/*
 * Writes what has changed of the blocks that writeout_look has noted. Without `all`, the pages that had all their entries
 * when they were written before are not looked at. Returns 0, or the number of the first error; what could not be
 * written is tried again the next time. writeout_header does the same with the header, which comes last: it says how
 * many blocks there are and what is missing, to which `losses` are added.
 *
 * Both need no thread-local storage. SIGXFSZ, which a limit of file sizes sends, does not reach the program: signals are
 * blocked wherever these are called.
 */
int writeout_blocks(int file, bool all);
int writeout_header(int file, uint32_t losses);

#endif
