/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * function_name.h - shortens the names of C++ functions for people.
 * It must never be used for what programs read: two functions may have the same short name.
 */
#ifndef ANALYZER_FUNCTION_NAME_H
#define ANALYZER_FUNCTION_NAME_H

#include "analyzer/base/text.h"

/*
 * Adds the name of a function: of one of C++ without its parameters, the type that it returns and anonymous namespaces, and without
 * the arguments of templates if it is still long. Other names are added as they are.
 */
void function_name_add(struct text *text, const char *name);

#endif
