/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seal.h - writes the dump out, for the other files of this folder; what other folders use of seal.c is in dump.h.
 * It must never be included outside of this folder.
 */
#ifndef FLOPSHIM_SEAL_H
#define FLOPSHIM_SEAL_H

/*
 * Copies all blocks and the header to the file, where it is not mapped; prints once if that fails. Does nothing in a
 * confined process. Keeps errno. With record_lock held.
 */
void seal_write_out(void);

#endif
