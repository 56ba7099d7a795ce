/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json.h - JSON, one member after the other. A NULL key is an element of a list.
 * It must never round a number.
 */
#ifndef ANALYZER_JSON_H
#define ANALYZER_JSON_H

#include "analyzer/render/output.h"
#include "analyzer/tables/table.h"

void json_open(struct output *output, const char *key, char bracket); /* '{' or '[' */
void json_close(struct output *output, char bracket);                 /* '}' or ']' */
void json_text(struct output *output, const char *key, const char *text); /* NULL: null */
void json_number(struct output *output, const char *key, u128 number);
void json_signed(struct output *output, const char *key, int64_t number);
void json_real(struct output *output, const char *key, double real);
void json_bool(struct output *output, const char *key, bool value);
void json_list(struct output *output, const char *key, const char *texts, size_t bytes);
void json_table(struct output *output, const struct table *table); /* "key":[{...},...] */

#endif
