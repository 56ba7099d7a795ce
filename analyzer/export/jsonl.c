/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jsonl.c - a line of JSON for each row of a table.
 * It must never leave a row out: people who want fewer have tools for that.
 */
#include "analyzer/export/export.h"
#include "analyzer/render/json.h"

void export_write_jsonl(struct output *output, const struct export *export)
{
	for (size_t i = 0; i < export->table->row_count; i++)
		json_row(output, export->table, i);
}
