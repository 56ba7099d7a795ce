// SPDX-License-Identifier: BSD-3-Clause
//
// exceptions.cc MODE - C++ exceptions and the BLAS.
//
//   through   SELECT throws through dgees; ddot is called afterwards. Prints lines "ROUTINE CALLS".
//   cost      prints the nanoseconds from a throw to its catch, the least of many, after some calls
//   blas      the same, but it throws through dgees, whose own work is not timed
//
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "blas.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int N = 8;
long ddots, dgeess;
Clock::time_point thrown; // when the last throw began

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
	thrown = Clock::now();
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

void __attribute__((noinline)) throw_plainly()
{
	thrown = Clock::now();
	throw std::runtime_error("plainly");
}

double throw_ns(bool through_blas)
{
	try {
		if (through_blas)
			schur();
		else
			throw_plainly();
	} catch (const std::runtime_error &) {
		return std::chrono::duration<double, std::nano>(Clock::now() - thrown).count();
	}
	throw std::logic_error("nothing was thrown");
}

int cost(bool through_blas)
{
	double best = 1e99;

	for (int i = 0; i < 100; i++)
		ddot4();
	for (int i = 0; i < 5000; i++)
		best = std::min(best, throw_ns(through_blas));
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
