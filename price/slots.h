/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slots.h - where the arguments of a call lie on the stack, in bytes from the frame pointer of the entry body; for the
 * generated tables, and for the entry body itself, which is written in assembly.
 * It must never describe the rest of that frame: shim/state/entry.h does.
 */
#ifndef FLOPSHIM_SLOTS_H
#define FLOPSHIM_SLOTS_H

#if defined(__x86_64__)
/* The return address is at 8, and the arguments that the caller has passed on the stack begin at 16. */
#define ENTRY_GPR_COUNT 6
#define ENTRY_GPRS      (-56) /* where the entry body saves the integer argument registers */
#else
#error "flopshim has no entry body for this processor yet: shim/state/entry.h says what one must do"
#endif

#define ENTRY_SLOT(slot) ((slot) < ENTRY_GPR_COUNT ? ENTRY_GPRS + 8 * (slot) : 16 + 8 * ((slot)-ENTRY_GPR_COUNT))

#endif
