// SPDX-License-Identifier: BSD-3-Clause
//
// exceptions.cc MODE - C++ exceptions and the BLAS.
//
//   through   SELECT throws through dgees; ddot is called afterwards. Prints lines "ROUTINE CALLS".
//   cost      prints the nanoseconds of a throw with its catch, best of several, after some calls
//   blas      as `cost`, but it is thrown through dgees
//
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "blas.h"

namespace {

constexpr int N = 8;
long ddots, dgeess;

void ddot4()
{
	static const double x[] = {1, 2, 3, 4};
	int n = 4, stride = 1;

	if (F77(ddot)(&n, x, &stride, x, &stride) != 30)
		throw std::logic_error("ddot is wrong");
	ddots++;
}

int select_throws(const double *, const double *)
{
	throw std::runtime_error("out of SELECT");
}

void schur()
{
	double a[N * N], wr[N], wi[N], vs[N * N], work[64 * N];
	int n = N, sdim, lwork = 64 * N, bwork[N], info;

	for (int i = 0; i < N * N; i++)
		a[i] = (i * 37 % 101) / 64.0 - 0.75;
	dgeess++;
	F77(dgees)("V", "S", select_throws, &n, a, &n, &sdim, wr, wi, vs, &n, work, &lwork, bwork, &info, 1, 1);
}

void __attribute__((noinline)) deep(int depth)
{
	volatile char frame[256];

	frame[0] = static_cast<char>(depth);
	if (depth)
		deep(depth - 1);
	else
		ddot4();
	frame[1] = frame[0];
}

int through()
{
	int caught = 0;

	for (int round = 0; round < 20; round++) {
		try {
			schur();
		} catch (const std::runtime_error &error) {
			caught += std::strcmp(error.what(), "out of SELECT") == 0;
		}
		for (int depth = 0; depth < 50; depth++)
			deep(depth);
	}
	std::printf("# caught %d\nddot %ld\ndgees %ld\n", caught, ddots, dgeess);
	return caught != 20;
}

void __attribute__((noinline)) throw_plainly(int i)
{
	throw i;
}

void throw_once(bool through_blas, int i)
{
	try {
		if (through_blas)
			schur();
		else
			throw_plainly(i);
	} catch (int) {
	} catch (const std::exception &) {
	}
}

int cost(bool through_blas)
{
	using clock = std::chrono::steady_clock;
	const int count = through_blas ? 500 : 5000;
	double best = 1e99;

	for (int i = 0; i < 100; i++)
		ddot4();
	for (int repeat = 0; repeat < 15; repeat++) {
		auto start = clock::now();

		for (int i = 0; i < count; i++)
			throw_once(through_blas, i);
		double elapsed_ns = std::chrono::duration<double, std::nano>(clock::now() - start).count() / count;
		if (elapsed_ns < best)
			best = elapsed_ns;
	}
	std::printf("%.1f\n", best);
	return 0;
}

}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!std::strcmp(mode, "through"))
		return through();
	if (!std::strcmp(mode, "cost") || !std::strcmp(mode, "blas"))
		return cost(!std::strcmp(mode, "blas"));
	return 2;
}
