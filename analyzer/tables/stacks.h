/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stacks.h - what samples say of a call site, and what the views keep of sampled stacks for that and for their table.
 * It must never show the FLOPs of a sample without holding them to what is known of its call site: see estimate.h.
 */
#ifndef ANALYZER_STACKS_H
#define ANALYZER_STACKS_H

#include "analyzer/aggregate/estimate.h"
#include "analyzer/tables/views.h"

/*
 * The Python line that most of a site's sampled work came from, as "function (file:line)"; NULL if it is not known. The
 * text lives as long as the views.
 */
const char *stacks_python_of_site(struct views *views, uint32_t site);

/* How the work is divided among the samples; it lives as long as the views. */
const struct estimates *stacks_estimates(struct views *views);

/* Frees what the views keep of stacks, for views_close. It may be NULL. */
void stacks_free(struct sampled_stacks *stacks);

#endif
