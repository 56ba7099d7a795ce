/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.c - the lock under which the shim changes what all threads share.
 * It must never need anything but guest.h: every folder above this one takes it.
 */
#include "shim/dump/lock.h"

struct guest_lock record_lock;
