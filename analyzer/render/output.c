/* SPDX-License-Identifier: BSD-3-Clause */
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
