/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * python_host.c LIBPYTHON - a program that embeds Python. A daemon thread of Python, and a thread that Python does not
 * know, make calls in a loop while the interpreter is finalized, and after that. Prints the number of calls. It must be
 * linked with
 * -rdynamic, since Python code takes host_work from the program.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "blas.h"

static const char script[] = "import ctypes, threading\n"
			     "def outer():\n"
			     "    ctypes.CDLL(None).host_work()\n"
			     "threading.Thread(target=outer, daemon=True).start()\n";

static atomic_long calls;
static atomic_int ended, working;

static void work(void)
{
	double x[] = {1, 2, 3, 4};
	int n = 4, one = 1;

	ddot_(&n, x, &one, x, &one);
	calls++;
}

void host_work(void)
{
	working++;
	while (!ended)
		work();
	working--;
}

static void *stranger(void *unused)
{
	host_work();
	return unused;
}

int main(int argc, char **argv)
{
	void *python = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW | RTLD_GLOBAL);
	void (*initialize)(void);
	int (*run)(const char *), (*finalize)(void);
	pthread_t thread;

	if (!python)
		return 2;
	*(void **)&initialize = dlsym(python, "Py_Initialize");
	*(void **)&run = dlsym(python, "PyRun_SimpleString");
	*(void **)&finalize = dlsym(python, "Py_FinalizeEx");
	initialize();
	pthread_create(&thread, NULL, stranger, NULL);
	if (run(script))
		return 3;
	while (working < 2)
		usleep(1000);
	usleep(50000);
	finalize();
	work();
	usleep(50000);
	ended = 1;
	pthread_join(thread, NULL);
	while (working)
		usleep(1000);
	printf("%ld\n", (long)calls);
	fflush(stdout);
	_exit(0); /* the thread of Python cannot return to the interpreter any more */
}
