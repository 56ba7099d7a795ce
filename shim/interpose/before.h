/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * before.h - what is done for the dump before the program ends by exec or _exit, or changes its user or namespaces.
 * It must never change what these functions do.
 */
#ifndef FLOPSHIM_BEFORE_H
#define FLOPSHIM_BEFORE_H

/* Finds the functions of before.def behind the shim. Called in the constructor: a forked child must not look for them. */
void before_start(void);

/*
 * Does what before.def says of function `number`, from 0 on. Returns the function behind the shim, to which the stub of
 * this name jumps with the program's arguments.
 */
void *before_hook(unsigned number) __attribute__((visibility("hidden")));

#endif
