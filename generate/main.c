// SPDX-License-Identifier: BSD-3-Clause
/*
 * main.c - the generator: at build time it turns the routine table into C and assembly, and compares it with headers.
 * It must never guess: what it does not understand stops the build.
 *
 *     generate --gpr COUNT TABLE... [-o DIRECTORY] [--headers HEADER.i... [--coverage]]
 *
 * COUNT is the number of integer argument registers (6 on x86-64), TABLE a .tbl file, and HEADER.i a header that has
 * been preprocessed. -o writes the generated files to DIRECTORY; --headers compares the forms with the declarations;
 * --coverage also lists declared functions that no row makes. The status is 0; 1 if a table is wrong or disagrees with
 * a header; 2 if the command line is wrong.
 */
#include "generate/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The command line. */
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
