/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * version.h - the version of flopshim, which the Makefile reads too.
 * It must never hold anything else.
 */
#ifndef FLOPSHIM_VERSION
#define FLOPSHIM_VERSION "0.9.0"
#endif
