/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * merge.c - the command `merge`: writes one dump that holds what many dumps hold.
 * It must never merge a dump twice, nor one that is not named.
 */
#include <stdlib.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/merging.h"
#include "analyzer/commands/options.h"

static const char usage[] =
	"Usage: flopshim-report merge -o FILE [OPTION ...] [DUMP or DIRECTORY ...]\n\n"
	"Writes one dump that holds what many hold, such as those of all ranks of a job. Every command\n"
	"but 'calls' reads it in their place. Rows that differ only in their process become one. Merged\n"
	"dumps can be merged again.\n";

struct request {
	struct merging_target target;
	struct dumps dumps;
};

static int take_option(void *context, int code, const char *value)
{
	struct request *request = context;
	char *end;
	unsigned long number;

	switch (code) {
	case OPTION_OUTPUT:
		if (!*value)
			return usage_error("merge", "-o: expected the name of a file");
		request->target.path = value;
		return -1;
	case OPTION_JOBS:
		number = strtoul(value, &end, 10);
		if (*value < '0' || *value > '9' || *end || !number || number > MERGING_JOBS_MAX)
			return usage_error("merge", "--jobs %s: expected a whole number from 1 to %d", value,
			                   MERGING_JOBS_MAX);
		request->dumps.jobs = (unsigned)number;
		return -1;
	default:
		return merging_mode(value, &request->target.mode)
		               ? -1
		               : usage_error("merge", "--mode %s: " MERGING_MODE_EXPECTED, value);
	}
}

int command_merge(int count, char **arguments)
{
	struct request request = {.target.mode = 0600};
	const struct option_parser parser = {
		.command = "merge", .usage = usage, .take = take_option, .context = &request};
	struct aggregate aggregate;
	struct options options;
	struct output output = {.stream = stdout};
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (!request.target.path)
		return usage_error("merge", "expected -o FILE, the dump to write");
	merging_open(&aggregate);
	gather(&aggregate, options.operands, options.operand_count,
	       (struct gather_options){
		       .last = options.last, .beside = true, .found = merging_add_path, .context = &request.dumps});
	status = merging_read(&aggregate, &request.dumps) ? merging_write(&aggregate, &request.target) : EXIT_ERROR;
	merging_free(&request.dumps);
	gather_close(&aggregate);
	return output_finish(&output) ? status : EXIT_ERROR;
}
