/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * catalog.h - looks routines up in the routine table, and prices rows of dumps by it.
 * It must never be needed to read a dump, which names its routines and arguments itself.
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

/*
 * Returns the routine with this canonical name or symbol, in upper or lower case, such as dgemm or cblas_dgemm64_; NULL
 * if there is none. The routine is never freed.
 */
const struct routine *catalog_find(const char *given);

/*
 * Writes up to `room` names of routines that are like this one, the most similar first and at most 16, and returns how
 * many: those with at most two letters changed, added or removed, and all routines of a family of this name. The names
 * are never freed.
 */
size_t catalog_near(const char *given, const char **near, size_t room);

/* These return the table's row of a routine: what prices need, and the formulas as they are written. */
static inline const struct family *catalog_family(const struct routine *routine) { return &families[routine->family]; }

static inline const struct formula *catalog_formula(const struct routine *routine)
{
	return &formulas[routine->family];
}

/* Returns the bytes of an element of the routine's type. */
unsigned catalog_element_size(const struct routine *routine);

/*
 * Prices a row by the current table, as aggregate_options.price wants it. Its context is what catalog_repricer_new has
 * returned; the caller frees that by catalog_repricer_free, which does nothing for NULL. Returns false if the table does not
 * have the routine, or the dump does not have an argument that the price depends on.
 */
bool catalog_reprice(void *context, const struct intern *texts, const struct routine_key *routine,
                     const struct dump_row *row, uint64_t multiplier, struct priced *priced);
void *catalog_repricer_new(void);
void catalog_repricer_free(void *context);

#endif
