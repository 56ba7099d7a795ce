/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.c - adds the parts of an answer.
 * It must never let a part point to a key or text of its caller's: it copies them. Only tables are not copied whole.
 */
#include "analyzer/render/answer.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

void answer_open(struct answer *answer, enum audience audience, bool one_table, const char *schema)
{
	*answer = (struct answer){.audience = audience, .one_table = one_table, .schema = schema, .label_width = 10};
}

void answer_close(struct answer *answer)
{
	free(answer->parts);
	arena_free(&answer->texts);
}

/* Copies of texts, which live as long as the answer. */

static const char *keep_bytes(struct answer *answer, const char *bytes, size_t size)
{
	return size ? memcpy(arena_take(&answer->texts, size), bytes, size) : "";
}

static const char *keep(struct answer *answer, const char *text)
{
	return text ? keep_bytes(answer, text, strlen(text) + 1) : NULL;
}

static struct part *add(struct answer *answer, enum part_kind kind, const char *key)
{
	struct part *part;

	answer->parts = memory_grow(answer->parts, answer->count, &answer->capacity, sizeof *answer->parts);
	part = &answer->parts[answer->count++];
	*part = (struct part){.kind = kind, .key = keep(answer, key)};
	return part;
}

/* For people. */

/* Adds a formatted text without control characters; `label` may be NULL. */
static void say(struct answer *answer, enum part_kind kind, const char *label, const char *format, va_list arguments)
{
	struct text clean = {0};
	char *text;

	if (!answer_is_for(answer, FOR_PEOPLE))
		return;
	text = memory_format_list(format, arguments);
	text_add_clean(&clean, text); /* it may have names from a dump in it */
	add(answer, kind, label)->text = keep(answer, clean.bytes);
	text_free(&clean);
	free(text);
}

void answer_say(struct answer *answer, enum part_kind kind, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(answer, kind, NULL, format, arguments);
	va_end(arguments);
}

void answer_gap(struct answer *answer)
{
	if (answer_is_for(answer, FOR_PEOPLE))
		add(answer, PART_GAP, NULL);
}

void answer_fact(struct answer *answer, const char *label, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(answer, PART_FACT, label, format, arguments);
	va_end(arguments);
}

void answer_warn(struct answer *answer, const char *label, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(answer, PART_WARNING, label, format, arguments);
	va_end(arguments);
}

void answer_code(struct answer *answer, const char *label, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(answer, PART_CODE, label, format, arguments);
	va_end(arguments);
}

/* For programs. */

/* A new part of an answer for programs. For people it is not in the answer, but the caller may write to it all the same. */
static struct part *member(struct answer *answer, enum part_kind kind, const char *key)
{
	static struct part dropped;

	return answer_is_for(answer, FOR_PROGRAM) ? add(answer, kind, key) : &dropped;
}

void answer_text(struct answer *answer, const char *key, const char *text)
{
	member(answer, PART_TEXT, key)->text = keep(answer, text);
}

void answer_number(struct answer *answer, const char *key, u128 number)
{
	member(answer, PART_NUMBER, key)->number = number;
}

void answer_number_if(struct answer *answer, const char *key, bool known, u128 number)
{
	if (known)
		answer_number(answer, key, number);
	else
		answer_text(answer, key, NULL);
}

void answer_signed(struct answer *answer, const char *key, int64_t number)
{
	member(answer, PART_SIGNED, key)->number = (u128)number;
}

void answer_real(struct answer *answer, const char *key, double real) { member(answer, PART_REAL, key)->real = real; }

void answer_real_if(struct answer *answer, const char *key, bool known, double real)
{
	if (known)
		answer_real(answer, key, real);
	else
		answer_text(answer, key, NULL);
}

void answer_bool(struct answer *answer, const char *key, bool value) { member(answer, PART_BOOL, key)->number = value; }

void answer_begin(struct answer *answer, const char *key, char bracket)
{
	member(answer, PART_OPEN, key)->bracket = bracket;
}

void answer_end(struct answer *answer, char bracket) { member(answer, PART_CLOSE, NULL)->bracket = bracket; }

void answer_table(struct answer *answer, const struct table *table, struct table_options options)
{
	struct part *part;

	if (answer->one_table && options.beside)
		return;
	part = add(answer, PART_TABLE, NULL);
	part->table = *table;
	part->place = options.place;
	part->counted = options.counted;
}
