// SPDX-License-Identifier: BSD-3-Clause
/*
 * forms.c - calls the same operations through every interface, for test_forms.py: through Fortran, and through CBLAS or
 * LAPACKE with row-major and column-major matrices. It must never print: what the calls cost is in the shim's dump.
 *
 *     forms SEED     the dimensions are random numbers from this seed
 */
#include <cblas.h>
#include <lapack.h>
#include <lapacke.h>
#include <stdlib.h>

/* The lengths of strings, which headers of LAPACK before 3.10 do not declare. */
#ifdef LAPACK_FORTRAN_STRLEN_END
#define LENGTHS(...) , __VA_ARGS__
#else
#define LENGTHS(...)
#endif

enum { LARGEST = 24, LD = 2 * LARGEST, ELEMENTS = LD * LD };

static double a[ELEMENTS], b[ELEMENTS], c[ELEMENTS], d[LD], e[LD], work[ELEMENTS];
static lapack_complex_double za[ELEMENTS], zb[ELEMENTS], zc[ELEMENTS], zwork[ELEMENTS];
static lapack_int pivots[LD];
static const int ld = LD, one = 1, work_size = ELEMENTS;
static const double alpha = 1;
static const lapack_complex_double zalpha = 1;

static int random_dimension(void) { return 1 + rand() % LARGEST; }

/* Fills the matrices so that they are well-conditioned, symmetric and positive definite. */
static void fill(void)
{
	for (int i = 0; i < LD; i++)
		for (int j = 0; j < LD; j++) {
			a[i * LD + j] = i == j ? LD : 1.0 / (1 + i + j);
			b[i * LD + j] = c[i * LD + j] = i == j ? 2 : 0.25;
			za[i * LD + j] = zb[i * LD + j] = zc[i * LD + j] = a[i * LD + j];
		}
}

static const CBLAS_ORDER orders[] = {CblasRowMajor, CblasColMajor};
static const int layouts[] = {LAPACK_ROW_MAJOR, LAPACK_COL_MAJOR};

/* --- BLAS: each operation three times -------------------------------------------------------- */

static CBLAS_TRANSPOSE cblas_trans(char trans)
{
	return trans == 'N' ? CblasNoTrans : trans == 'T' ? CblasTrans : CblasConjTrans;
}

void dgemm_(const char *, const char *, const int *, const int *, const int *, const double *, const double *,
            const int *, const double *, const int *, const double *, double *, const int *, size_t, size_t);
void zgemm_(const char *, const char *, const int *, const int *, const int *, const void *, const void *, const int *,
            const void *, const int *, const void *, void *, const int *, size_t, size_t);
void dgemv_(const char *, const int *, const int *, const double *, const double *, const int *, const double *,
            const int *, const double *, double *, const int *, size_t);
void dgbmv_(const char *, const int *, const int *, const int *, const int *, const double *, const double *,
            const int *, const double *, const int *, const double *, double *, const int *, size_t);
void dger_(const int *, const int *, const double *, const double *, const int *, const double *, const int *, double *,
           const int *);
void dtrsm_(const char *, const char *, const char *, const char *, const int *, const int *, const double *,
            const double *, const int *, double *, const int *, size_t, size_t, size_t, size_t);
void dsymm_(const char *, const char *, const int *, const int *, const double *, const double *, const int *,
            const double *, const int *, const double *, double *, const int *, size_t, size_t);
void zherk_(const char *, const char *, const int *, const int *, const double *, const void *, const int *,
            const double *, void *, const int *, size_t, size_t);
void dtrmv_(const char *, const char *, const char *, const int *, const double *, const int *, double *, const int *,
            size_t, size_t, size_t);

static void gemm(char transa, char transb)
{
	int m = random_dimension(), n = random_dimension(), k = random_dimension();

	dgemm_(&transa, &transb, &m, &n, &k, &alpha, a, &ld, b, &ld, &alpha, c, &ld, 1, 1);
	zgemm_(&transa, &transb, &m, &n, &k, &zalpha, za, &ld, zb, &ld, &zalpha, zc, &ld, 1, 1);
	for (int i = 0; i < 2; i++) {
		cblas_dgemm(orders[i], cblas_trans(transa), cblas_trans(transb), m, n, k, 1, a, ld, b, ld, 1, c, ld);
		cblas_zgemm(orders[i], cblas_trans(transa), cblas_trans(transb), m, n, k, &zalpha, za, ld, zb, ld,
		            &zalpha, zc, ld);
	}
}

static void gemv(char trans)
{
	int m = random_dimension(), n = random_dimension(), kl = random_dimension() / 3, ku = random_dimension() / 3;

	dgemv_(&trans, &m, &n, &alpha, a, &ld, b, &one, &alpha, c, &one, 1);
	dgbmv_(&trans, &m, &n, &kl, &ku, &alpha, a, &ld, b, &one, &alpha, c, &one, 1);
	dger_(&m, &n, &alpha, b, &one, c, &one, a, &ld);
	for (int i = 0; i < 2; i++) {
		cblas_dgemv(orders[i], cblas_trans(trans), m, n, 1, a, ld, b, 1, 1, c, 1);
		cblas_dgbmv(orders[i], cblas_trans(trans), m, n, kl, ku, 1, a, ld, b, 1, 1, c, 1);
		cblas_dger(orders[i], m, n, 1, b, 1, c, 1, a, ld);
	}
}

