/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * versions.h - binds a function to its version in the oldest glibc of this processor.
 * It must never be included by a file that link-time optimization takes apart: the assembler's directive would go astray.
 */
#ifndef LIBC_VERSIONS_H
#define LIBC_VERSIONS_H

#if defined(__x86_64__)
#define LIBC_FIRST       "GLIBC_2.2.5" /* the version of all symbols of the first glibc for this processor */
#define LIBC_STAT_LAYOUT 1             /* which struct stat __xstat and its like are to fill in */
#elif defined(__aarch64__)
#define LIBC_FIRST       "GLIBC_2.17"
#define LIBC_STAT_LAYOUT 0
#else
#error "libc/versions.h needs the version of the first glibc for this processor"
#endif

/* Has calls of `name` go to the oldest version of `function`. */
#define LIBC_OLDEST(name, function) __asm__(".symver " #name ", " #function "@" LIBC_FIRST)

#endif
