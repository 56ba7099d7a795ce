/* SPDX-License-Identifier: BSD-3-Clause
 *
 * driver.c - reads calls of Fortran routines from standard input and makes them, so that callgrind counts the
 * instructions of each call and writes a dump of its own for it. It must never count its own instructions: collection
 * is on only while the routine runs.
 *
 * It is built twice: as a program that runs under valgrind, and as a shared object that the Python side loads for
 * XERBLA and the SELECT functions.
 *
 * A call on standard input is a struct call_header, the symbol, and for each argument a struct argument_header with its
 * contents. The answer on standard output is a line: INFO, the number of the argument that XERBLA was called for (0:
 * none), and the name of the routine that called it.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <valgrind/callgrind.h>

enum { MAX_WORDS = 72, MAX_SYMBOL = 128 };

struct call_header {
	uint32_t symbol_length;
	uint32_t arguments;
	uint32_t hidden_lengths; /* number of Fortran's string lengths, which are all 1 */
	int32_t info;            /* index of INFO, -1 if there is none */
};

enum argument_tag { BUFFER, SELECT_SINGLE, SELECT_DOUBLE };

struct argument_header {
	uint64_t tag;
	uint64_t size;   /* bytes of the buffer */
	uint64_t filled; /* bytes of contents that follow; the rest of the buffer is 0 */
};

int measure_rejected_argument;
char measure_rejected_by[32] = "-";

/* Replaces the library's XERBLA, which would end the process. */
void xerbla_(const char *name, const int *argument, size_t length)
{
	size_t shown = 0;

	while (shown < length && shown < sizeof measure_rejected_by - 1 && name[shown] > ' ')
		shown++;
	memcpy(measure_rejected_by, name, shown);
	measure_rejected_by[shown] = 0;
	measure_rejected_argument = *argument;
}

/* SELECT for xGEES and xGGES: selects eigenvalues with a positive real part. */
int measure_select_single(const float *real_part) { return *real_part > 0; }

int measure_select_double(const double *real_part) { return *real_part > 0; }

typedef uintptr_t W;
typedef void routine(W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
                     W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
                     W, W, W, W, W, W);

/*
 * Every routine gets all words: the caller removes them from the stack, and a routine with fewer arguments ignores the
 * rest.
 */
#define W8(i) w[i], w[i + 1], w[i + 2], w[i + 3], w[i + 4], w[i + 5], w[i + 6], w[i + 7]

static void invoke_counted(routine *call, const W *w)
{
	CALLGRIND_ZERO_STATS;
	CALLGRIND_TOGGLE_COLLECT;
	call(W8(0), W8(8), W8(16), W8(24), W8(32), W8(40), W8(48), W8(56), W8(64));
	CALLGRIND_TOGGLE_COLLECT;
	CALLGRIND_DUMP_STATS;
}

static void fail(const char *what, const char *detail)
{
	fprintf(stderr, "measure-flops driver: %s: %s\n", what, detail);
	exit(1);
}

static int read_exactly(void *to, size_t bytes) { return fread(to, 1, bytes, stdin) == bytes; }

static void need(void *to, size_t bytes)
{
	if (!read_exactly(to, bytes))
		fail("standard input", "ends inside a call");
}

static W read_argument(struct argument_header *argument)
{
	need(argument, sizeof *argument);
	if (argument->tag == SELECT_SINGLE)
		return (W)measure_select_single;
	if (argument->tag == SELECT_DOUBLE)
		return (W)measure_select_double;

	void *buffer =
		mmap(NULL, argument->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (buffer == MAP_FAILED)
		fail("no memory for an argument", "mmap");
	need(buffer, argument->filled);
	return (W)buffer;
}

static int run_one_call(void)
{
	struct call_header header;
	struct argument_header arguments[MAX_WORDS];
	char symbol[MAX_SYMBOL] = "";
	W words[MAX_WORDS] = {0};

	if (!read_exactly(&header, sizeof header))
		return 0;
	if (header.arguments + header.hidden_lengths > MAX_WORDS || header.symbol_length >= MAX_SYMBOL)
		fail("too many arguments", "MAX_WORDS");
	need(symbol, header.symbol_length);
	for (uint32_t i = 0; i < header.arguments; i++)
		words[i] = read_argument(&arguments[i]);
	for (uint32_t i = 0; i < header.hidden_lengths; i++)
		words[header.arguments + i] = 1;

	routine *call = (routine *)dlsym(RTLD_DEFAULT, symbol);
	if (!call)
		fail("no such routine in the libraries", symbol);
	measure_rejected_argument = 0;
	invoke_counted(call, words);

	int info = header.info < 0 ? 0 : *(int *)words[header.info];
	printf("%d %d %s\n", info, measure_rejected_argument, measure_rejected_by);
	fflush(stdout);
	for (uint32_t i = 0; i < header.arguments; i++)
		if (arguments[i].tag == BUFFER)
			munmap((void *)words[i], arguments[i].size);
	return 1;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL))
			fail("cannot load", dlerror());
	while (run_one_call())
		;
	return 0;
}
