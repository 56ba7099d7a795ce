/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * header.h - the header of the dump, for the other files of this folder; what other folders use is in dump.h.
 * It must never be included outside of this folder.
 */
#ifndef FLOPSHIM_HEADER_H
#define FLOPSHIM_HEADER_H

/*
 * In a forked child: gives up the parent's header, but remembers the parent's start time, which the child's dump will
 * name. With record_lock held.
 */
void header_forked(void);

#endif
