/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * written.c MODE CALLS - calls ddot_ CALLS times, and then does what a thread in the process that the program does not know
 * could disturb, or what ends the process without the end of the shim.
 *
 * MODE: one of the functions in `modes`. The program prints one line when its calls are made, or what it found.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blas.h"

enum { NOBODY = 65534 };

static double vector[8] = {1, 2, 3, 4, 5, 6, 7, 8};

/* n goes from 1 to 8 again and again. */
static void call(long times)
{
	static long made;
	int one = 1;

	for (long i = 0; i < times; i++) {
		int n = (int)(made++ % 8) + 1;

		ddot_(&n, vector, &one, vector, &one);
	}
}

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static void rest(long calls)
{
	call(calls);
	say("done");
	for (;;)
		pause();
}

/* Ten calls every 10 ms for 3 seconds, which only change counts, and then none. */
static void busy(long calls)
{
	call(calls);
	for (int i = 0; i < 300; i++) {
		call(10);
		usleep(10000);
	}
	rest(0);
}

/* The thread writes several times between the first calls and as many again. */
static void paused(long calls)
{
	call(calls);
	usleep(2500000);
	rest(calls);
}

/* The child calls twice as often. */
static void forks(long calls)
{
	call(calls);
	usleep(100000);
	if (!fork())
		call(2 * calls);
	rest(0);
}

static void *after_main(void *calls)
{
	usleep(200000);
	call((long)calls);
	return NULL;
}

/* The process ends with its last thread. */
static void last(long calls)
{
	pthread_t thread;

	call(1);
	pthread_create(&thread, NULL, after_main, (void *)calls);
	pthread_detach(thread);
	pthread_exit(NULL);
}

/* Prints the user of every thread there is. */
static void print_users(void)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;

	while ((entry = readdir(folder))) {
		char path[300], line[256];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		while (file && fgets(line, sizeof(line), file))
			if (!strncmp(line, "Uid:", 4))
				printf("%s", line);
		if (file)
			fclose(file);
	}
	closedir(folder);
	fflush(stdout);
}

static void user(long calls)
{
	call(calls);
	if (setresuid(NOBODY, NOBODY, NOBODY))
		perror("setresuid");
	print_users();
}

/* What a process with several threads may not do. */
static void spaces(long calls)
{
	call(calls);
	say(unshare(CLONE_NEWUSER) ? strerror(errno) : "done");
	call(calls);
	usleep(1500000);
	call(calls); /* a thread that writes is made again */
	rest(0);
}

/* Whoever opens a file gets the lowest number that is free, and no other thread takes it for a moment. */
static void lowest(long calls)
{
	struct timeval begin, now;
	int expected = open("/dev/null", O_RDONLY), wrong = 0;

	close(expected);
	gettimeofday(&begin, NULL);
	do {
		int file;

		call(calls);
		file = open("/dev/null", O_RDONLY);
		wrong += file != expected;
		close(file);
		gettimeofday(&now, NULL);
	} while (now.tv_sec - begin.tv_sec < 3);
	printf("%d\n", wrong);
}

/* A pipe that was open at the first call ends where the program closes it. */
static void pipes(long calls)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_NONBLOCK))
		exit(2);
	call(calls);
	close(ends[1]);
	say(read(ends[0], &byte, 1) ? strerror(errno) : "end");
}

static void _exits(long calls)
{
	call(calls);
	_exit(7);
}

static void late_exit(long calls)
{
	call(calls);
	say("done");
	sleep(2);
	call(calls);
	_exit(7);
}

static void quick_exits(long calls)
{
	call(calls);
	quick_exit(7);
}

static void no_exec(long calls)
{
	call(calls);
	execl("/nowhere", "nowhere", (char *)NULL);
	call(calls);
	rest(0);
}

static void _Exits(long calls)
{
	call(calls);
	_Exit(7);
}

#define PROGRAM "/bin/echo"
static char *arguments[] = {PROGRAM, "1", "2", "3", "4", "5", "6", "7", "8", NULL};
#define LIST PROGRAM, PROGRAM, "1", "2", "3", "4", "5", "6", "7", "8", (char *)NULL

#define EXEC(name, ...)                     \
	static void call_##name(long calls) \
	{                                   \
		call(calls);                \
		name(__VA_ARGS__);          \
		exit(9);                    \
	}
EXEC(execl, LIST)
EXEC(execlp, LIST)
EXEC(execle, LIST, environ)
EXEC(execv, PROGRAM, arguments)
EXEC(execvp, PROGRAM, arguments)
EXEC(execve, PROGRAM, arguments, environ)
EXEC(execvpe, PROGRAM, arguments, environ)
EXEC(fexecve, open(PROGRAM, O_RDONLY), arguments, environ)

/* The child of vfork has the parent's memory: that it ends must change nothing in the parent's dump. */
static void vforks(long calls)
{
	call(calls);
	if (!vfork()) {
		execl("/nowhere", "nowhere", (char *)NULL);
		_exit(1);
	}
	wait(NULL);
	rest(calls);
}

static const struct {
	const char *name;
	void (*run)(long calls);
} modes[] = {
	{"rest", rest},
	{"busy", busy},
	{"paused", paused},
	{"forks", forks},
	{"last", last},
	{"user", user},
	{"spaces", spaces},
	{"lowest", lowest},
	{"pipes", pipes},
	{"_exit", _exits},
	{"late_exit", late_exit},
	{"quick_exit", quick_exits},
	{"no_exec", no_exec},
	{"_Exit", _Exits},
	{"vforks", vforks},
	{"execl", call_execl},
	{"execlp", call_execlp},
	{"execle", call_execle},
	{"execv", call_execv},
	{"execvp", call_execvp},
	{"execve", call_execve},
	{"execvpe", call_execvpe},
	{"fexecve", call_fexecve},
};

int main(int count, char **words)
{
	for (size_t i = 0; count == 3 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(words[1], modes[i].name))
			modes[i].run(atol(words[2]));
	return 0;
}
