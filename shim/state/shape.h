/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape.h - the options and dimensions of a call, by which it is priced and counted.
 * It must never hold anything else of the call.
 */
#ifndef FLOPSHIM_SHAPE_H
#define FLOPSHIM_SHAPE_H

#include <stdint.h>

#include "price/routines.h"

/*
 * A call's options and dimensions, options as letters with the first in the lowest byte. A price wants letters and
 * dimensions in one array: its last letter stands before the first dimension, once somebody asks for the price.
 */
struct shape {
	uint64_t options;
	union {
		struct {
			int64_t letters[SHAPE_OPTIONS_MAX], dims[SHAPE_DIMS_MAX];
		};
		int64_t values[SHAPE_ARGS_MAX];
	};
};

#endif
