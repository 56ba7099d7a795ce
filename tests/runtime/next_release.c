/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * next_release.c - a routine that no table has, and those who call it.
 *
 *     -DLIBRARY   the library that has it           -DPLUGIN   a plug-in that calls it
 *     neither     a program: without arguments it calls the routine, and ddot first with -DCOUNTED; else it opens the
 *                 plug-in that is named and calls that
 */
#include <dlfcn.h>
#include <stdlib.h>

void dgemmx2_(void);

#ifdef LIBRARY
void dgemmx2_(void) {}
#elif defined(PLUGIN)
void plugin(void);
void plugin(void) { dgemmx2_(); }
#elif defined(HOST)
int main(int argc, char **argv)
{
	void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	void (*plugin)(void) = library ? (void (*)(void))dlsym(library, "plugin") : NULL;

	if (!plugin)
		return EXIT_FAILURE;
	plugin();
	return dlclose(library) ? EXIT_FAILURE : EXIT_SUCCESS;
}
#else
double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy);

int main(void)
{
#ifdef COUNTED
	const int n = 4, one = 1;
	const double x[4] = {1, 2, 3, 4};

	if (ddot_(&n, x, &one, x, &one) != 30)
		return EXIT_FAILURE;
#endif
	dgemmx2_();
	return EXIT_SUCCESS;
}
#endif
