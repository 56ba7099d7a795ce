/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_blas.c - a BLAS of three routines inside a program or library (-DOWN), and code that uses it (-DWORK): work()
 * makes one call of dgemm_, which the shim does not see if it is bound inside the object. -DMAIN is a program that
 * calls work(), and with
 * -DCOUNTED also dnrm2_ of a library; with -DHOST it takes work() from the library that its argument names, which it
 * opens and closes. The status is always 0.
 */
#include <dlfcn.h>
#include <stdio.h>

double work(void);
double dnrm2_(const int *n, const double *x, const int *step);
double ddot_(const int *n, const double *x, const int *x_step, const double *y, const int *y_step);
void daxpy_(const int *n, const double *a, const double *x, const int *x_step, double *y, const int *y_step);
void dgemm_(const char *ta, const char *tb, const int *m, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc);

#ifdef OWN
double ddot_(const int *n, const double *x, const int *x_step, const double *y, const int *y_step)
{
	double sum = 0;

	for (int i = 0; i < *n; i++)
		sum += x[i * *x_step] * y[i * *y_step];
	return sum;
}

void daxpy_(const int *n, const double *a, const double *x, const int *x_step, double *y, const int *y_step)
{
	for (int i = 0; i < *n; i++)
		y[i * *y_step] += *a * x[i * *x_step];
}

/* A product of square matrices that are not transposed. */
void dgemm_(const char *ta, const char *tb, const int *m, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc)
{
	(void)ta, (void)tb;
	for (int j = 0; j < *n; j++)
		for (int i = 0; i < *m; i++) {
			double sum = 0;

			for (int l = 0; l < *k; l++)
				sum += a[i + l * *lda] * b[l + j * *ldb];
			c[i + j * *ldc] = *alpha * sum + *beta * c[i + j * *ldc];
		}
}
#endif

#ifdef WORK
double work(void)
{
	static double a[100], b[100], c[100];
	const double one = 1, zero = 0;
	const int n = 10;

	for (int i = 0; i < 100; i++)
		a[i] = b[i] = i;
	dgemm_("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n);
	return c[0];
}
#endif

#ifdef MAIN
int main(int count, char **arguments)
{
	const double x[] = {3, 4};
	const int n = 2, step = 1;
	double (*opened)(void) = NULL;
	void *handle = NULL;

	(void)x, (void)n, (void)step;
#ifdef HOST
	handle = dlopen(arguments[count - 1], RTLD_NOW);
	if (handle)
		*(void **)&opened = dlsym(handle, "work");
	if (!opened)
		return 2;
#else
	(void)count, (void)arguments;
	opened = work;
#endif
	printf("%g\n", opened()); /* the first row times the first column, that is the sum of 10 i * i, 2850 */
#ifdef COUNTED
	if (dnrm2_(&n, x, &step) != 5)
		return 1;
#endif
	return handle ? dlclose(handle) : 0;
}
#endif
