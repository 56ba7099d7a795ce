/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blas_name.h - recognizes names that look like routines of BLAS or LAPACK although the routine table does not have
 * them.
 * It must never look at the objects that have the names: the name alone decides.
 */
#ifndef FLOPSHIM_BLAS_NAME_H
#define FLOPSHIM_BLAS_NAME_H

#include <stdbool.h>

/*
 * Whether `name` looks like a routine of BLAS or LAPACK that the table neither has nor excludes, such as one of a later
 * release. `is_served` says whether the table has a name.
 */
bool blas_name_is_unserved(const char *name, bool (*is_served)(const char *name));

/* Whether the table excludes `name`, with or without marks: it belongs to BLAS or LAPACK, but does no work to count. */
bool blas_name_is_excluded(const char *name);

/*
 * Whether the name of a routine of the table (`dswap`, without marks) is also common for functions that have nothing
 * to do with BLAS.
 */
bool blas_name_is_ordinary(const char *routine);

#endif
