/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blas.h - the functions of a BLAS that the roofs are measured with.
 * It must never be used with a library in this process that a report needs: it loads one.
 */
#ifndef ANALYZER_PEAK_BLAS_H
#define ANALYZER_PEAK_BLAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Integers are passed as 64 bits: a library with integers of 32 bits reads the lower half, which comes first on the machines
 * that this program is built for. The last two arguments are the lengths of the texts.
 */
typedef void blas_gemm(const char *, const char *, const int64_t *, const int64_t *, const int64_t *, const void *,
                       const void *, const int64_t *, const void *, const int64_t *, const void *, void *,
                       const int64_t *, size_t, size_t);
typedef double blas_dot(const int64_t *, const double *, const int64_t *, const double *, const int64_t *);
typedef void blas_axpy(const int64_t *, const double *, const double *, const int64_t *, double *, const int64_t *);

struct blas {
	blas_gemm *gemm[2]; /* by enum roof_precision */
	blas_dot *dot;
	blas_axpy *axpy;
	const char *path; /* of the library that has them */
};

/* Loads a library, and finds its functions under any of the names that libraries give them. NULL, or why that failed. */
const char *blas_load(struct blas *blas, const char *library);

#endif
