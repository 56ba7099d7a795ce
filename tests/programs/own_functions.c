/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_functions.c - a library (-DLIBRARY) with functions that have the names of BLAS and LAPACK routines and nothing
 * else in common with them, and a program that calls them.
 */
#include <stdio.h>

struct pair {
	long a, b, c;
};

double ddot_(double x);
int dgemm(int x);
struct pair DGEMM(double x, float y);
const char *dswap(const char *text);
double dgesv_(double a, double b, double c, double d, double e, double f, double g, double h, double i, double j);

#ifdef LIBRARY
double ddot_(double x) { return x + 1; }
int dgemm(int x) { return 2 * x; }
struct pair DGEMM(double x, float y) {
	return (struct pair){(long)x, (long)y, -1};
} const char *dswap(const char *text) { return text + 1; }

double dgesv_(double a, double b, double c, double d, double e, double f, double g, double h, double i, double j)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}
#else
int main(void)
{
	for (int i = 0; i < 3; i++) {
		struct pair pair = DGEMM(1e6 + i, 2.5f);

		printf("%g %d %ld %ld %ld %s %g\n", ddot_(i), dgemm(i), pair.a, pair.b, pair.c, dswap("xyz"),
		       dgesv_(1, 2, 3, 4, 5, 6, 7, 8, 9, i));
	}
	return 0;
}
#endif
