/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.c - the list of all formats.
 * It must never name a format, for formats.def has the names.
 */
#include "analyzer/render/format.h"

const struct format *const formats[FORMAT_COUNT] = {
#define FORMAT(name) &format_##name,
#include "analyzer/render/formats.def"
#undef FORMAT
};
