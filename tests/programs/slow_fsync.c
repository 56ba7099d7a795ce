/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slow_fsync.c - preloaded, it makes fsync wait for a long time, as a file system does that is slow or gone.
 * It must never write anything.
 */
#include <unistd.h>

enum { SECONDS = 60 };

int fsync(int file)
{
	(void)file;
	sleep(SECONDS);
	return 0;
}
