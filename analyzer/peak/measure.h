/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * measure.h - measures the roofs of this machine.
 * It must never take much longer than PEAK_SECONDS.
 */
#ifndef ANALYZER_MEASURE_H
#define ANALYZER_MEASURE_H

#include "analyzer/base/text.h"
#include "analyzer/tables/roofs.h"

enum { PEAK_SECONDS = 10 };

/* The BLAS that is measured if no other is named: the one that programs of distributions find. */
#define PEAK_LIBRARY "libblas.so.3"

/*
 * Measures all roofs with a BLAS, whose name is as for dlopen. Adds to `notes` a line for each that could not be measured.
 * Returns false if none could; `notes` says why.
 */
bool peak_measure(struct roofs *roofs, const char *library, struct text *notes);

#endif
