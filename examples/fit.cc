// SPDX-License-Identifier: BSD-3-Clause
//
// fit.cc - polynomials of growing degree fitted to noisy points by least squares, until the budget is used up.
//
//     c++ -O2 -o fit fit.cc -llapack -lblas
//     ./fit                           runs as if flopshim did not exist: degrees 0 to 9
//     flopshim ./fit                  counts: one namespace for every degree, fit.0 to fit.9
//     flopshim ./fit 50000            50,000 FLOPs for all of them together: as many degrees as fit
//
// A call that does not fit is denied, which the program asks for itself with an exceed callback; LAPACK's INFO says
// so. The exception that the program makes of it ends the scopes on its way.

#include <flopshim.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" void dgels_(const char *trans, const int *m, const int *n, const int *nrhs, double *a, const int *lda,
                       double *b, const int *ldb, double *work, const int *lwork, int *info, std::size_t);

namespace {

constexpr int points = 100, degrees = 10;

struct refused : std::runtime_error {
	using std::runtime_error::runtime_error;
};

flopshim_action deny(const flopshim_exceeded *, void *)
{
	return FLOPSHIM_DENY;
}

// Sum of the squared residuals of the best polynomial of this degree.
double fit(int degree)
{
	flopshim::scope scope(std::to_string(degree).c_str());
	std::vector<double> a, b, work(64 * points);
	const int n = degree + 1, one = 1, lwork = static_cast<int>(work.size());
	int info = 0;
	double sum = 0;

	for (int j = 0; j < n; j++)
		for (int i = 0; i < points; i++)
			a.push_back(std::pow(2.0 * i / (points - 1) - 1, j));
	for (int i = 0; i < points; i++)
		b.push_back(std::sin(6.0 * i / points) + 0.05 * ((i * 37) % 11 - 5));
	dgels_("N", &points, &n, &one, a.data(), &points, b.data(), &points, work.data(), &lwork, &info, 1);
	if (info <= -1001)
		throw refused("degree " + std::to_string(degree));
	if (info)
		throw std::runtime_error("dgels: INFO = " + std::to_string(info));
	for (int i = n; i < points; i++)
		sum += b[i] * b[i];
	return sum;
}

} // namespace

int main(int argc, char **argv)
{
	flopshim::scope all("fit", argc > 1 ? std::atof(argv[1]) : 1e12);
	int degree = 0;

	flopshim_on_exceed(deny, nullptr);
	try {
		for (; degree < degrees; degree++)
			std::printf("degree %d: %.4f\n", degree, fit(degree));
	} catch (const refused &call) {
		std::printf("%s does not fit the budget\n", call.what());
	}
	return 0;
}
