/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * template.h - the page that assemble/assemble.c makes of page.html, the style sheets and the scripts, in pieces.
 * It must never be changed while flopshim-report runs: the page's policy has the hashes of style and script.
 */
#ifndef ANALYZER_TEMPLATE_H
#define ANALYZER_TEMPLATE_H

#include <stddef.h>

/* What stands between a piece and the next one. */
enum template_part {
	TEMPLATE_END, /* nothing: it is the last piece */
	TEMPLATE_TITLE,
	TEMPLATE_STATIC,
	TEMPLATE_DATA,
};

struct template_piece {
	const char *bytes;
	size_t size;
	enum template_part then;
};

/* The pieces in order; behind the last one comes one whose `bytes` are NULL. */
extern const struct template_piece template_pieces[];

#endif
