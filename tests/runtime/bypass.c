/* SPDX-License-Identifier: BSD-3-Clause */
/* bypass.c - a plugin that opens and closes libraries; opened RTLD_DEEPBIND it does so past the shim. */
#include <dlfcn.h>

void *open_past(const char *library);
void close_past(void *handle);

void *open_past(const char *library) { return dlopen(library, RTLD_NOW); }
void close_past(void *handle) { dlclose(handle); }
