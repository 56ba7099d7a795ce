/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * function_name.c - shortens the names of C++ functions for people.
 * It must never read beyond the end of a name whose brackets do not match.
 */
#include "analyzer/tables/function_name.h"

#include <string.h>

enum {
	FUNCTION_WIDTH = 48
}; /* characters of a function's name from which people are not shown the arguments of its template */

/* The bracket that closes one which stands at `at`, or the end of the text. */
static const char *closing(const char *at)
{
	unsigned depth = 0;

	for (; *at; at++) {
		depth += *at == '<' || *at == '(' || *at == '{' || *at == '[';
		depth -= (*at == '>' || *at == ')' || *at == '}' || *at == ']') && depth;
		if (!depth)
			break;
	}
	return at;
}

/* How many bytes the name of an operator has that begins here: operator(), operator<. 0 if none does. */
static size_t operator_length(const char *at)
{
	static const char word[] = "operator", brackets[] = "<>=-", others[] = "+*/%^&|~!=,";
	size_t length = sizeof word - 1;

	if (strncmp(at, word, length))
		return 0;
	if (!strncmp(at + length, "()", 2) || !strncmp(at + length, "[]", 2))
		return length + 2;
	if (at[length] == ' ') /* operator bool, operator new */
		return length + 1;
	length += strspn(at + length, brackets) ? strspn(at + length, brackets) : strspn(at + length, others);
	return length + (at[length] == ' ' && at[length + 1] == '<'); /* operator< <int> */
}

/* How many bytes of a function's name people are not shown. */
static size_t dull_length(const char *at)
{
	static const char anonymous[] = "(anonymous namespace)::";

	return strncmp(at, anonymous, sizeof anonymous - 1) ? 0 : sizeof anonymous - 1;
}

/* How many bytes belong together from here on: an operator's name, brackets with what is in them, or a single byte. */
static size_t piece_length(const char *at)
{
	size_t length = operator_length(at);

	if (!length && strchr("(<{[", *at))
		length = (size_t)(closing(at) - at) + (*closing(at) != 0);
	return length ? length : 1;
}

void function_name_add(struct text *text, const char *name)
{
	const char *first = name, *end = name;
	size_t width = 0;

	while (*end) {
		size_t dull = dull_length(end), length = dull ? dull : piece_length(end);

		if (*end == '(' && !dull && end > first)
			break;
		width += dull ? 0 : length;
		end += length;
		if (length == 1 && end[-1] == ' ') {
			first = end;
			width = 0;
		}
	}
	for (const char *at = first; at < end;) {
		size_t dull = dull_length(at), length = dull ? dull : piece_length(at);

		if (*at == '<' && width > FUNCTION_WIDTH)
			text_add(text, "<...>");
		else if (!dull)
			text_add_bytes(text, at, length);
		at += length;
	}
}
