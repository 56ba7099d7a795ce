/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe.h - calls functions of a library to learn how it reads arguments and returns results.
 * It must never be used with record_lock held: a library that only forwards to a BLAS (FlexiBLAS) may load it now,
 * start its threads, and call it through the shim.
 */
#ifndef FLOPSHIM_PROBE_H
#define FLOPSHIM_PROBE_H

#include <stdbool.h>

/* Calls `function`, an isamax from module_probe. Returns whether its library takes 64-bit integers. */
bool probe_is_ilp64(void *function);

/*
 * Calls a Fortran function with a complex result (dotu, dotc, ladiv). Returns whether it takes the address of its
 * result before its arguments. Whichever it does, all pointers that it gets are valid.
 */
bool probe_hides_result(void *function);

/*
 * Calls a Fortran function with up to PROBE_ARGUMENTS pointers and returns its integer result. It runs with the
 * default MXCSR and without floating-point traps; the program's floating-point environment is restored afterwards,
 * since ATLAS's isamax changes it. In assembly, for each processor.
 */
enum { PROBE_ARGUMENTS = 6 };
int probe_call(void *function, const void *const arguments[PROBE_ARGUMENTS]);

#endif
