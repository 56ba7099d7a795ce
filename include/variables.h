/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * variables.h - spells the names of the environment variables in options.def.
 * It must never name a setting itself.
 */
#ifndef FLOPSHIM_VARIABLES_H
#define FLOPSHIM_VARIABLES_H

#define VARIABLE_PREFIX "FLOPSHIM_"
/*
 * The full name of a variable as a string literal. `make check-options` reports a name that options.def does not have.
 */
#define VARIABLE(name) VARIABLE_PREFIX #name

#endif
