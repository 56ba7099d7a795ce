/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * output.c - tells at the end whether an answer could be written.
 * It must never use the answer's own stream for its message.
 */
#include "analyzer/render/output.h"

#include <errno.h>
#include <string.h>

bool output_finish(struct output *output)
{
	if (fflush(output->stream) == 0 && !ferror(output->stream))
		return true;
	fprintf(stderr, "flopshim-report: cannot write to standard output: %s\n", strerror(errno));
	return false;
}
