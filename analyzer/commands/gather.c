/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/commands/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "analyzer/base/memory.h"
#include "analyzer/catalog/catalog.h"
#include "analyzer/commands/command.h"
#include "analyzer/read/system.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void gather_open(struct aggregate *aggregate, bool reprice, const struct key *by)
{
	struct aggregate_options options = { .host = system_host(), .alive = system_alive, .now_ns = now_ns(),
	                                     .origin = by ? by->origin : ORIGIN_NONE };

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

static bool fail(struct aggregate *aggregate, const char *path, const char *why)
{
	if (!aggregate->options.quiet)
		complain("%s: %s", path, why);
	aggregate_missing(aggregate, path, why);
	return false;
}

static bool gather_directory(struct aggregate *aggregate, const char *directory);

static bool gather_path(struct aggregate *aggregate, const char *path, bool may_be_directory)
{
	struct system_file file;
	int error = system_open(path, &file);

	if (error == EISDIR && may_be_directory)
		return gather_directory(aggregate, path);
	if (error)
		return fail(aggregate, path, system_why(error));
	aggregate_add(aggregate, &file.source, path);
	system_close(&file);
	return true;
}

static bool gather_directory(struct aggregate *aggregate, const char *directory)
{
	bool all = true;
	char **paths;
	size_t count;

	if (!system_list(directory, &paths, &count))
		return fail(aggregate, directory, strerror(errno));
	if (!count)
		all = fail(aggregate, directory, "no *.dump file in this directory");
	for (size_t i = 0; i < count; i++) {
		all &= gather_path(aggregate, paths[i], false);
		free(paths[i]);
	}
	free(paths);
	return all;
}

bool gather(struct aggregate *aggregate, char *const *paths, size_t count)
{
	bool all = true;

	if (!count)
		return gather_directory(aggregate, ".");
	for (size_t i = 0; i < count; i++)
		all &= gather_path(aggregate, paths[i], true);
	return all;
}

bool gather_is_of_one_version(const struct aggregate *aggregate)
{
	const struct version *versions = aggregate->versions;

	if (aggregate->version_count < 2 || aggregate->options.price)
		return true;
	complain("dumps of different versions of the routine table cannot be added up: %s was priced by %s, %s by %s; "
	         "--reprice prices all of them by today's",
	         text_at(aggregate, versions[0].file), text_at(aggregate, versions[0].text),
	         text_at(aggregate, versions[1].file), text_at(aggregate, versions[1].text));
	return false;
}
