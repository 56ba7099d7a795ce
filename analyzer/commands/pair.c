/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pair.c - says why two runs cannot be compared.
 * It must never refuse a pair without a message.
 */
#include "analyzer/commands/pair.h"

#include "analyzer/commands/command.h"

/* Whether a side is of one run. If not, a message says so: the sum of several would look like a regression. */
static bool is_one_run(const struct aggregate *aggregate, const char *side, const char *path)
{
	if (aggregate->runs < 2)
		return true;
	complain("%s, %s, holds %zu runs, but only one run can be compared with one: use --last for the last run, or "
	         "give each run a directory of its own (flopshim -o new/ ...)",
	         side, path, aggregate->runs);
	return false;
}

/* Whether both sides are priced by one routine table. If not, totals would differ by the prices alone, and a message says so. */
static bool is_comparable(const struct aggregate *old, const struct aggregate *new)
{
	if (!gather_is_of_one_version(old) || !gather_is_of_one_version(new))
		return false;
	if (old->options.price || gather_are_of_one_version(old, new))
		return true;
	gather_complain_of_versions(old, &old->versions[0], new, &new->versions[0], "compared");
	return false;
}

bool pair_fits(const struct aggregate *old, const struct aggregate *new, char *const *paths, const struct key *by)
{
	bool single = is_one_run(old, "OLD", paths[0]);

	single &= is_one_run(new, "NEW", paths[1]);
	return single && gather_tells(old, by) && gather_tells(new, by) && is_comparable(old, new);
}
