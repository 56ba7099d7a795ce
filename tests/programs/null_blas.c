/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * null_blas.c - a BLAS whose routines do nothing, for tests in which only the work of the shim matters.
 */
#define DOES_NOTHING(name) \
	void name(void) {}

DOES_NOTHING(dgemm_)
DOES_NOTHING(dgemv_)
DOES_NOTHING(daxpy_)
DOES_NOTHING(dscal_)

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info)
{
	(void)uplo, (void)a;
	*info = *lda < *n ? -4 : 0;
}
