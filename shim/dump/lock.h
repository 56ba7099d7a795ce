/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.h - the lock under which the shim changes what all threads share.
 * It must never be needed on the path of a call.
 */
#ifndef FLOPSHIM_DUMP_LOCK_H
#define FLOPSHIM_DUMP_LOCK_H

#include "shim/guest/guest.h"

/*
 * Guards the dump, the modules, the sites and the namespaces. It is taken before every other lock of the shim but
 * frames_lock (shim/record/frames.c), and is never held while the dynamic linker is asked anything.
 */
extern struct guest_lock record_lock __attribute__((visibility("hidden")));

#endif
