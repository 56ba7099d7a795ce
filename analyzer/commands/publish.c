/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * publish.c - writes the formats for CI systems to their files, to standard output, and to GitHub's summary of a step.
 * It must never leave a part of a file.
 */
#include "analyzer/commands/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/write_file.h"

#define SUMMARY_VARIABLE "GITHUB_STEP_SUMMARY"

enum { SUMMARY_MAX = 1000000 }; /* bytes; GitHub drops a summary of more than 1 MiB */

int publish_take(struct publish *publish, int format, const char *file)
{
	if (file && !*file)
		return usage_error("check", "--%s: expected the name of a file", ci_formats[format].name);
	if (file && !strcmp(file, "-"))
		return usage_error(
			"check", "--%s -: expected the name of a file: the answer of the check goes to standard output",
			ci_formats[format].name);
	publish->chosen[format] = true;
	publish->files[format] = file;
	return -1;
}

int publish_doubt(const struct publish *publish, const struct options *options, const char *lock)
{
	for (unsigned i = 0; i < CI_COUNT; i++) {
		const char *file = publish->files[i];

		if (publish->chosen[i] && !file && options->format != formats[0])
			return usage_error("check", "--%s and --%s both write to standard output: choose one",
			                   ci_formats[i].name, options->format->name);
		if (file && options_name_one_file(file, lock))
			return usage_error("check", "--%s %s: this is the lockfile", ci_formats[i].name, file);
		if (file) {
			char *option = memory_format("--%s", ci_formats[i].name);
			int status = options_doubt_output(options, "check", option, file);

			free(option);
			if (status >= 0)
				return status;
		}
		for (unsigned j = 0; file && j < i; j++)
			if (publish->files[j] && options_name_one_file(file, publish->files[j]))
				return usage_error("check", "--%s and --%s name the same file: %s", ci_formats[j].name,
				                   ci_formats[i].name, file);
	}
	return -1;
}

/* What is written to a file. */
struct publication {
	const struct ci_format *format;
	const struct ci_check *check;
};

static void write_publication(FILE *stream, const void *context)
{
	const struct publication *publication = context;

	publication->format->write(&(struct output){.stream = stream}, publication->check);
}

static bool write_format(const struct ci_format *format, const char *path, const struct ci_check *check)
{
	mode_t mask = umask(0);

	umask(mask);
	return write_file_by(path, 0666 & ~mask, write_publication, &(struct publication){format, check});
}

/* Adds to the summary of the step that runs, if GitHub runs one. Other programs of the step may have added to it before. */
static bool add_summary(const struct ci_check *check)
{
	const char *path = getenv(SUMMARY_VARIABLE);
	struct text text = {0};
	struct stat status;
	int file;
	bool fine;

	if (!path || !*path)
		return true;
	file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	fine = file >= 0 && !fstat(file, &status);
	if (fine) {
		ci_add_summary(&text, check, status.st_size < SUMMARY_MAX ? SUMMARY_MAX - (size_t)status.st_size : 0);
		fine = write_all(file, text.bytes, text.length);
	}
	if (!fine)
		complain("%s, which $" SUMMARY_VARIABLE " names, cannot be written: %s", path, strerror(errno));
	if (file >= 0)
		close(file);
	text_free(&text);
	return fine;
}

bool publish(const struct publish *publish, const struct ci_check *check, struct output *output)
{
	bool fine = true;

	for (unsigned i = 0; i < CI_COUNT; i++)
		if (publish->files[i])
			fine &= write_format(&ci_formats[i], publish->files[i], check);
	for (unsigned i = 0; i < CI_COUNT; i++)
		if (publish->chosen[i] && !publish->files[i])
			ci_formats[i].write(output, check);
	if (publish->chosen[CI_github])
		fine &= add_summary(check);
	return fine;
}
