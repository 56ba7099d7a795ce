// SPDX-License-Identifier: BSD-3-Clause
/*
 * version.c - computes the hash by which a dump names the routine table that priced its calls.
 * It must never depend on comments, sources, or the order of rows: only on what changes a price.
 */
#include "generate/generate.h"

#include <ctype.h>

static uint64_t hash_byte(uint64_t hash, unsigned char byte) { return (hash ^ byte) * 0x100000001b3; /* FNV-1a */ }

/* Blanks are hashed only where they separate two words, so that reformatting changes nothing. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	char last = 0;

	for (; text && *text; text++) {
		if (isblank((unsigned char)*text))
			continue;
		if (last && isblank((unsigned char)text[-1]) && isalnum((unsigned char)last) &&
		    isalnum((unsigned char)*text))
			hash = hash_byte(hash, ' ');
		hash = hash_byte(hash, (unsigned char)*text);
		last = *text;
	}
	return hash_byte(hash, 0);
}

static uint64_t hash_row(uint64_t hash, const struct row *row)
{
	hash = hash_text(hash, row->name);
	for (unsigned i = 0; i < row->routine_count; i++)
		hash = hash_text(hash_byte(hash, row->routines[i].type), row->routines[i].name);
	for (unsigned i = 0; i < row->option_count + row->dim_count; i++)
		hash = hash_text(hash_byte(hash, i < row->option_count), row->shape[i]);
	for (unsigned i = 0; i < row->arg_count; i++)
		if (row->args[i].option)
			hash = hash_text(hash_text(hash_text(hash, row->args[i].name), row->args[i].option),
			                 row->args[i].letters);
	hash = hash_byte(hash, (unsigned char)row->kind);
	for (unsigned i = 0; i < COLUMN_COUNT; i++)
		hash = hash_text(hash, row->text[i]);
	return hash;
}

/* The hashes of rows and definitions are added up, so that moving a row to another place or file changes nothing. */
uint64_t table_hash(const struct table *table)
{
	const uint64_t basis = 0xcbf29ce484222325;
	uint64_t sum = 0;

	for (unsigned i = 0; i < table->row_count; i++)
		sum += hash_row(basis, &table->rows[i]);
	for (unsigned i = 0; i < table->definition_count; i++) {
		const struct definition *definition = &table->definitions[i];
		uint64_t hash = hash_text(basis, definition->name);

		for (unsigned j = 0; j < definition->param_count; j++)
			hash = hash_text(hash, definition->params[j]);
		sum += hash_text(hash, definition->body);
	}
	return sum;
}
