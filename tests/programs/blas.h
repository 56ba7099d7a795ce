/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blas.h - declares the BLAS and LAPACK routines that the test programs call, in the naming scheme and with the integer
 * width that they are compiled for: -DPREFIX=scipy_ -DSUFFIX=_64_ -DCBLAS_SUFFIX=64_ -DINTEGER=int64_t, or nothing for
 * plain LP64. It must never include the installed headers, which know one scheme only.
 */
#ifndef BLAS_H
#define BLAS_H

#include <stddef.h>
#include <stdint.h>

#ifndef __cplusplus
#include <complex.h>
typedef float _Complex complex8;
typedef double _Complex complex16;
#else
typedef struct {
	float re, im;
} complex8;
typedef struct {
	double re, im;
} complex16;
extern "C" {
#endif

#ifndef INTEGER
#define INTEGER int
#endif
#ifndef PREFIX
#define PREFIX
#endif
#ifndef SUFFIX
#define SUFFIX _
#endif
#ifndef CBLAS_SUFFIX
#define CBLAS_SUFFIX
#endif

#define PASTE3_(a, b, c) a##b##c
#define PASTE3(a, b, c)  PASTE3_(a, b, c)
#define F77(name)        PASTE3(PREFIX, name, SUFFIX)
#define CBLAS(name)      PASTE3(PREFIX, cblas_##name, CBLAS_SUFFIX)

typedef INTEGER integer;
typedef size_t length; /* hidden length of a Fortran string; it follows all arguments */

double F77(ddot)(const integer *n, const double *x, const integer *incx, const double *y, const integer *incy);
float F77(sdot)(const integer *n, const float *x, const integer *incx, const float *y, const integer *incy);
complex8 F77(cdotu)(const integer *n, const complex8 *x, const integer *incx, const complex8 *y, const integer *incy);
complex8 F77(cdotc)(const integer *n, const complex8 *x, const integer *incx, const complex8 *y, const integer *incy);
complex16 F77(zdotu)(const integer *n, const complex16 *x, const integer *incx, const complex16 *y,
                     const integer *incy);
complex16 F77(zdotc)(const integer *n, const complex16 *x, const integer *incx, const complex16 *y,
                     const integer *incy);
double F77(dnrm2)(const integer *n, const double *x, const integer *incx);
double F77(dzasum)(const integer *n, const complex16 *x, const integer *incx);
integer F77(idamax)(const integer *n, const double *x, const integer *incx);
void F77(daxpy)(const integer *n, const double *alpha, const double *x, const integer *incx, double *y,
                const integer *incy);
void F77(dscal)(const integer *n, const double *alpha, double *x, const integer *incx);
void F77(dgemv)(const char *trans, const integer *m, const integer *n, const double *alpha, const double *a,
                const integer *lda, const double *x, const integer *incx, const double *beta, double *y,
                const integer *incy, length);
void F77(dgemm)(const char *transa, const char *transb, const integer *m, const integer *n, const integer *k,
                const double *alpha, const double *a, const integer *lda, const double *b, const integer *ldb,
                const double *beta, double *c, const integer *ldc, length, length);
void F77(dgesv)(const integer *n, const integer *nrhs, double *a, const integer *lda, integer *ipiv, double *b,
                const integer *ldb, integer *info);
void F77(dpotrf)(const char *uplo, const integer *n, double *a, const integer *lda, integer *info, length);
void F77(dgeev)(const char *jobvl, const char *jobvr, const integer *n, double *a, const integer *lda, double *wr,
                double *wi, double *vl, const integer *ldvl, double *vr, const integer *ldvr, double *work,
                const integer *lwork, integer *info, length, length);
typedef integer (*select_function)(const double *, const double *);
void F77(dgees)(const char *jobvs, const char *sort, select_function select, const integer *n, double *a,
                const integer *lda, integer *sdim, double *wr, double *wi, double *vs, const integer *ldvs,
                double *work, const integer *lwork, integer *bwork, integer *info, length, length);
void F77(dlascl)(const char *type, const integer *kl, const integer *ku, const double *cfrom, const double *cto,
                 const integer *m, const integer *n, double *a, const integer *lda, integer *info, length);
void F77(dsyevr)(const char *jobz, const char *range, const char *uplo, const integer *n, double *a, const integer *lda,
                 const double *vl, const double *vu, const integer *il, const integer *iu, const double *abstol,
                 integer *m, double *w, double *z, const integer *ldz, integer *isuppz, double *work,
                 const integer *lwork, integer *iwork, const integer *liwork, integer *info, length, length, length);
void F77(dstebz)(const char *range, const char *order, const integer *n, const double *vl, const double *vu,
                 const integer *il, const integer *iu, const double *abstol, const double *d, const double *e,
                 integer *m, integer *nsplit, double *w, integer *iblock, integer *isplit, double *work, integer *iwork,
                 integer *info, length, length);
void F77(zuncsd)(const char *jobu1, const char *jobu2, const char *jobv1t, const char *jobv2t, const char *trans,
                 const char *signs, const integer *m, const integer *p, const integer *q, complex16 *x11,
                 const integer *ldx11, complex16 *x12, const integer *ldx12, complex16 *x21, const integer *ldx21,
                 complex16 *x22, const integer *ldx22, double *theta, complex16 *u1, const integer *ldu1, complex16 *u2,
                 const integer *ldu2, complex16 *v1t, const integer *ldv1t, complex16 *v2t, const integer *ldv2t,
                 complex16 *work, const integer *lwork, double *rwork, const integer *lrwork, integer *iwork,
                 integer *info, length, length, length, length, length, length);

enum { ROW_MAJOR = 101, COL_MAJOR = 102, NO_TRANS = 111, TRANS = 112 };

double CBLAS(ddot)(integer n, const double *x, integer incx, const double *y, integer incy);
void CBLAS(daxpy)(integer n, double alpha, const double *x, integer incx, double *y, integer incy);
void CBLAS(zdotc_sub)(integer n, const void *x, integer incx, const void *y, integer incy, void *result);
void CBLAS(dgemm)(int order, int transa, int transb, integer m, integer n, integer k, double alpha, const double *a,
                  integer lda, const double *b, integer ldb, double beta, double *c, integer ldc);

#ifdef __cplusplus
}
#endif
#endif
