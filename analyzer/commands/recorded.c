/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recorded.c - reads a dump with its ordered record, and says what is wrong with that.
 * It must never be silent about calls that are not in the record.
 */
#include "analyzer/commands/recorded.h"

#include "analyzer/commands/command.h"
#include "analyzer/commands/gather.h"
#include "analyzer/commands/report.h"
#include "analyzer/read/page.h"
#include "analyzer/read/system.h"
#include "variables.h"

/* Says on standard error what is wrong with the record as a whole; CSV has no place for it. */
static void complain_about_record(const struct record *record, const struct aggregate *aggregate, const char *path)
{
	uint64_t dropped = aggregate->process_count ? aggregate->processes[0].log_dropped : 0;
	char text[NUMBER_TEXT];

	if (aggregate->merged)
		complain("%s: a merged dump has no ordered calls: name the dump of one process", path);
	else if (!record->call_count && aggregate->answered)
		complain("%s: %s", path,
		         !record->ordered
		                 ? "no call was recorded in order: the program ran without " VARIABLE(RECORDS) "=calls"
		         : aggregate->complete ? "no call was recorded in order"
		                               : "no call of an ordered record could be read");
	if (dropped)
		complain("%s: %s later call%s not in the record: " RECORD_ENDS, path, number_grouped(dropped, text),
		         dropped == 1 ? " is" : "s are");
}

int recorded_read(struct recorded *recorded, const char *path)
{
	struct system_file file;
	int error = system_open(path, &file);

	if (error)
		return error;
	*recorded = (struct recorded){0};
	gather_open(&recorded->aggregate, false, NULL);
	record_open(&recorded->record, &recorded->aggregate);
	aggregate_add(&recorded->aggregate, &file.source, path);
	recorded->symbolizer = symbolizer_new(&recorded->aggregate);
	record_read(&recorded->record, &file.source);
	system_close(&file);
	return 0;
}

int recorded_open(struct recorded *recorded, const char *path)
{
	int error = recorded_read(recorded, path);

	if (error) {
		complain("%s: %s", path, system_why(error));
		return page_is_wrong(error) ? EXIT_INCOMPLETE : EXIT_ERROR;
	}
	report_damage(&recorded->aggregate);
	complain_about_record(&recorded->record, &recorded->aggregate, path);
	return -1;
}

void recorded_close(struct recorded *recorded)
{
	record_close(&recorded->record);
	symbolizer_free(recorded->symbolizer);
	gather_close(&recorded->aggregate);
}

int recorded_status(const struct recorded *recorded)
{
	return recorded->aggregate.merged ? EXIT_ERROR : report_status(&recorded->aggregate, true);
}
