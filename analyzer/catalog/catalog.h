/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * catalog.h - the routine table, as `explain` and re-pricing use it. Reading a dump must never need it.
 */
#ifndef ANALYZER_CATALOG_H
#define ANALYZER_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/aggregate/aggregate.h"
#include "formulas.h"
#include "price/price.h"
#include "price/routines.h"

/* By canonical name or by any symbol that stands for it, in any case: dgemm, cblas_dgemm64_; NULL if there is none. */
const struct routine *catalog_find(const char *given);

/* Up to `room` names like this one, the nearest first; returns how many. */
size_t catalog_near(const char *given, const char **near, size_t room);

static inline const struct family *catalog_family(const struct routine *routine)
{
	return &families[routine->family];
}

static inline const struct formula *catalog_formula(const struct routine *routine)
{
	return &formulas[routine->family];
}

/* Bytes of an element of the routine's type. */
unsigned catalog_element_size(const struct routine *routine);

/* For aggregate_options.price; the context is what catalog_repricer_new returned. */
bool catalog_reprice(void *context, const struct intern *texts, const struct routine_key *routine,
                     const struct dump_row *row, uint64_t multiplier, struct priced *priced);
void *catalog_repricer_new(void);
void catalog_repricer_free(void *context);

#endif
