/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * kernels.c - loops over vectors, once for each width of registers that processors have.
 * It must never leave the choice of instructions to the compiler's options, which are those of the oldest processor.
 */
#include "analyzer/peak/kernels.h"

#include <stdint.h>

/* Eight times the same, so that additions do not wait for one another. */
#define EIGHT(of) of(0) of(1) of(2) of(3) of(4) of(5) of(6) of(7)

static volatile uint64_t sink; /* keeps the compiler from leaving out a loop whose result nobody uses */

/* The factors leave the values what they are for as long as it takes, and the compiler must not know that. */
static volatile double factor = 1.0, addend = 1e-300;

#define READ(i)   sums[i] ^= a[i] ^ b[i];
#define SCALE(i)  c[i] *= by;
#define UPDATE(i) d[i] += by * c[i];

/* Defines the kernels for registers of `width` bytes: read_NAME, scale_NAME and update_NAME. */
#define KERNELS(name, width, attributes)                                                               \
	typedef uint64_t words_##name __attribute__((vector_size(width), may_alias));                  \
	typedef double reals_##name __attribute__((vector_size(width), may_alias));                    \
                                                                                                       \
	attributes static void read_##name(double *x, double *y, size_t count)                         \
	{                                                                                              \
		const words_##name *a = (const void *)x, *b = (const void *)y;                         \
		words_##name sums[8] = {{0}};                                                          \
                                                                                                       \
		for (size_t left = count * sizeof *x / (8 * sizeof *a); left--; a += 8, b += 8) {      \
			EIGHT(READ)                                                                    \
		}                                                                                      \
		for (unsigned i = 1; i < 8; i++)                                                       \
			sums[0] ^= sums[i];                                                            \
		sink = sums[0][0] ^ sums[0][1];                                                        \
	}                                                                                              \
                                                                                                       \
	attributes static void scale_##name(double *x, double *y, size_t count)                        \
	{                                                                                              \
		double by = factor;                                                                    \
		reals_##name *c = (void *)x;                                                           \
                                                                                                       \
		for (size_t left = count * sizeof *x / (8 * sizeof *c); left--; c += 8) {              \
			EIGHT(SCALE)                                                                   \
		}                                                                                      \
		c = (void *)y;                                                                         \
		for (size_t left = count * sizeof *x / (8 * sizeof *c); left--; c += 8) {              \
			EIGHT(SCALE)                                                                   \
		}                                                                                      \
	}                                                                                              \
                                                                                                       \
	attributes static void update_##name(double *x, double *y, size_t count)                       \
	{                                                                                              \
		double by = addend;                                                                    \
		const reals_##name *c = (const void *)x;                                               \
		reals_##name *d = (void *)y;                                                           \
                                                                                                       \
		for (size_t left = count * sizeof *x / (8 * sizeof *c); left--; c += 8, d += 8) {      \
			EIGHT(UPDATE)                                                                  \
		}                                                                                      \
	}                                                                                              \
                                                                                                       \
	static const struct kernel kernels_##name[KERNEL_COUNT] = {{read_##name, 2 * sizeof(double)},  \
	                                                           {scale_##name, 4 * sizeof(double)}, \
	                                                           {update_##name, 3 * sizeof(double)}};

KERNELS(16, 16, )
#ifdef __x86_64__
KERNELS(32, 32, __attribute__((target("avx2,fma"))))
KERNELS(64, 64, __attribute__((target("avx512f"))))
#endif

const struct kernel *kernels_of_machine(void)
{
#ifdef __x86_64__
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f"))
		return kernels_64;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return kernels_32;
#endif
	return kernels_16;
}
