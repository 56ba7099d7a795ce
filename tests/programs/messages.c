/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * messages.c HOW FILE - replaces standard error in some way, then makes a call that a budget of 1 FLOP refuses or lets
 * run. The program itself writes DATA to standard error before the call, and MORE after it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blas.h"

static void open_as_stderr(const char *path)
{
	int file;

	close(2);
	file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (file != 2)
		exit(3);
}

static void put_as_stderr(int file)
{
	if (dup2(file, 2) != 2)
		exit(3);
	close(file);
}

static int ends[2];

int main(int count, char **words)
{
	const char *how = count > 2 ? words[1] : "", *path = count > 2 ? words[2] : "";
	double x[3] = {1, 2, 3};
	int n = 3, one = 1;

	if (!strcmp(how, "file"))
		open_as_stderr(path);
	else if (!strcmp(how, "log") && !freopen(path, "w", stderr))
		return 3;
	else if (!strcmp(how, "inode")) { /* removes the first file, whose inode number may be used again */
		unlink(path);
		open_as_stderr(path);
	} else if (!strcmp(how, "null")) {
		open_as_stderr("/dev/null");
	} else if (!strcmp(how, "closed")) {
		close(2);
	} else if (!strcmp(how, "deaf") || !strcmp(how, "full")) {
		if (pipe(ends))
			return 3;
		put_as_stderr(ends[1]);
		if (!strcmp(how, "deaf"))
			close(ends[0]);
	} else if (!strcmp(how, "pipe")) {
		if (pipe(ends))
			return 3;
		put_as_stderr(ends[1]);
	} else if (!strcmp(how, "socket")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			return 3;
		put_as_stderr(ends[1]);
	}
	if (!strcmp(how, "full")) {
		char bytes[4096] = "";

		fcntl(2, F_SETFL, O_NONBLOCK);
		while (write(2, bytes, sizeof(bytes)) > 0)
			;
		fcntl(2, F_SETFL, 0);
	} else if (strcmp(how, "deaf") && write(2, "DATA", 4) != 4 && strcmp(how, "closed") && strcmp(how, "shut")) {
		return 4;
	}
	ddot_(&n, x, &one, x, &one);
	if (strcmp(how, "full") && strcmp(how, "deaf") && write(2, "MORE", 4) != 4 && strcmp(how, "closed") &&
	    strcmp(how, "shut"))
		return 4;
	if (!strcmp(how, "pipe") || !strcmp(how, "socket")) {
		char bytes[4096];
		ssize_t length;

		close(2);
		while ((length = read(ends[0], bytes, sizeof(bytes))) > 0)
			if (write(1, bytes, (size_t)length) != length)
				return 4;
	}
	return 0;
}