static void triangles(char side, char uplo, char trans, char diag)
{
	int m = random_dimension(), n = random_dimension();
	CBLAS_SIDE cblas_side = side == 'L' ? CblasLeft : CblasRight;
	CBLAS_UPLO cblas_uplo = uplo == 'L' ? CblasLower : CblasUpper;
	CBLAS_DIAG cblas_diag = diag == 'U' ? CblasUnit : CblasNonUnit;
	char herk_trans = trans == 'T' ? 'C' : 'N';

	fill();
	dtrsm_(&side, &uplo, &trans, &diag, &m, &n, &alpha, a, &ld, b, &ld, 1, 1, 1, 1);
	dsymm_(&side, &uplo, &m, &n, &alpha, a, &ld, b, &ld, &alpha, c, &ld, 1, 1);
	zherk_(&uplo, &herk_trans, &m, &n, &alpha, za, &ld, &alpha, zc, &ld, 1, 1);
	dtrmv_(&uplo, &trans, &diag, &m, a, &ld, b, &one, 1, 1, 1);
	for (int i = 0; i < 2; i++) {
		cblas_dtrsm(orders[i], cblas_side, cblas_uplo, cblas_trans(trans), cblas_diag, m, n, 1, a, ld, b, ld);
		cblas_dsymm(orders[i], cblas_side, cblas_uplo, m, n, 1, a, ld, b, ld, 1, c, ld);
		cblas_zherk(orders[i], cblas_uplo, cblas_trans(herk_trans), m, n, 1, za, ld, 1, zc, ld);
		cblas_dtrmv(orders[i], cblas_uplo, cblas_trans(trans), cblas_diag, m, a, ld, b, 1);
	}
}

/* --- LAPACK: each operation five times, since LAPACKE has a high-level form and a _work form ---- */

static void solve(void)
{
	int n = random_dimension(), nrhs = random_dimension();
	lapack_int info;

	fill();
	dgesv_(&n, &nrhs, a, &ld, pivots, b, &ld, &info);
	for (int i = 0; i < 2; i++) {
		fill();
		LAPACKE_dgesv(layouts[i], n, nrhs, a, ld, pivots, b, ld);
		fill();
		LAPACKE_dgesv_work(layouts[i], n, nrhs, a, ld, pivots, b, ld);
	}
}

static void factorise(char uplo)
{
	int m = random_dimension(), n = random_dimension();
	lapack_int info;

	fill();
	dgetrf_(&m, &n, a, &ld, pivots, &info);
	dgeqrf_(&m, &n, b, &ld, d, work, &work_size, &info);
	fill();
	zpotrf_(&uplo, &n, za, &ld, &info LENGTHS(1));
	for (int i = 0; i < 2; i++) {
		fill();
		LAPACKE_dgetrf(layouts[i], m, n, a, ld, pivots);
		LAPACKE_dgeqrf(layouts[i], m, n, b, ld, d);
		LAPACKE_zpotrf(layouts[i], uplo, n, za, ld);
		fill();
		LAPACKE_dgetrf_work(layouts[i], m, n, a, ld, pivots);
		LAPACKE_dgeqrf_work(layouts[i], m, n, b, ld, d, work, work_size);
		LAPACKE_zpotrf_work(layouts[i], uplo, n, za, ld);
	}
}

static void decompose(char job, char uplo)
{
	int m = random_dimension(), n = random_dimension();
	double rwork[3 * LD];
	lapack_int info;

	fill();
	dsyev_(&job, &uplo, &n, a, &ld, d, work, &work_size, &info LENGTHS(1, 1));
	zheev_(&job, &uplo, &n, za, &ld, d, zwork, &work_size, rwork, &info LENGTHS(1, 1));
	fill();
	dgesvd_("N", "N", &m, &n, a, &ld, d, b, &ld, c, &ld, work, &work_size, &info LENGTHS(1, 1));
	for (int i = 0; i < 2; i++) {
		fill();
		LAPACKE_dsyev(layouts[i], job, uplo, n, a, ld, d);
		LAPACKE_zheev(layouts[i], job, uplo, n, za, ld, d);
		fill();
		LAPACKE_dgesvd(layouts[i], 'N', 'N', m, n, a, ld, d, b, ld, c, ld, e);
		fill();
		LAPACKE_dsyev_work(layouts[i], job, uplo, n, a, ld, d, work, work_size);
		LAPACKE_zheev_work(layouts[i], job, uplo, n, za, ld, d, zwork, work_size, rwork);
		fill();
		LAPACKE_dgesvd_work(layouts[i], 'N', 'N', m, n, a, ld, d, b, ld, c, ld, work, work_size);
	}
}

static void measure(char norm)
{
	int m = random_dimension(), n = random_dimension();

	fill();
	work[0] = LAPACK_dlange(&norm, &m, &n, a, &ld, work);
	for (int i = 0; i < 2; i++) {
		work[0] = LAPACKE_dlange(layouts[i], norm, m, n, a, ld);
		work[0] = LAPACKE_dlange_work(layouts[i], norm, m, n, a, ld, work);
	}
}

int main(int argc, char **argv)
{
	srand(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
	fill();
	for (const char *transa = "NTC"; *transa; transa++)
		for (const char *transb = "NTC"; *transb; transb++)
			gemm(*transa, *transb);
	for (const char *trans = "NTC"; *trans; trans++)
		gemv(*trans);
	for (int i = 0; i < 16; i++)
		triangles("LR"[i & 1], "UL"[i >> 1 & 1], "NT"[i >> 2 & 1], "NU"[i >> 3]);
	for (int i = 0; i < 4; i++) {
		solve();
		factorise("UL"[i & 1]);
		decompose("NV"[i >> 1], "UL"[i & 1]);
	}
	for (const char *norm = "M1IF"; *norm; norm++)
		measure(*norm);
	return 0;
}
