/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FLOPSHIM_VERSION
#define FLOPSHIM_VERSION "0.1.0"
#endif
