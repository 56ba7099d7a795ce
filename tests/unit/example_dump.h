/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * example_dump.h - a dump with something of every kind in it, and the sums over it, for the tests of the reader.
 * It must never share code with the reader: the dump is written by dump_writer.h.
 */
#ifndef TESTS_EXAMPLE_DUMP_H
#define TESTS_EXAMPLE_DUMP_H

#include <check.h>

#include "analyzer/aggregate/aggregate.h"
#include "dump_writer.h"
#include "memory_source.h"

static uint64_t example_stack; /* the reference of its only stack */

/*
 * Writes 3 calls of dgemm of 1,000 FLOPs each, 2 calls of dtrsm of 500 each in the namespace "train", and one workspace
 * query; 4 nested calls; a limit, a note, a stack with its sample, and a call of the ordered record.
 */
static inline void example_paged(struct writer *writer, uint32_t page)
{
	static const uint64_t addresses[] = {0x401010, 0x402020, 0x403030};
	struct dump_lane lane = {.nested_calls = 4, .threads = 1};
	struct dump_limit limit = {.amount = 10000, .used = 4000};
	struct dump_sample sample = {.flops = 3000, .calls = 1};
	struct dump_call call = {.sequence = 1, .duration_ns = 10, .cumulative = 1000};
	uint32_t program, blas, gemm, trsm, train, site;
	struct dump_row row;

	writer_open_paged(writer, 42, page);
	writer_meta(writer, "program", "/bin/example");
	writer_meta(writer, "argument", "example");
	writer_meta(writer, "argument", "-x");
	program = writer_module(writer, "/bin/example", 0x400000, 0, "id", 2);
	blas = writer_module(writer, "/lib/blas.so", 0x500000, DUMP_MODULE_SERVES, "", 0);
	gemm = writer_routine(writer, "dgemm", DUMP_DIRECT, "transa transb|m n k");
	trsm = writer_routine(writer, "dtrsm", DUMP_DIRECT, "side uplo transa diag|m n");
	writer_namespace(writer, "", DUMP_NONE);
	train = writer_namespace(writer, "train", 0);
	writer_add(writer, DUMP_LIMITS, &limit, sizeof limit);
	writer_lane(writer, &lane);
	site = writer_site(writer, "dgemm_", gemm, 0x401010, program, blas);
	row = writer_call(site, 3, 1000, "NT", 10, 10, 5);
	writer_row(writer, 0, &row);
	row.kind = DUMP_ROW_QUERY;
	row.calls = 1;
	row.flops = row.charged = 0;
	writer_row(writer, 0, &row);
	site = writer_site(writer, "dtrsm_", trsm, 0x402020, program, blas);
	row = writer_call(site, 2, 500, "LUNN", 10, 5, 0);
	row.namespace_id = train;
	writer_row(writer, 0, &row);
	writer_note(writer, DUMP_NOTE_HIDDEN, "/lib/other.so", 1);
	example_stack = writer_stack(writer, addresses, 3, writer_string(writer, "f (a.py:1)\ng (a.py:9)"));
	sample.stack = example_stack;
	writer_add(writer, DUMP_SAMPLES, &sample, sizeof sample);
	writer_add(writer, DUMP_LOG, &call, sizeof call);
}

/* The same dump from a machine with the smallest pages. */
static inline void example(struct writer *writer) { example_paged(writer, DUMP_PAGE_LEAST); }

/* Reads and adds up one dump. The caller ends the result with aggregate_close. */
static inline struct aggregate sum_of(const unsigned char *bytes, uint64_t size)
{
	struct memory_file file = {bytes, size};
	struct dump_source source = memory_source(&file);
	struct aggregate aggregate;

	aggregate_open(&aggregate, &(struct aggregate_options){0});
	aggregate_add(&aggregate, &source, "test.dump");
	return aggregate;
}

/* A pseudo-random number of 48 bits. The same `state` gives the same numbers in every run. */
static inline uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 16;
}

#endif
