/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * victim.c COUNTS THREADS CALLS HOW - calls ddot_ from several threads until something ends the process, and counts the
 * calls that have returned in a shared file.
 *
 * COUNTS is a file with a 64-bit counter for each thread; CALLS is how many calls each thread makes, 0 for no end. HOW:
 * run, segv, _exit, abort, quick_exit, oom, hog, closefds, reuse, daemon, fork, forks, clone, short, many, unload,
 * slide, vfork.
 *
 * Modes that run in rounds print what the process holds after a warm-up and at the end: resident kilobytes, mappings
 * and descriptors. unload and slide take a library and the name of a function in it as further arguments.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blas.h"

enum { THREADS_MAX = 4096, ROUNDS = 1000, ROUNDS_WARM = 200, CROWDS = 50, CROWDS_WARM = 10, CROWD = 64 };

static volatile uint64_t *counts;
static const char *counts_path;
static pthread_barrier_t *crowd; /* where threads wait after their first call until all of them exist; or NULL */
static long calls;
static double vector[8] = {1, 2, 3, 4, 5, 6, 7, 8};

/* n goes from 1 to 8 again and again, so that there are several shapes. */
static void call(volatile uint64_t *count)
{
	int n = (int)(*count % 8) + 1, one = 1;

	ddot_(&n, vector, &one, vector, &one);
	++*count;
}

static void *work(void *argument)
{
	volatile uint64_t *count = &counts[(long)argument];

	for (long i = 0; !calls || i < calls; i++) {
		call(count);
		if (crowd && !i)
			pthread_barrier_wait(crowd);
	}
	return NULL;
}

static void run_threads(long first, long count)
{
	static pthread_t threads[THREADS_MAX];

	for (long i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, work, (void *)(first + i));
	for (long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static void hold(long round, long warm, long last)
{
	char line[4096];
	long resident = 0, mappings = 0, descriptors = 0;
	FILE *file;
	DIR *folder;

	if (round != warm && round != last)
		return;
	file = fopen("/proc/self/status", "r");
	while (fgets(line, sizeof(line), file))
		sscanf(line, "VmRSS: %ld", &resident);
	fclose(file);
	file = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), file))
		mappings++;
	fclose(file);
	folder = opendir("/proc/self/fd");
	while (readdir(folder))
		descriptors++;
	closedir(folder);
	printf("%ld %ld %ld\n", resident, mappings, descriptors);
	fflush(stdout); /* otherwise each child would print the buffer again */
}

static void run_crowds(void)
{
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, CROWD);
	crowd = &barrier;
	for (long i = 0; i < CROWDS; i++) {
		run_threads(1 + i % 8 * CROWD, CROWD);
		hold(1 + i, CROWDS_WARM, CROWDS);
	}
}

static void out_of_memory(void)
{
	struct rlimit limit = {256 << 20, 256 << 20};

	setrlimit(RLIMIT_AS, &limit);
	for (;;) {
		char *block = malloc(1 << 20);

		if (!block)
			abort();
		memset(block, 1, 1 << 20);
	}
}

/* Closes every descriptor, so that the next file which the program opens gets the number of a closed one. */
static void reuse_descriptors(void)
{
	char path[] = "own-XXXXXX", back[16] = "";
	int file;

	for (int i = 3; i < 256; i++)
		close(i);
	file = mkstemp(path);
	if (write(file, "mine", 4) != 4)
		_exit(9);
	run_threads(1, 4);
	if (pread(file, back, sizeof(back), 0) != 4 || memcmp(back, "mine", 4))
		_exit(9);
}

static void fork_often(long count)
{
	for (long i = 0; i < count; i++) {
		pid_t child = fork();
		int status;

		if (!child) {
			work((void *)(1 + i));
			exit(0);
		}
		if (waitpid(child, &status, 0) != child || status)
			_exit(9);
		hold(1 + i, ROUNDS_WARM, ROUNDS);
	}
}

static void fork_while_threads_call(void)
{
	pthread_t threads[3];

	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, work, (void *)(100 + i));
	fork_often(50);
	for (long i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/*
 * Loads, calls and unloads a BLAS, or a plugin that calls one, again and again. If a page is left mapped where it was,
 * it is loaded at another address each time.
 */
static void load_and_unload(const char *path, const char *name, bool elsewhere)
{
	for (long i = 0; i < calls; i++) {
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		double (*ddot)(const int *, const double *, const int *, const double *, const int *);
		int n = 4, one = 1;
		Dl_info info;

		if (!library)
			_exit(9);
		*(void **)&ddot = dlsym(library, name);
		if (ddot(&n, vector, &one, vector, &one) != 30 || !dladdr(*(void **)&ddot, &info))
			_exit(9);
		counts[0]++;
		dlclose(library);
		if (elsewhere)
			mmap(info.dli_fbase, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		hold(1 + i, ROUNDS_WARM, calls);
	}
}

static void become_daemon(void)
{
	if (fork())
		_exit(0);
	setsid();
	if (fork())
		_exit(0);
	for (int i = 0; i < 256; i++)
		close(i);
	work((void *)1);
	counts[2] = 1; /* tells that the rounds are over */
	_exit(0);
}

/* Runs another program by vfork, which calls too and adds to the same count while this one waits. */
static void run_another(void)
{
	pid_t child = vfork();
	int status;

	if (!child) {
		execl("/proc/self/exe", "victim", counts_path, "1", "16", "run", (char *)NULL);
		_exit(9);
	}
	if (waitpid(child, &status, 0) != child || status)
		_exit(9);
}

/* Forks by the system call itself, so that functions registered by pthread_atfork do not run. */
static void clone_raw(void)
{
	pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	int status;

	if (!child) {
		work((void *)1);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		_exit(9);
	work((void *)2);
}

static void end(const char *how)
{
	if (!strcmp(how, "segv"))
		*(volatile int *)8 = 1;
	if (!strcmp(how, "_exit"))
		_exit(3);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "quick_exit"))
		quick_exit(4);
	if (!strcmp(how, "oom"))
		out_of_memory();
	if (!strcmp(how, "closefds") || !strcmp(how, "reuse"))
		reuse_descriptors();
	if (!strcmp(how, "daemon"))
		become_daemon();
	if (!strcmp(how, "forks"))
		fork_often(ROUNDS);
	if (!strcmp(how, "fork"))
		fork_while_threads_call();
	for (long i = 0; !strcmp(how, "short") && i < ROUNDS; i++) {
		run_threads(1 + i, 1);
		hold(1 + i, ROUNDS_WARM, ROUNDS);
	}
	if (!strcmp(how, "many"))
		run_crowds();
	if (!strcmp(how, "vfork"))
		run_another();
	if (!strcmp(how, "clone"))
		clone_raw();
	if (!strcmp(how, "hog"))
		for (;;)
			memset(malloc(1 << 20), 1, 1 << 20);
}

int main(int argc, char **argv)
{
	int file = open(argv[1], O_RDWR | O_CREAT, 0666);
	long threads = atol(argv[2]);

	if (argc < 5 || ftruncate(file, THREADS_MAX * 8))
		return 2;
	counts = mmap(NULL, THREADS_MAX * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	counts_path = argv[1];
	calls = atol(argv[3]);
	if (!strcmp(argv[4], "unload") || !strcmp(argv[4], "slide")) {
		load_and_unload(argv[5], argv[6], argv[4][0] == 's');
		return 0;
	}
	if (threads > 1)
		run_threads(0, threads);
	else
		work((void *)0);
	end(argv[4]);
	return 0;
}
