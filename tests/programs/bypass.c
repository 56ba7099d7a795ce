/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bypass.c - a plugin that opens and closes libraries. If it is opened with RTLD_DEEPBIND, the shim does not see that.
 */
#include <dlfcn.h>

void *open_past(const char *library);
void close_past(void *handle);

void *open_past(const char *library) { return dlopen(library, RTLD_NOW); }
void close_past(void *handle) { dlclose(handle); }
