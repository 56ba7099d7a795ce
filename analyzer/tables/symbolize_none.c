/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * symbolize_none.c - takes the place of symbolize.c in a build without libdw: an address has its module and its offset there.
 * It must never hide that functions and lines could have been found: the place of each address says so.
 */
#include <stdlib.h>

#include "analyzer/base/memory.h"
#include "analyzer/tables/symbolize.h"

struct symbolizer {
	const struct aggregate *aggregate;
	size_t site_count;
	struct text *sites; /* by the site's number: its place in one line, made when it is first asked for */
};

const char *symbolize_missing(void) { return "this program was built without libdw"; }

struct symbolizer *symbolizer_new(const struct aggregate *aggregate)
{
	struct symbolizer *symbolizer = memory_new(1, sizeof *symbolizer);

	symbolizer->aggregate = aggregate;
	symbolizer->site_count = aggregate->sites.count;
	symbolizer->sites = memory_new(symbolizer->site_count, sizeof *symbolizer->sites);
	return symbolizer;
}

void symbolizer_free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	for (size_t i = 0; i < symbolizer->site_count; i++)
		text_free(&symbolizer->sites[i]);
	free(symbolizer->sites);
	free(symbolizer);
}

struct text *symbolizer_site(struct symbolizer *symbolizer, uint32_t number) { return &symbolizer->sites[number]; }

const struct aggregate *symbolizer_aggregate(const struct symbolizer *symbolizer) { return symbolizer->aggregate; }

/* There are no sources to leave out. */
void symbolizer_redact(struct symbolizer *symbolizer) { (void)symbolizer; }

unsigned symbolize_inlined(struct symbolizer *symbolizer, uint32_t module, uint64_t offset, struct place *places,
                           unsigned most)
{
	const struct aggregate *aggregate = symbolizer->aggregate;

	(void)most;
	places[0] = (struct place){.offset = offset};
	if (module == AGGREGATE_NONE) {
		places[0].problem = offset ? PLACE_OUTSIDE : PLACE_UNKNOWN;
		return 1;
	}
	places[0].module = text_at(aggregate, module_of(aggregate, module)->path);
	places[0].problem = symbolize_missing();
	return 1;
}
