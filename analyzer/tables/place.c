/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place.c - the parts of symbolize.h that every build has, with libdw or without it.
 * It must never read a module's file: that is left to symbolize.c.
 */
#include <inttypes.h>

#include "analyzer/tables/symbolize.h"
#include "names.h"

void symbolize_return(struct symbolizer *symbolizer, uint32_t module, uint64_t offset, struct place *place)
{
	struct place places[2];

	symbolize_inlined(symbolizer, module, offset, places, 2);
	*place = places[0];
}

void symbolize_site(struct symbolizer *symbolizer, uint32_t number, struct place *place)
{
	const struct site_key *site = site_of(symbolizer_aggregate(symbolizer), number);

	symbolize_return(symbolizer, site->caller_module, site->offset, place);
}

void place_add(struct text *text, const struct place *place)
{
	const char *module = place->module ? base_name(place->module) : NULL;

	if (place->function && place->file)
		text_format(text, "%s (%s:%d)", place->function, place->file, place->line);
	else if (place->file)
		text_format(text, "%s:%d", place->file, place->line);
	else if (place->function)
		text_format(text, "%s+0x%" PRIx64 " in %s", place->function, place->into + 1, module);
	else if (!module && place->offset)
		text_format(text, "0x%" PRIx64 " (%s)", place->offset, place->problem);
	else if (!module)
		text_format(text, "(%s)", place->problem);
	else if (place->problem)
		text_format(text, "%s+0x%" PRIx64 " (%s)", module, place->offset, place->problem);
	else
		text_format(text, "%s+0x%" PRIx64, module, place->offset);
}

const char *symbolize_site_text(struct symbolizer *symbolizer, uint32_t number)
{
	struct text *text = symbolizer_site(symbolizer, number);
	struct place place;

	if (!text->bytes) {
		symbolize_site(symbolizer, number, &place);
		place_add(text, &place);
	}
	return text->bytes;
}
