/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernels.h - loops that read and write two vectors as fast as a processor can.
 * It must never use an instruction that this machine does not have.
 */
#ifndef ANALYZER_KERNELS_H
#define ANALYZER_KERNELS_H

#include <stddef.h>

/* The number of elements that kernels take must be a multiple of this. Vectors begin at multiples of its bytes. */
enum { KERNEL_ELEMENTS = 64 };

/* What is done with each element of two vectors, and how many bytes that reads and writes for each pair of elements. */
struct kernel {
	void (*run)(double *x, double *y, size_t count);
	unsigned bytes;
};

enum { KERNEL_COUNT = 3 };

/* The kernels for this machine: one that only reads, and two that write a half or a third of what they move. */
const struct kernel *kernels_of_machine(void);

#endif
