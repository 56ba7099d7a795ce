/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gathered.c - opens the aggregate that dumps are gathered in, and tells whether what was gathered can be added up.
 * It must never let a command show sums of numbers that do not go together.
 */
#include <string.h>

#include "analyzer/catalog/catalog.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/read/system.h"
#include "process_space.h"

void gather_open(struct aggregate *aggregate, bool reprice, const struct key *by)
{
	uint32_t space = process_space();
	struct aggregate_options options = {.space = space,
	                                    .blind = !space,
	                                    .directory = system_directory(),
	                                    .host = system_host(),
	                                    .alive = system_alive,
	                                    .now_ns = system_now_ns(),
	                                    .worker = by ? by->worker : WORKER_NONE};

	if (reprice) {
		options.price = catalog_reprice;
		options.price_context = catalog_repricer_new();
	}
	aggregate_open(aggregate, &options);
}

void gather_close(struct aggregate *aggregate)
{
	catalog_repricer_free(aggregate->options.price_context);
	aggregate_close(aggregate);
}

bool gather_tells(const struct aggregate *aggregate, const struct key *by)
{
	const char *what = "does not tell threads apart";

	if (!by || !aggregate->merged || !(by->flags & KEY_OF_PROCESSES))
		return true;
	if (!(by->worker & WORKER_LANE)) {
		if (!aggregate->options.price)
			return true;
		what = "has only sums of each process, which cannot be priced anew";
	}
	complain("--by %s: a merged dump %s; name the dumps of its processes", by->name, what);
	return false;
}

void gather_complain_of_versions(const struct aggregate *a, const struct version *of_a, const struct aggregate *b,
                                 const struct version *of_b, const char *what)
{
	complain("dumps of different versions of the routine table cannot be %s: %s was priced by %s, %s by %s; "
	         "--reprice prices all of them by the current one",
	         what, text_at(a, of_a->file), text_at(a, of_a->text), text_at(b, of_b->file), text_at(b, of_b->text));
}

bool gather_is_of_one_version(const struct aggregate *aggregate)
{
	const struct version *versions = aggregate->versions;

	if (aggregate->version_count < 2 || aggregate->options.price)
		return true;
	gather_complain_of_versions(aggregate, &versions[0], aggregate, &versions[1], "added up");
	return false;
}

bool gather_are_of_one_version(const struct aggregate *a, const struct aggregate *b)
{
	return !a->version_count || !b->version_count ||
	       !strcmp(text_at(a, a->versions[0].text), text_at(b, b->versions[0].text));
}

bool gather_is_writable(const struct aggregate *aggregate, const char *what)
{
	if (!aggregate->answered)
		complain("nothing is written: no dump could be read");
	else if (aggregate->version_count > 1)
		complain("nothing is written: dumps that different versions of the routine table have priced (%s and "
		         "%s) %s",
		         text_at(aggregate, aggregate->versions[0].text),
		         text_at(aggregate, aggregate->versions[1].text), what);
	return aggregate->answered && aggregate->version_count < 2;
}
