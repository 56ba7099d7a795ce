/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * header.h - what a dump's header says of the process, without the rest of the dump.
 * It must never vouch for what the header's check words contradict.
 */
#ifndef ANALYZER_HEADER_H
#define ANALYZER_HEADER_H

#include "analyzer/read/read.h"

/* Whether the header has a check word, and it matches. */
bool header_checks(const struct dump_header *header);

/* Puts the first three fields right where the check word shows that nothing else is damaged; otherwise it is false. */
bool header_mend(struct dump_header *header);

/* Ends the texts of a header that was just read. */
void header_terminate(struct dump_header *header);

/* Empties what says which dump it is and of which launch and run, where its check word does not match; false then. */
bool header_check_identity(struct dump_header *header);

/*
 * Empties what says which process it is, when it was started and as which rank of which job, where the header's check word does
 * not match; false then.
 */
bool header_check_process(struct dump_header *header);

/*
 * Reads a header as it is in the file, without its identity where that is damaged: header_check_process remains to be asked,
 * once no copy is looked for by its process any more. Where the beginning is damaged the check words decide whether it is a
 * header, and all of it is read or its identity alone. False for what begins with no header of a dump.
 */
bool header_peek(const struct dump_source *source, struct dump_header *header);

#endif
