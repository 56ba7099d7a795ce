/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.h - the file that keeps the roofs of a machine, and the options that set them by hand.
 * It must never take the roofs of one machine for those of another.
 */
#ifndef ANALYZER_PEAK_FILE_H
#define ANALYZER_PEAK_FILE_H

#include "analyzer/base/text.h"
#include "analyzer/tables/roofs.h"

/* Adds the path of the file for a machine: in XDG_CACHE_HOME or ~/.cache. Adds nothing if neither is known. */
void peak_path(struct text *path, const char *host);

/* Adds the contents of the file. */
void peak_write(struct text *file, const struct roofs *roofs);

enum peak_found {
	PEAK_READ,
	PEAK_NONE,  /* there is no such file */
	PEAK_WRONG, /* it cannot be read, or is no such file: `why` says so */
};

/* Reads a file into *roofs, which is all zeros if it cannot be read. */
enum peak_found peak_read(struct roofs *roofs, const char *path, struct text *why);

/*
 * Reads what --peak, or with `bandwidth` --bandwidth, sets by hand: NAME=NUMBER,... or a single number for double precision or
 * memory. Numbers are in GFLOP/s, or with `bandwidth` in GB/s: 10^9 FLOPs, or bytes, per second. Returns false if the text is none of this; *roofs may have changed then.
 */
bool peak_by_hand(struct roofs *roofs, const char *text, bool bandwidth);

#endif
