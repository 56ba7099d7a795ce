/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file_symbols.h - the functions of an object that its file names, and the dynamic linker does not know.
 */
#ifndef FLOPSHIM_FILE_SYMBOLS_H
#define FLOPSHIM_FILE_SYMBOLS_H

struct module;

/* Calls `visit` with each function in the file's table of symbols; with none where it was stripped or is another file now. */
typedef void file_symbol_visit(const char *name, void *context);
void file_symbols_each(const struct module *module, file_symbol_visit *visit, void *context);

#endif
