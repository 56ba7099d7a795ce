/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.h - the ways to write an answer down: each is a file, registered by its line in formats.def.
 * It must never know a command: all that a format is given is an answer.
 */
#ifndef ANALYZER_FORMAT_H
#define ANALYZER_FORMAT_H

#include "analyzer/render/answer.h"
#include "analyzer/render/output.h"

struct format {
	const char *name;       /* of the option that asks for it */
	const char *help;
	enum audience audience;
	bool one_table;         /* has one table of the answer and nothing else; the option may name it */
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

extern const struct format *const formats[FORMAT_COUNT]; /* the first is the one without an option */

#endif
