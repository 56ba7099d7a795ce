/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * order.h - puts what an aggregate has into an order that follows from its contents: names, places and shapes.
 * It must never compare numbers of the aggregate, which follow from the order in which dumps were added.
 */
#ifndef ANALYZER_ORDER_H
#define ANALYZER_ORDER_H

#include "analyzer/aggregate/aggregate.h"

/* These compare by contents, and return a number below, equal to or above 0. Numbers are those of the aggregate. */

int order_texts(const struct aggregate *aggregate, uint32_t a, uint32_t b);   /* AGGREGATE_NONE is the empty text */
int order_modules(const struct aggregate *aggregate, uint32_t a, uint32_t b); /* AGGREGATE_NONE comes last */
int order_sites(const struct aggregate *aggregate, uint32_t a, uint32_t b);
int order_spaces(const struct aggregate *aggregate, uint32_t a, uint32_t b);
int order_stacks(const struct aggregate *aggregate, uint32_t a, uint32_t b);
int order_workers(const struct aggregate *aggregate, uint32_t a, uint32_t b);
/* By routine, options and dimensions. */
int order_shapes(const struct aggregate *aggregate, const struct row *a, const struct row *b);

/* Compares two numbers as the functions above return it. */
static inline int order_numbers(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

#endif
