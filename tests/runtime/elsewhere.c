/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * elsewhere.c HOW [FOLDER] - makes its first BLAS call after the directory where it began, or the root of the file system, has
 * become another. Status 1: something was there afterwards that the program had not made.
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

/* It is removed while the program stays in it, or goes elsewhere. */
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

/* A folder that the dump was to go to, and that the program removes: it makes it again itself. */
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
