/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * static.h - an answer for people as HTML, for where no script runs.
 * It must never let a text be taken for markup.
 */
#ifndef ANALYZER_STATIC_H
#define ANALYZER_STATIC_H

#include "analyzer/render/answer.h"
#include "analyzer/render/html/roofline.h"

/* Appends a text so that it means itself, both between tags and in an attribute's quotes. */
void html_add_escaped(struct text *html, const char *text);

/* Appends all parts of an answer for a document, and the roofline before its first table. */
void static_add(struct text *html, const struct answer *answer, const struct roofline *roofline);

#endif
