/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slots.h - where the arguments of a call lie, in bytes from the frame that the entry body makes: for the tables and for
 * the entry body itself, which is written in assembly.
 * It must never say anything of the rest of that frame: entry.h does.
 */
#ifndef FLOPSHIM_SLOTS_H
#define FLOPSHIM_SLOTS_H

#if defined(__x86_64__)
/* The return address is at 8, the words that the caller left on its stack from 16 on. */
#define ENTRY_GPR_COUNT 6
#define ENTRY_GPRS (-56)
#else
#error "flopshim has no entry body for this processor yet: shim/state/entry.h says what one must do"
#endif

#define ENTRY_SLOT(slot) ((slot) < ENTRY_GPR_COUNT ? ENTRY_GPRS + 8 * (slot) : 16 + 8 * ((slot) - ENTRY_GPR_COUNT))

#endif
