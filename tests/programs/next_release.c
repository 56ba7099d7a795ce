/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * next_release.c - a routine that is not in the routine table, as of a later LAPACK, and programs and libraries that
 * call it.
 *
 *     -DLIBRARY   a library with this routine and a second one
 *     -DPLUGIN    a plug-in that calls the routine; with -DMANY it calls both, and has many functions of its own
 *     -DHOST      a program that opens the plug-in that its argument names, calls it and closes it, three times
 *     -DFORKS     a program that calls ddot and forks, and calls other routines until its child, which calls none, has ended
 *     (none)      a program that calls the routine; with -DCOUNTED it calls ddot first
 */
#include <dlfcn.h>
#include <stdlib.h>

void dgemmx2_(void);

#ifdef LIBRARY
void dgemmx2_(void) {}
void dgemmx3_(void);
void dgemmx3_(void) {}
#elif defined(PLUGIN)
void plugin(void);
void plugin(void) { dgemmx2_(); }
#ifdef MANY
void dgemmx3_(void);
void plugin_3(void);
void plugin_3(void) { dgemmx3_(); }
#define FOUR(name)            \
	void name##0(void) {} \
	void name##1(void) {} \
	void name##2(void) {} \
	void name##3(void) {}
#define SIXTEEN(name)    FOUR(name##0) FOUR(name##1) FOUR(name##2) FOUR(name##3)
#define SIXTY_FOUR(name) SIXTEEN(name##0) SIXTEEN(name##1) SIXTEEN(name##2) SIXTEEN(name##3)
SIXTY_FOUR(first_)
SIXTY_FOUR(second_)
#endif
#elif defined(HOST)
int main(int argc, char **argv)
{
	for (int i = 0; i < 3; i++) {
		void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
		void (*plugin)(void) = library ? (void (*)(void))dlsym(library, "plugin") : NULL;

		if (!plugin)
			return EXIT_FAILURE;
		plugin();
		if (dlclose(library))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
#elif defined(FORKS)
#include <sys/wait.h>
#include <unistd.h>

double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy);
double dasum_(const int *n, const double *x, const int *incx);
double dnrm2_(const int *n, const double *x, const int *incx);

int main(void)
{
	const int n = 4, one = 1;
	const double x[4] = {1, 2, 3, 4};
	int ends[2], status;
	char byte = 0;
	pid_t child;

	ddot_(&n, x, &one, x, &one);
	if (pipe(ends))
		return EXIT_FAILURE;
	child = fork();
	if (!child)
		exit(read(ends[0], &byte, 1) != 1);
	dasum_(&n, x, &one);
	dnrm2_(&n, x, &one);
	if (write(ends[1], &byte, 1) != 1 || waitpid(child, &status, 0) != child || status)
		return EXIT_FAILURE;
	dgemmx2_();
	return EXIT_SUCCESS;
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
