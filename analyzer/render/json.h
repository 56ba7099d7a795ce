/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * json.h - writes JSON, one value after another, to the stream of an output.
 * It must never round an integer.
 */
#ifndef ANALYZER_JSON_H
#define ANALYZER_JSON_H

#include "analyzer/render/answer.h"
#include "analyzer/render/output.h"
#include "analyzer/tables/table.h"

/*
 * Each writes a member with the name `key`, or an element of a list if `key` is NULL. At most 63 objects and lists may be
 * open at a time. Errors of the stream are reported by output_finish.
 */
void json_open(struct output *output, const char *key, char bracket);     /* '{' or '[' */
void json_close(struct output *output, char bracket);                     /* '}' or ']' */
void json_text(struct output *output, const char *key, const char *text); /* NULL: null */
void json_number(struct output *output, const char *key, u128 number);
void json_signed(struct output *output, const char *key, int64_t number);
void json_real(struct output *output, const char *key, double real);
void json_decimal(struct output *output, const char *key, const char *digits); /* a number that was written already */
void json_bool(struct output *output, const char *key, bool value);
void json_list(struct output *output, const char *key, const char *texts, size_t bytes); /* texts that each end in 0 */
void json_table(struct output *output, const struct table *table);                       /* "key":[{...},...] */
void json_row(struct output *output, const struct table *table, size_t row);             /* {...}, of a table's row */
void json_members(struct output *output, const struct answer *answer);                   /* all parts but tables */

#endif
