/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe.h - what a library is called with to learn how its arguments are read.
 * No function here may be called with record_lock held: what only stands before a BLAS may load that BLAS now, start its
 * threads, and call it through the shim.
 */
#ifndef FLOPSHIM_PROBE_H
#define FLOPSHIM_PROBE_H

#include <stdbool.h>

/* Calls the function that module_probe has given: whether its library takes 64-bit integers. */
bool probe_is_ilp64(void *function);

/*
 * Calls a Fortran function with a complex result, to learn whether it wants the address of its result before its
 * arguments. They are such that under either convention every pointer leads somewhere.
 */
bool probe_hides_result(void *function);

/*
 * Calls a Fortran integer function of (n, x, incx), keeping the modes and flags of the floating-point units, which
 * ATLAS's own isamax changes. In assembly, one for each processor.
 */
enum { PROBE_ARGUMENTS = 6 };
int probe_call(void *function, const void *const arguments[PROBE_ARGUMENTS]);

#endif
