/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seal.h - how a dump is written out and closed; what others use of it is in dump.h.
 */
#ifndef FLOPSHIM_SEAL_H
#define FLOPSHIM_SEAL_H

/* Copies what lives in memory to the file. With record_lock held. */
void seal_write_out(void);

#endif
