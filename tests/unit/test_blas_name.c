/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_blas_name.c - tests which unknown names are taken for routines of a BLAS or LAPACK that the table lacks.
 * It must never use the real table: a new row must not change what is tested.
 */
#include <check.h>
#include <stddef.h>
#include <string.h>

#include "shim/resolve/blas_name.h"
#include "run_suite.h"

/* Stands for the table: these names and no others are served. */
static bool is_served(const char *name)
{
	static const char *const names[] = {
		"dgemm_", "cblas_dgemm",   "cblas_dgemm64_", "dsyr2k_", "dpotrf_",
		"ztrsm_", "LAPACKE_dgesv", "dgemm_64_",      "ssyevd_", "dsum_",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static const char *const routines[] = {
	"dgemmx2_", /* begin with a type and a kind of matrix */
	"sgefoo_",
	"dgetrq2_",
	"zgetsqr_",
	"zgbbar_64_",
	"dpftrq64_",
	"dhgeqz2_",
	"ztgsyl2_",
	"dtgex4_",
	"dtfsmx_",
	"zpbstfx_",
	"chfrkx_",
	"dpotrf2x_",
	"dpotrf_rk_",
	"dsyr2kx_",
	"ssyevd_2stage_", /* begin with the name of a known routine */
	"cblas_dnewthing",
	"cblas_dnewthing64_",
	"LAPACKE_dnewsv",
	"LAPACKE_znewsv_work",
	"LAPACKE_dnewsv_64",
	"scipy_dgemmx2_",
	"scipy_cblas_dnewthing64_",
};

START_TEST(routines_of_the_next_release)
{
	ck_assert_msg(blas_name_is_unserved(routines[_i], is_served), "%s", routines[_i]);
}
END_TEST

static const char *const others[] = {
	"dgemm_",
	"dgemm_64_",
	"cblas_dgemm64_",
	"LAPACKE_dgesv", /* served */
	"xerbla_",
	"cblas_xerbla",
	"LAPACKE_malloc",
	"dlamch_",
	"ilaenv_",
	"dgemm_batch_thread_",
	"openblas_set_num_threads", /* excluded */
	"dgettext",
	"dcgettext",
	"setenv",
	"strlen",
	"getaddrinfo",
	"sigaction",
	"zlibVersion",
	"dlopen",
	"cfsetispeed", /* libc's and others' */
	"dgesv",
	"dgetrfx", /* Fortran names end in an underscore */
	"dsumo_",
	"dsumwave_",
	"sendfile_",
	"sort_",
	"damping_",
	"density_",
	"compute_",
	"zero_",
	"scale_matrix_",
	"determinant_",
	"sgetenv_",
	"dgetval_",
	"dgetpar_",
	"dgenerate_",
	"dgenrand_",
	"dgeometry_",
	"dgesture_",
	"cgetpid_",
	"chgcar_",
	"chgrid_",
	"dhgrad_",
	"dtgrid_",
	"stgrad_",
	"dtfunc_",
	"ctform_",
	"dpfunc_",
	"chfield_",
	"chbond_",
	"spbound_",
	"dgemm_tuned_by_hand_for_my_machine_and_with_a_name_that_no_routine_has_", /* too long */
	"dGEmmx_",
	"DGEMMX2_",
	"d_ge_",
	"",
	"_",
	"d_",
	"cblas_",
	"LAPACKE_",
	"LAPACKE_set_nancheck",
	"scipy_",
	"dpotrfwhole_",
};

START_TEST(names_of_others) { ck_assert_msg(!blas_name_is_unserved(others[_i], is_served), "%s", others[_i]); }
END_TEST

START_TEST(routines_with_ordinary_names)
{
	static const char *const ordinary[] = {"dsum",   "scsum", "dzsum", "smax",  "dmin",  "samax",
	                                       "dzamin", "idmax", "izmin", "dcopy", "sswap", "crot"};
	static const char *const telling[] = {"ddot",  "isamax", "izamin", "dasum", "dnrm2", "drotg",
	                                      "dgemm", "scsum1", "zlacpy", "s",     ""};

	for (size_t i = 0; i < sizeof(ordinary) / sizeof(*ordinary); i++)
		ck_assert_msg(blas_name_is_ordinary(ordinary[i]), "%s", ordinary[i]);
	for (size_t i = 0; i < sizeof(telling) / sizeof(*telling); i++)
		ck_assert_msg(!blas_name_is_ordinary(telling[i]), "%s", telling[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blas_name");
	TCase *tests = tcase_create("names");

	tcase_add_loop_test(tests, routines_of_the_next_release, 0, sizeof(routines) / sizeof(*routines));
	tcase_add_loop_test(tests, names_of_others, 0, sizeof(others) / sizeof(*others));
	tcase_add_test(tests, routines_with_ordinary_names);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_NOFORK);
}
