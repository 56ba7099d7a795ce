// SPDX-License-Identifier: BSD-3-Clause
/*
 * main.c - makes descriptors, stubs and prices out of the routine table, at build time, and compares the table with headers:
 *     generate --gpr 6 TABLE... [-o DIRECTORY] [--headers HEADER.i... [--coverage]]
 * The headers are preprocessed ones. It must never guess: what it does not understand stops the build.
 */
#include "generate/generate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *allocate(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

/* The capacity is the next power of two: only a count that is one needs to move. */
void *grow(void *array, unsigned count, size_t size)
{
	void *larger;

	if (count & (count - 1))
		return array;
	larger = realloc(array, (count ? 2 * (size_t)count : 1) * size);
	if (!larger) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
	return larger;
}

char *copy_text(const char *start, size_t length)
{
	return memcpy(allocate(length + 1), start, length);
}

const char *trim(const char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length && strchr(" \t\r\n", text[length - 1]))
		length--;
	return copy_text(text, length);
}

void fail_at(struct place place, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u: ", place.file, place.line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void fail_row(const struct row *row, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%u: row '%s': ", row->place.file, row->place.line, row->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static _Noreturn void usage(void)
{
	fputs("usage: generate --gpr COUNT TABLE... [-o DIRECTORY] [--headers HEADER... [--coverage]]\n", stderr);
	exit(2);
}

static unsigned parse_gpr(const char *text)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	if (end == text || *end || count < 1 || count > 16)
		usage();
	return (unsigned)count;
}

/* What the command line asks for. */
struct request {
	char **tables, **headers;
	unsigned table_count, header_count, gpr_count;
	const char *directory;
	bool coverage;
};

static void add_path(char ***paths, unsigned *count, char *path)
{
	*paths = grow(*paths, *count, sizeof(**paths));
	(*paths)[(*count)++] = path;
}

static struct request parse_arguments(int argc, char **argv)
{
	struct request request = {0};
	bool in_headers = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--gpr") && i + 1 < argc)
			request.gpr_count = parse_gpr(argv[++i]);
		else if (!strcmp(argv[i], "-o") && i + 1 < argc)
			request.directory = argv[++i];
		else if (!strcmp(argv[i], "--coverage"))
			request.coverage = true;
		else if (!strcmp(argv[i], "--headers"))
			in_headers = true;
		else if (argv[i][0] == '-')
			usage();
		else if (in_headers)
			add_path(&request.headers, &request.header_count, argv[i]);
		else
			add_path(&request.tables, &request.table_count, argv[i]);
	}
	if (!request.gpr_count || !request.table_count || (!request.directory && !request.header_count))
		usage();
	return request;
}

int main(int argc, char **argv)
{
	struct request request = parse_arguments(argc, argv);
	struct table table = {0};

	for (unsigned i = 0; i < request.table_count; i++)
		table_read(&table, request.tables[i]);
	table_finish(&table);
	forms_make(&table, request.gpr_count);
	prices_compile(&table);
	if (headers_check(&table, request.headers, request.header_count, request.coverage))
		return 1;
	if (!request.directory)
		return 0;
	number_natives(&table);
	emit_all(&table, request.directory);
	return 0;
}
