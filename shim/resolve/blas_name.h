/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blas_name.h - names that look like routines of BLAS or LAPACK, as those of a release that the table does not know.
 */
#ifndef FLOPSHIM_BLAS_NAME_H
#define FLOPSHIM_BLAS_NAME_H

#include <stdbool.h>

/*
 * Whether a name looks like one, though the table has no row for it and does not exclude it. `is_served` says of a name
 * whether it is one of the table's.
 */
bool blas_name_is_unserved(const char *name, bool (*is_served)(const char *name));

/* Whether the name of a routine, as `dmax_`, is one that programs which know nothing of BLAS have for functions of their own. */
bool blas_name_is_ordinary(const char *routine);

#endif
