// SPDX-License-Identifier: BSD-3-Clause
/*
 * descriptors.c - prints where the shim reads the arguments of each form, for test_forms.py. It is linked with the
 * tables.c that the build makes, and must never judge them.
 *
 * Each line is SYMBOL ROUTINE NAME=FETCH@SLOT ...
 */
#include <stdio.h>

#include "price/routines.h"
#include "symbols.h"

static const char *const form_names[FORM_COUNT] = {
#define NAME(number, name) [number] = #name,
	EACH_FORM(NAME)
#undef NAME
};

static const char *const fetches[] = {
	[FETCH_ABSENT] = "absent",        [FETCH_CHAR_REF] = "char*",  [FETCH_CHAR] = "char",    [FETCH_ENUM] = "enum",
	[FETCH_LOGICAL_REF] = "logical*", [FETCH_LOGICAL] = "logical", [FETCH_INT_REF] = "int*", [FETCH_INT] = "int",
	[FETCH_INT_GROUPS] = "int*",
};

int main(void)
{
	for (unsigned i = 0; i < FORM_COUNT; i++) {
		const struct routine *routine = &routines[forms[i].routine];
		const struct family *family = &families[routine->family];

		printf("%s%s %s", form_names[i], forms[i].interface == FORM_FORTRAN ? "_" : "", routine->name);
		for (unsigned j = 0; j < family->option_count + family->dim_count; j++) {
			const struct shape_arg *argument = &shape_args[forms[i].shape + j];

			printf(" %s=%s@%u", family->shape_names[j], fetches[argument->fetch], argument->slot);
		}
		putchar('\n');
	}
	return 0;
}
