/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * merge.h - writes an aggregate as a merged dump.
 * It must never depend on the order in which dumps were added to the aggregate, nor on dumps that were merged before: the
 * same processes give the same bytes.
 */
#ifndef ANALYZER_MERGE_H
#define ANALYZER_MERGE_H

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/text.h"

/* Appends the merged dump to `bytes`. The aggregate must have been opened with `merge` set. */
void merge_write(const struct aggregate *aggregate, struct text *bytes);

#endif
