/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * catalog.c - finds routines by name, and prices rows of dumps anew.
 * It must never assume that the arguments of a routine in a dump are those of the current table: they are matched by name.
 */
#include "analyzer/catalog/catalog.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/base/memory.h"
#include "names.h"

enum {
	NAME_MAX_LENGTH = 64, /* bytes of a symbol, with its terminator */
	SHAPE_NONE = 0xff,    /* the dump's shape does not have the argument */
};

/* Names. */

static int compare_routines(const void *a, const void *b)
{
	return strcmp((*(const struct routine *const *)a)->name, (*(const struct routine *const *)b)->name);
}

static int compare_name(const void *name, const void *routine)
{
	return strcmp(name, (*(const struct routine *const *)routine)->name);
}

/* Returns the routines sorted by name. The array is made once and never freed. */
static const struct routine **by_name(void)
{
	static const struct routine **sorted;

	if (!sorted) {
		sorted = memory_new(routine_count, sizeof *sorted);
		for (unsigned i = 0; i < routine_count; i++)
			sorted[i] = &routines[i];
		qsort(sorted, routine_count, sizeof *sorted, compare_routines);
	}
	return sorted;
}

static const struct routine *find_exact(const char *name)
{
	const struct routine **found = bsearch(name, by_name(), routine_count, sizeof *found, compare_name);

	return found ? *found : NULL;
}

/* These remove the beginning or end of a name, if it is this one, and return whether they did. */

static bool strip_prefix(char *name, const char *prefix)
{
	size_t length = strlen(prefix);

	if (strncmp(name, prefix, length))
		return false;
	memmove(name, name + length, strlen(name + length) + 1);
	return true;
}

static bool strip_suffix(char *name, const char *suffix)
{
	size_t length = strlen(name), size = strlen(suffix);

	if (length <= size || strcmp(name + length - size, suffix))
		return false;
	name[length - size] = 0;
	return true;
}

const struct routine *catalog_find(const char *given)
{
	static const char *const suffixes[] = {"_64_", "64_", "_64", "_", "_work", "_sub"};
	char name[NAME_MAX_LENGTH];
	const struct routine *routine;
	size_t length = strlen(given);
	bool is_lapacke;

	if (length >= sizeof name)
		return NULL;
	for (size_t i = 0; i <= length; i++)
		name[i] = (char)tolower((unsigned char)given[i]);
	if ((routine = find_exact(name)))
		return routine;
	strip_prefix(name, "scipy_");
	is_lapacke = strip_prefix(name, "lapacke_");
	if (!is_lapacke)
		strip_prefix(name, "cblas_");
	routine = find_exact(name);
	for (unsigned i = 0; !routine && i < sizeof suffixes / sizeof *suffixes; i++)
		if (strip_suffix(name, suffixes[i]))
			routine = find_exact(name);
	return routine;
}

size_t catalog_near(const char *given, const char **near, size_t room)
{
	unsigned distances[16], limit;
	char name[NAME_MAX_LENGTH + 1] = "";
	size_t count = 0;

	for (size_t i = 0; i < NAME_MAX_LENGTH && given[i]; i++)
		name[i] = (char)tolower((unsigned char)given[i]);
	if (room > sizeof distances / sizeof *distances)
		room = sizeof distances / sizeof *distances;
	limit = strlen(name) < 4 ? 1 : 2;
	for (unsigned i = 0; i < routine_count; i++) {
		const struct routine *routine = by_name()[i];
		/* `gemm` is like all routines of this family. */
		bool is_family = !strcasecmp(name, catalog_family(routine)->name) || !strcmp(name, routine->name + 1);
		unsigned edits = is_family ? 0 : name_distance(name, strlen(name), routine->name);
		size_t at = count < room ? count : room;

		if (edits > limit)
			continue;
		while (at && distances[at - 1] > edits)
			at--;
		if (at == room)
			continue;
		if (count < room)
			count++;
		memmove(&near[at + 1], &near[at], (count - at - 1) * sizeof *near);
		memmove(&distances[at + 1], &distances[at], (count - at - 1) * sizeof *distances);
		near[at] = routine->name;
		distances[at] = edits;
	}
	return count;
}

