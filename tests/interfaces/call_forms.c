// SPDX-License-Identifier: BSD-3-Clause
/*
 * call_forms.c - calls functions by name, with arguments from standard input, for test_forms.py.
 * It must never need a real BLAS: test_forms.py makes functions that do nothing, and tests how the shim reads
 * arguments.
 *
 * Each line is SYMBOL SLOT=VALUE ..., where SLOT=*VALUE passes a pointer to the value. Slots that the line does not
 * name get pointers to zeros. Only integers and pointers have slots, and a function may get more arguments than it has.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 48, LINE_BYTES = 4096 };

typedef uintptr_t word;

#define EIGHT(x)       x, x, x, x, x, x, x, x
#define EIGHT_OF(w, i) w[i], w[i + 1], w[i + 2], w[i + 3], w[i + 4], w[i + 5], w[i + 6], w[i + 7]

typedef long function(EIGHT(word), EIGHT(word), EIGHT(word), EIGHT(word), EIGHT(word), EIGHT(word));

static void call(char *line)
{
	static const char zeros[256];
	int64_t values[WORDS];
	word words[WORDS];
	char *state, *symbol = strtok_r(line, " \n", &state);
	function *called = (function *)dlsym(RTLD_DEFAULT, symbol);

	if (!called) {
		fprintf(stderr, "no %s\n", symbol);
		exit(EXIT_FAILURE);
	}
	for (unsigned i = 0; i < WORDS; i++)
		words[i] = (word)zeros;
	for (char *text; (text = strtok_r(NULL, " \n", &state));) {
		unsigned slot = (unsigned)strtoul(text, &text, 10);

		values[slot] = strtoll(text + 1 + (text[1] == '*'), NULL, 10);
		words[slot] = text[1] == '*' ? (word)&values[slot] : (word)values[slot];
	}
	called(EIGHT_OF(words, 0), EIGHT_OF(words, 8), EIGHT_OF(words, 16), EIGHT_OF(words, 24), EIGHT_OF(words, 32),
	       EIGHT_OF(words, 40));
}

int main(void)
{
	char line[LINE_BYTES];

	while (fgets(line, sizeof(line), stdin))
		call(line);
	return EXIT_SUCCESS;
}
