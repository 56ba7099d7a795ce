/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * function_name.h - shortens the names of functions: those of C++ for people, and those of parts that compilers make of functions.
 * It must never give programs what it has shortened for people: two functions may have the same short name.
 */
#ifndef ANALYZER_FUNCTION_NAME_H
#define ANALYZER_FUNCTION_NAME_H

#include "analyzer/base/text.h"

/*
 * Adds the name of a function: of one of C++ without its parameters, the type that it returns and anonymous namespaces, and without
 * the arguments of templates if it is still long. Other names are added as they are.
 */
void function_name_add(struct text *text, const char *name);

/*
 * Returns how many bytes of a name are left without what a compiler adds to that of a part or a copy of a function, as in
 * solve.constprop.0, or of one that is contained in another, as in solve.12. Other dots belong to the name: Go has
 * main.solve.func1.2. A name of C++ that was demangled has no such additions but " [clone ...]".
 */
size_t function_name_length(const char *name);

#endif
