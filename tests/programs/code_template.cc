// SPDX-License-Identifier: BSD-3-Clause
// code_template.cc ROUNDS - templates that call BLAS from three lines of known shares. One call is made by a template of the
// standard library that is inlined here, so that the innermost function is the library's. Prints the FLOPs of each line: a
// product of matrices of order n is 2 n^3.
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "blas.h"

namespace {

long double flops[3];


template <typename Number, int Order>
struct Layer {
	Number weights[2 * Order * Order];

	__attribute__((noinline)) void forward(int line)
	{
		int n = Order;
		Number one = 1, zero = 0;

		dgemm_("N", "T", &n, &n, &n, &one, weights, &n, weights, &n, &zero, weights + n * n, &n, 1, 1); // here: forward
		flops[line] += 2.0L * n * n * n;
		__asm__ volatile("" ::: "memory");
	}
};

// Calls dgemm_ itself from the standard library, whose call is inlined to this line.
__attribute__((noinline)) void apply(double *a, int n)
{
	double one = 1, zero = 0;
	auto call = std::bind(dgemm_, "T", "N", &n, &n, &n, &one, a, &n, a, &n, &zero, a + n * n, &n, 1, 1);

	call(); // here: apply
	flops[2] += 2.0L * n * n * n;
	__asm__ volatile("" ::: "memory");
}

}

int main(int count, char **arguments)
{
	static Layer<double, 24> small;
	static Layer<double, 40> large;
	static double a[2 * 32 * 32];
	int rounds = count > 1 ? std::atoi(arguments[1]) : 1;

	for (int i = 0; i < rounds; i++) {
		for (int j = 0; j < 9; j++)
			small.forward(0);
		large.forward(1);
		large.forward(1);
		apply(a, 32);
	}
	std::printf("forward %.0Lf\nforward %.0Lf\napply %.0Lf\n", flops[0], flops[1], flops[2]);
	return 0;
}