unsigned catalog_element_size(const struct routine *routine)
{
	return routine->type == TYPE_S ? 4 : routine->type == TYPE_Z ? 16 : 8;
}

/* Re-pricing. */

/* How the shape of a dump's routine becomes one of the current table. */
struct mapping {
	const struct routine *routine; /* in the current table; NULL if rows of it cannot be priced */
	uint8_t places
		[SHAPE_ARGS_MAX]; /* for each argument its index among the options, or the dimensions, of the dump */
};

struct repricer {
	struct intern keys;       /* struct routine_key */
	struct mapping *mappings; /* by the number of the key */
	size_t capacity;
};

void *catalog_repricer_new(void) { return memory_new(1, sizeof(struct repricer)); }

void catalog_repricer_free(void *context)
{
	struct repricer *repricer = context;

	if (!repricer)
		return;
	intern_free(&repricer->keys);
	free(repricer->mappings);
	free(repricer);
}

/* Returns the index of a name among `count` texts, or SHAPE_NONE. */
static uint8_t place_of(const struct intern *texts, const uint32_t *names, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(intern_at(texts, names[i]), name))
			return (uint8_t)i;
	return SHAPE_NONE;
}

static struct mapping make_mapping(const struct intern *texts, const struct routine_key *key)
{
	struct mapping mapping = {.routine = find_exact(intern_at(texts, key->name))};
	const struct family *family;

	if (!mapping.routine)
		return mapping;
	family = catalog_family(mapping.routine);
	for (unsigned i = 0; i < family->option_count + family->dim_count; i++) {
		bool is_option = i < family->option_count;

		mapping.places[i] = is_option ? place_of(texts, key->options, key->option_count, family->shape_names[i])
		                              : place_of(texts, key->dims, key->dim_count, family->shape_names[i]);
		if (mapping.places[i] == SHAPE_NONE) {
			mapping.routine = NULL; /* the dump does not have an argument that the price depends on */
			break;
		}
	}
	return mapping;
}

/* Returns the mapping of a dump's routine, and makes it at its first use. */
static const struct mapping *mapping_of(struct repricer *repricer, const struct intern *texts,
                                        const struct routine_key *key)
{
	size_t before = repricer->keys.count;
	uint32_t number = intern_bytes(&repricer->keys, key, sizeof *key);

	if (repricer->keys.count > before) {
		repricer->mappings =
			memory_grow(repricer->mappings, before, &repricer->capacity, sizeof *repricer->mappings);
		repricer->mappings[number] = make_mapping(texts, key);
	}
	return &repricer->mappings[number];
}

/* Returns a * b / c, rounded to the nearest integer, but at least 1 if neither a nor b is 0. c must not be 0. */
static uint64_t scaled(uint64_t a, uint64_t b, uint64_t c)
{
	u128 product = (u128)a * b;
	u128 quotient = product / c + (product % c >= c - product % c);

	return !quotient && product ? 1 : u64_saturate(quotient);
}

bool catalog_reprice(void *context, const struct intern *texts, const struct routine_key *routine,
                     const struct dump_row *row, uint64_t multiplier, struct priced *priced)
{
	const struct mapping *mapping = mapping_of(context, texts, routine);
	int64_t shape[SHAPE_ARGS_MAX];
	const struct family *family;
	struct price price;

	if (!mapping->routine)
		return false;
	family = catalog_family(mapping->routine);
	for (unsigned i = 0; i < family->option_count; i++)
		shape[i] = (uint8_t)(row->options >> (8 * mapping->places[i]));
	for (unsigned i = family->option_count; i < family->option_count + family->dim_count; i++)
		shape[i] = row->dims[mapping->places[i]];
	price_shape(mapping->routine, shape, &price);
	priced->flops = price.flops;
	priced->words = price.words;
	priced->kind = family->kind;
	/*
	 * A dump does not have the weights, but the old price and charge show their effect. If that price is 0, they show
	 * nothing, and only the multipliers apply.
	 */
	priced->charged = row->flops ? scaled(price.flops, row->charged, row->flops)
	                             : scaled(price.flops, multiplier, UINT64_C(1) << 32);
	return true;
}
