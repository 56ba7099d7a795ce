/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/render/format.h"

const struct format *const formats[FORMAT_COUNT] = {
#define FORMAT(name) &format_##name,
#include "analyzer/render/formats.def"
#undef FORMAT
};
