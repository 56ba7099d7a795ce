/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * function_name.c - shortens the names of C++ functions for people, and those of parts that compilers make of functions.
 * It must never read beyond the end of a name whose brackets do not match.
 */
#include "analyzer/tables/function_name.h"

#include <stdbool.h>
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

/* Whether a part of a function's name, of `length` bytes behind a dot, is one that a compiler has added. */
static bool is_compilers(const char *part, size_t length, bool has_number)
{
	/* what gcc and clang call parts, copies and clones of a function, and whether a number must follow behind another dot */
	static const struct {
		const char *word;
		bool numbered;
	} words[] = {
		{"constprop", true}, {"part", true},          {"isra", true},      {"lto_priv", true},
		{"_omp_fn", true},   {"_omp_cpyfn", true},    {"_oacc_fn", true},  {"clone", true},
		{"llvm", true},      {"__uniq", true},        {"cold", false},     {"localalias", false},
		{"default", false},  {"omp_outlined", false}, {"resolver", false}, {"ifunc", false},
	};
	/* how the names of processors begin for which a function was compiled */
	static const char *const processors[] = {"arch_", "avx", "sse", "fma"};

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].word) == length && !strncmp(part, words[i].word, length))
			return has_number || !words[i].numbered;
	for (unsigned i = 0; i < sizeof processors / sizeof *processors; i++)
		if (!strncmp(part, processors[i], strlen(processors[i])))
			return true;
	return false;
}

/* Where the last part of a name of `length` bytes begins, behind its dot; 0 if it has only one. */
static size_t last_part(const char *name, size_t length)
{
	while (length && name[length - 1] != '.')
		length--;
	return length;
}

size_t function_name_length(const char *name)
{
	const char *clone = strstr(name, " [clone ");
	size_t length = clone ? (size_t)(clone - name) : strlen(name), begin;

	if (strpbrk(name, "(< "))
		return length;
	while ((begin = last_part(name, length)) > 1) {
		size_t end = length;
		bool has_number = begin < length && strspn(name + begin, "0123456789") >= length - begin;

		if (has_number) {
			end = begin - 1;
			begin = last_part(name, end);
		}
		if (!(begin > 1 && is_compilers(name + begin, end - begin, has_number)) && !(has_number && !begin))
			break;
		length = begin ? begin - 1 : end;
	}
	return length;
}
