/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.h - the formats that an answer can be written in: each is one file, and one line in formats.def.
 * It must never know a command: a format is given an answer and nothing else.
 */
#ifndef ANALYZER_FORMAT_H
#define ANALYZER_FORMAT_H

#include "analyzer/render/answer.h"
#include "analyzer/render/output.h"

struct format {
	const char *name; /* of its option */
	const char *help; /* what --help says of it */
	enum audience audience;
	bool one_table; /* it writes one table of the answer and nothing else; the option may name the table */
	/* Writes the answer. It reports no errors: output_finish does. */
	void (*render)(struct output *output, const struct answer *answer);
};

enum format_number {
#define FORMAT(name) FORMAT_##name,
#include "analyzer/render/formats.def"
#undef FORMAT
	FORMAT_COUNT
};

#define FORMAT(name) extern const struct format format_##name;
#include "analyzer/render/formats.def"
#undef FORMAT

extern const struct format *const formats[FORMAT_COUNT]; /* the first is used where no option asks for another */

#endif
