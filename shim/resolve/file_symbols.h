/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file_symbols.h - functions in the symbol table of an object's file, most of which the dynamic linker does not know.
 * It must never be used where time matters: it reads a whole file.
 */
#ifndef FLOPSHIM_FILE_SYMBOLS_H
#define FLOPSHIM_FILE_SYMBOLS_H

struct module;

/*
 * Calls `visit` with the name of each function in the symbol table (.symtab) of the object's file. It does nothing if
 * the file was stripped, cannot be read, or is no longer the file that was loaded. With record_lock held.
 */
typedef void file_symbol_visit(const char *name, void *context);
void file_symbols_each(const struct module *module, file_symbol_visit *visit, void *context);

#endif
