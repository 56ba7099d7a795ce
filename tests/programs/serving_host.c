/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * serving_host.c FIRST SECOND OTHER_FIRST - calls two libraries with the same routines by turns, in blocks of growing
 * length; closes the first, and goes on with a third, which is likely to be loaded at the address of the first. Each
 * must call its own routines only.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK_MAX = 300, ROUNDS = 4 };

struct library {
	void *handle;
	long *calls;
	double (*ddot)(const int *, const double *, const int *, const double *, const int *);
};

static int open_library(struct library *library, const char *path)
{
	library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library->handle) {
		fprintf(stderr, "serving_host: %s\n", dlerror());
		return 0;
	}
	library->calls = dlsym(library->handle, "serving_calls");
	*(void **)&library->ddot = dlsym(library->handle, "ddot_");
	return library->calls && library->ddot;
}

static int call(const struct library *library, int times)
{
	static const double x[] = {1, -2, 3};
	int n = 3, one = 1, wrong = 0;

	memset(library->calls, 0, 2 * sizeof(*library->calls));
	for (int i = 0; i < times; i++)
		wrong |= library->ddot(&n, x, &one, x, &one) != 6;
	return wrong || library->calls[0] != 2 * times || library->calls[1] != times;
}

/*
 * The first library is the last one that is called before it is closed; the one in its place is called first
 * afterwards.
 */
static const int turns[] = {0, 1, 0};

int main(int argc, char **argv)
{
	struct library libraries[2];
	long calls = 0;

	if (argc < 4 || !open_library(&libraries[0], argv[1]) || !open_library(&libraries[1], argv[2]))
		return 2;
	for (int round = 0; round < ROUNDS; round++) {
		for (int block = 1; block < BLOCK_MAX; block += 1 + block / 4)
			for (int turn = 0; turn < 3; turn++, calls += block)
				if (call(&libraries[turns[turn]], block)) {
					fprintf(stderr, "serving_host: library %d called another's routines\n",
					        turns[turn]);
					return 1;
				}
		dlclose(libraries[0].handle);
		if (!open_library(&libraries[0], argv[round % 2 ? 1 : 3]))
			return 2;
	}
	printf("%ld\n", calls);
	return 0;
}
