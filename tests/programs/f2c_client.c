/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * f2c_client.c LIBRARY BYTE LENGTH - calls the functions of f2c_blas.c, fetched by dlsym, with result areas that are
 * filled with BYTE before: zdotu_ with n = LENGTH, the others with n = 10.
 */
#include <complex.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double complex number;
typedef void dot(number *, const INTEGER *, const number *, const INTEGER *, const number *, const INTEGER *);
typedef void float_dot(float complex *, const INTEGER *, const float complex *, const INTEGER *, const float complex *,
                       const INTEGER *);
typedef void division(number *, const number *, const number *);
typedef double norm(const INTEGER *, const float *, const INTEGER *);

static void show(const char *name, number result) { printf("%s %g %g\n", name, creal(result), cimag(result)); }

int main(int argc, char **argv)
{
	void *library = dlopen(argc > 3 ? argv[1] : "", RTLD_NOW);
	dot *zdotu, *zdotc;
	float_dot *cdotu;
	division *zladiv;
	norm *snrm2;
	number x[10], result;
	float complex floats[10], float_result;
	INTEGER length, ten = 10, one = 1;

	if (!library)
		return 1;
	*(void **)&zdotu = dlsym(library, "zdotu_");
	*(void **)&zdotc = dlsym(library, "zdotc_");
	*(void **)&cdotu = dlsym(library, "cdotu_");
	*(void **)&zladiv = dlsym(library, "zladiv_");
	*(void **)&snrm2 = dlsym(library, "snrm2_");
	for (int i = 0; i < 10; i++) {
		x[i] = i + 1 - 2 * i * I;
		floats[i] = (float)i - I;
	}
	length = atoi(argv[3]);
	memset(&result, atoi(argv[2]), sizeof(result));
	memset(&float_result, atoi(argv[2]), sizeof(float_result));
	zdotu(&result, &length, x, &one, x, &one);
	if (length > 0)
		show("zdotu", result);
	memset(&result, atoi(argv[2]), sizeof(result));
	zdotc(&result, &ten, x, &one, x, &one);
	show("zdotc", result);
	cdotu(&float_result, &ten, floats, &one, floats, &one);
	show("cdotu", float_result);
	memset(&result, atoi(argv[2]), sizeof(result));
	zladiv(&result, &x[1], &x[2]);
	show("zladiv", result);
	printf("%g\n", snrm2(&ten, (const float *)floats, &one));
	return 0;
}
