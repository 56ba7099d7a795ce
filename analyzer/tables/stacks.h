/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stacks.h - sampled stacks and their frames, for the table of stacks and for the tables that name the line of a call site.
 * It must never show a stack without what it stands for, nor believe what a sample says of that: see estimate.h.
 */
#ifndef ANALYZER_STACKS_H
#define ANALYZER_STACKS_H

#include "analyzer/tables/views.h"

/* The Python line that most of a site's sampled work came from; NULL if it is not known. */
const char *stacks_python_of_site(struct views *views, uint32_t site);

/* What the views have made of stacks; may be NULL. */
void stacks_free(struct sampled_stacks *stacks);

#endif
