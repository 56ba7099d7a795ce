/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * header.h - how a dump begins.
 */
#ifndef FLOPSHIM_HEADER_H
#define FLOPSHIM_HEADER_H

/* In a forked child: the header is the parent's, whose dump the child's will name. With record_lock held. */
void header_forked(void);

#endif
