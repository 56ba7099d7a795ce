/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * variables.h - names of the settings in options.def.
 * It must name no setting itself.
 */
#ifndef FLOPSHIM_VARIABLES_H
#define FLOPSHIM_VARIABLES_H

#define VARIABLE_PREFIX "FLOPSHIM_"
/* The full name of a variable, as a part of a text; `make check-options` finds names that are in no row. */
#define VARIABLE(name) VARIABLE_PREFIX #name

#endif
