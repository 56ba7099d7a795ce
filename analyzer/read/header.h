/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * header.h - checks a dump's header, and reads it without the rest of the dump.
 * It must never vouch for a member that one of the header's check words contradicts.
 */
#ifndef ANALYZER_HEADER_H
#define ANALYZER_HEADER_H

#include "analyzer/read/read.h"

/* Whether the header has a header_check, and it matches. */
bool header_checks(const struct dump_header *header);

/*
 * Restores magic, version and byte_order if these are all that is damaged, which header_check shows. Returns whether it did;
 * otherwise the header is not changed.
 */
bool header_mend(struct dump_header *header);

/* Puts a 0 at the end of each text of a header that was read from a file. */
void header_terminate(struct dump_header *header);

/*
 * Returns whether identity_check matches or is not there. If it does not match, sets the members that it covers to 0: id,
 * launch, run and job_size.
 */
bool header_check_identity(struct dump_header *header);

/*
 * Returns whether place_check matches or is not there. If it does not match, sets the members that it covers to 0: step,
 * array_task, restarts and local_rank.
 */
bool header_check_place(struct dump_header *header);

/*
 * Returns whether header_check matches or is not there. If it does not match, clears what says which process left the dump:
 * its pid, its parent, its times and its job are set to 0, and its rank to -1.
 */
bool header_check_process(struct dump_header *header);

/*
 * Reads the header of a file, with its texts terminated. Returns false if the file does not begin with a header. What
 * header_check_identity or header_check_place finds wrong is cleared. If magic or byte_order is wrong, header_check or
 * identity_check must match for the header to be recognized; if that is identity_check alone, the members before those
 * that it covers are cleared. *cleared says whether anything was. The process in the header may still be wrong, since
 * copies of a dump are found by it, right or wrong: the caller asks header_check_process once that is done.
 */
bool header_peek(const struct dump_source *source, struct dump_header *header, bool *cleared);

#endif
