/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c - the command `calls`, which shows every call of a program in order, if the program was told to record them.
 * It must never leave out a recorded call because its row is not known.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/options.h"
#include "analyzer/commands/recorded.h"
#include "analyzer/read/system.h"
#include "analyzer/tables/calls.h"
#include "variables.h"

enum { TEXT_TOP = 1000 };

#define SCHEMA "flopshim-calls/1"

static const char usage[] = "Usage: flopshim-report calls [OPTION ...] [DUMP or DIRECTORY]\n\n"
			    "Shows every call of a program that ran with " VARIABLE(
				    RECORDS) "=calls, in the order in which the calls ended.\n"
					     "A DIRECTORY must have a single *.dump file in it. Without an argument, "
					     "the current directory is read.\n";

static void fill(struct answer *answer, const struct options *options, struct calls *calls)
{
	const struct aggregate *aggregate = calls->aggregate;
	struct table table;

	calls_table(calls, &table);
	table_cut(&table, answer_top(answer, options->top, TEXT_TOP, SIZE_MAX));
	answer_bool(answer, "complete", aggregate->complete);
	answer_number(answer, "dropped_calls", aggregate->process_count ? aggregate->processes[0].log_dropped : 0);
	answer_table(answer, &table, (struct table_options){.counted = true});
}

static int show_calls(struct output *output, const struct options *options, char *path)
{
	struct recorded recorded;
	struct answer answer;
	struct calls calls;
	int status = recorded_open(&recorded, path);

	if (status >= 0)
		return status;
	calls_open(&calls, &recorded.aggregate, &recorded.record, recorded.symbolizer);
	if (recorded.aggregate.answered && !recorded.aggregate.merged) {
		options_answer(options, &answer, SCHEMA);
		fill(&answer, options, &calls);
		options_render(options, output, &answer);
	}
	status = recorded_status(&recorded);
	calls_close(&calls);
	recorded_close(&recorded);
	return status;
}

/*
 * The path of the only dump in a directory, or a copy of `path` if that is no directory; to be freed. NULL, after a message,
 * if the directory has no dump or several.
 */
static char *single_dump(const char *path)
{
	struct system_file file;
	int error = system_open(path, &file);
	char **paths, *dump = NULL;
	size_t count;

	if (!error)
		system_close(&file);
	if (error != EISDIR)
		return memory_format("%s", path);
	if (!system_list(path, DUMP_ENDING, &paths, &count)) {
		complain("%s: %s", path, strerror(errno));
		return NULL;
	}
	if (count == 1)
		dump = memory_format("%s", paths[0]);
	else if (count)
		complain("%s: %zu *.dump files in this directory; 'calls' takes one of them, such as %s", path, count,
		         paths[0]);
	else
		complain("%s: no *.dump file in this directory", path);
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	return dump;
}

int command_calls(int count, char **arguments)
{
	const struct option_parser parser = {.command = "calls",
	                                     .usage = usage,
	                                     .schema = SCHEMA,
	                                     .no_keys = "calls are shown one by one; report --by adds them up"};
	struct options options;
	struct output output;
	char *path;
	int status = options_parse(&options, &parser, count, arguments);

	if (status >= 0)
		return status;
	if (options.operand_count > 1)
		return usage_error("calls", "expected one dump");
	path = single_dump(options.operand_count ? options.operands[0] : ".");
	if (!path)
		return EXIT_ERROR;
	output = options_output(&options);
	status = show_calls(&output, &options, path);
	free(path);
	return output_finish(&output) ? status : EXIT_ERROR;
}
