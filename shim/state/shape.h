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
 * A call's options and dimensions. `options` has the options as letters, the first one in the lowest byte. A price is
 * computed from `values`: there the letters end just before the first dimension. They are filled in only when a price
 * is asked for.
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
