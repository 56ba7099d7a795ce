/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * elsewhere.c HOW [FOLDER] - makes its first BLAS call after its working directory was removed or renamed, or after a
 * chroot. Status 1: afterwards there was a file or directory that the program has not made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blas.h"

static void call(void)
{
	double x[3] = {1, 2, 3};
	int n = 3, one = 1;

	ddot_(&n, x, &one, x, &one);
}

static int is_there(const char *path)
{
	struct stat status;

	return !stat(path, &status);
}

static char directory[4096];

/* Removes the working directory; the program stays in it, or changes to `to`. */
static int removed(const char *to)
{
	if (!getcwd(directory, sizeof(directory)) || rmdir(directory) || (to && chdir(to)))
		return 3;
	call();
	return is_there(directory);
}

static int renamed(void)
{
	char other[5000];

	if (!getcwd(directory, sizeof(directory)))
		return 3;
	snprintf(other, sizeof(other), "%s-renamed", directory);
	if (rename(directory, other))
		return 3;
	call();
	return is_there(directory);
}

/* Removes the folder that the dump was to be written to. Only the program may make that folder again. */
static int folder_removed(const char *folder)
{
	if (rmdir(folder))
		return 3;
	call();
	return mkdir(folder, 0755) != 0;
}

static int shut_in(const char *folder)
{
	if (chroot(folder) || chdir("/"))
		return 77;
	call();
	return 0;
}

int main(int count, char **words)
{
	const char *how = count > 1 ? words[1] : "", *folder = count > 2 ? words[2] : NULL;

	if (!strcmp(how, "removed"))
		return removed(NULL);
	if (!strcmp(how, "left"))
		return removed("/");
	if (!strcmp(how, "renamed"))
		return renamed();
	if (!strcmp(how, "folder"))
		return folder_removed(folder);
	if (!strcmp(how, "chroot"))
		return shut_in(folder);
	call();
	return 0;
}
