/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * make_dump.c - writes the dumps that the golden tests and the benchmarks read: make_dump SCENARIO FILE [PAGE].
 * It must never leave a number of a report to the report: each scenario's comment works its numbers out by hand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dump_writer.h"

/* What all scenarios have: a program, a BLAS and one thread. */
struct common {
	struct writer writer;
	uint32_t program, blas;
	uint32_t gemm, gemm_site;
};

static uint32_t page = DUMP_PAGE_LEAST;

static void begin(struct common *common, uint32_t pid, const char *program)
{
	struct writer *writer = &common->writer;

	writer_open_paged(writer, pid, page);
	writer_meta(writer, "program", program);
	writer_meta(writer, "argument", program);
	writer_meta(writer, "argument", "--size=big");
	writer_meta(writer, "directory", "/home/user");
	common->program = writer_module(writer, program, 0x400000, 0, "", 0);
	common->blas = writer_module(writer, "/usr/lib/libblas.so.3", 0x7f0000000000,
	                             DUMP_MODULE_SERVES | DUMP_MODULE_BLAS, "\x12\x34", 2);
	common->gemm = writer_routine(writer, "dgemm", DUMP_DIRECT, "transa transb|m n k");
	common->gemm_site = writer_site(writer, "cblas_dgemm", common->gemm, 0x401234, common->program, common->blas);
}

static void add_lane(struct common *common, uint64_t nested)
{
	struct dump_lane lane = {.nested_calls = nested, .threads = 1};

	writer_lane(&common->writer, &lane);
}

/*
 * One product of 300x200 by 200x400: 2 * 300 * 400 * 200 = 48,000,000. Two calls of dsyrk, n = 100, k = 50:
 * 100 * 101 * 50 = 505,000 each, of which one was timed. For dgesdd a workspace query, and a call that LAPACK rejected.
 * Seven calls of dcopy, which is exempt. Together 48,000,000 + 1,010,000 = 49,010,000 FLOPs in 1 + 2 + 1 + 7 = 11
 * calls.
 */
static void simple(struct common *common)
{
	struct writer *writer = &common->writer;
	uint32_t syrk, gesdd, copy, site;
	struct dump_row row;

	begin(common, 4242, "/usr/bin/simple");
	add_lane(common, 304);
	row = writer_call(common->gemm_site, 1, 48000000, "NN", 300, 400, 200);
	row.time_ns = 12000000; /* 4 GFLOP/s */
	row.timed_calls = 1;
	row.words = 380000; /* 300*200 + 200*400 + 2*300*400 */
	writer_row(writer, 0, &row);

	syrk = writer_routine(writer, "dsyrk", DUMP_DIRECT, "uplo trans|n k");
	site = writer_site(writer, "dsyrk_64_", syrk, 0x402000, common->program, common->blas);
	row = writer_call(site, 2, 505000, "UN", 100, 50, 0);
	row.time_ns = 1000000; /* one of two calls was timed: 2 ms for both */
	row.timed_calls = 1;
	row.words = 15100;
	writer_row(writer, 0, &row);

	gesdd = writer_routine(writer, "dgesdd", DUMP_ITERATIVE, "jobz|m n");
	site = writer_site(writer, "dgesdd_", gesdd, 0x403000, common->program, common->blas);
	row = writer_call(site, 1, 0, "S", 200, 200, 0);
	row.kind = DUMP_ROW_QUERY;
	writer_row(writer, 0, &row);
	row = writer_call(site, 1, 0, "X", 200, 200, 0);
	row.kind = DUMP_ROW_REJECTED;
	writer_row(writer, 0, &row);

	copy = writer_routine(writer, "dcopy", DUMP_EXEMPT, "|n");
	site = writer_site(writer, "dcopy_", copy, 0x404000, DUMP_NONE, common->blas);
	row = writer_call(site, 7, 0, "", 1000, 0, 0);
	writer_row(writer, 0, &row);
	writer_close(writer, DUMP_CLOSED);
}

/*
 * Budgets of 100,000,000 on the root and of 20,000,000 on train.forward; one on train.bakward, which is never used. The
 * root has 1 product of 48,000,000, train 1 dgemm of 10,000,000, and train.forward 2 of 8,000,000 and a third that was
 * refused. With all inside of it, train has 10 + 16 = 26 million and the root 74 million; the charges are the same. One
 * call ran over the budget of a scope.
 */
static void budget(struct common *common)
{
	struct writer *writer = &common->writer;
	struct dump_limit limit = {0};
	uint32_t train, forward, wrong;
	struct dump_row row;

	begin(common, 77, "/opt/train");
	writer_namespace(writer, "", DUMP_NONE);
	train = writer_namespace(writer, "train", 0);
	forward = writer_namespace(writer, "train.forward", train);
	wrong = writer_namespace(writer, "train.bakward", train);
	limit = (struct dump_limit){.amount = 100000000, .used = 74000000};
	writer_add(writer, DUMP_LIMITS, &limit, sizeof limit);
	limit = (struct dump_limit){.amount = 20000000,
	                            .used = 16000000,
	                            .namespace_id = forward,
	                            .refused_calls = 1,
	                            .refused_flops = 8000000};
	writer_add(writer, DUMP_LIMITS, &limit, sizeof limit);
	limit = (struct dump_limit){.amount = 5000000, .namespace_id = wrong};
	writer_add(writer, DUMP_LIMITS, &limit, sizeof limit);
	limit = (struct dump_limit){.amount = 9000000,
	                            .used = 10000000,
	                            .namespace_id = train,
	                            .over_calls = 1,
	                            .flags = DUMP_LIMIT_SCOPE | DUMP_LIMIT_ENDED};
	writer_add(writer, DUMP_LIMITS, &limit, sizeof limit);
	add_lane(common, 0);
	row = writer_call(common->gemm_site, 1, 48000000, "NN", 300, 400, 200);
	writer_row(writer, 0, &row);
	row = writer_call(common->gemm_site, 1, 10000000, "NN", 100, 500, 100);
	row.namespace_id = train;
	row.flags = DUMP_ROW_OVER;
	writer_row(writer, 0, &row);
	row = writer_call(common->gemm_site, 2, 8000000, "NT", 200, 200, 100);
	row.namespace_id = forward;
	writer_row(writer, 0, &row);
	row.kind = DUMP_ROW_REFUSED;
	row.calls = 1;
	writer_row(writer, 0, &row);
	writer_header(writer)->exit_status = 121;
	writer_close(writer, DUMP_CLOSED);
}

/*
 * With weights, 3 calls of dgemm of 1,000 FLOPs are charged 2,500 each: 3,000 FLOPs, 7,500 charged. The program itself
 * charges 2 x 500 = 1,000 as "fft". Together 4,000 FLOPs and 8,500 charged in 3 calls.
 */
static void weights(struct common *common)
{
	struct writer *writer = &common->writer;
	struct dump_row row;
	uint32_t site;

	begin(common, 5, "/opt/weights");
	add_lane(common, 0);
	row = writer_call(common->gemm_site, 3, 1000, "NN", 10, 10, 5);
	row.charged = 2500;
	writer_row(writer, 0, &row);
	site = writer_site(writer, "fft", DUMP_NONE, 0, DUMP_NONE, DUMP_NONE);
	row = writer_call(site, 2, 500, "", 0, 0, 0);
	row.kind = DUMP_ROW_MANUAL;
	writer_row(writer, 0, &row);
	writer_close(writer, DUMP_CLOSED);
}

/*
 * The process was killed in its fourth product: 3 of 2,000,000 are done, 1 is in flight, and the dump was not closed.
 */
static void killed(struct common *common)
{
	struct writer *writer = &common->writer;
	struct dump_lane lane = {.threads = 2, .depth = 1, .frames = {{0x7ffe0000, 0x401234, 0}}};
	struct dump_row row;

	begin(common, 4000000000u, "/opt/killed");
	gethostname(writer_header(writer)->host,
	            sizeof writer_header(writer)->host - 1); /* on this host the report can tell that it has ended */
	writer_check(writer);
	writer_lane(writer, &lane);
	row = writer_call(common->gemm_site, 3, 2000000, "NN", 100, 100, 100);
	writer_row(writer, 0, &row);
	writer_frame(writer, 0, 0, 0);
}

/*
 * The same on another machine, with a file system where the dump is written out (DUMP_NOT_DURABLE): by calls, or by a
 * thread.
 */
static void killed_elsewhere(struct common *common)
{
	killed(common);
	strcpy(writer_header(&common->writer)->host, "elsewhere");
	writer_header(&common->writer)->losses = DUMP_NOT_DURABLE;
	writer_check(&common->writer);
}

static void killed_written(struct common *common)
{
	killed_elsewhere(common);
	writer_header(&common->writer)->write_ms = 1000;
}

/*
 * Everything that a report warns of: 2 calls of dgejsv, which has no price, 5 lost calls, 3 passed on, 1 saturated, and
 * notes.
 */
static void troubled(struct common *common)
{
	struct writer *writer = &common->writer;
	struct dump_lane lane = {.threads = 1, .lost_calls = 5, .passed_calls = 3, .abandoned_calls = 1};
	uint32_t routine, site;
	struct dump_row row;

	begin(common, 6, "/opt/troubled \033[31m");
	writer_lane(writer, &lane);
	row = writer_call(common->gemm_site, 4, 2000000, "NN", 100, 100, 100);
	writer_row(writer, 0, &row);
	routine = writer_routine(writer, "dgejsv", DUMP_UNPRICED, "joba|m n");
	site = writer_site(writer, "dgejsv_", routine, 0x405000, common->program, common->blas);
	row = writer_call(site, 2, 0, "C", 50, 40, 0);
	writer_row(writer, 0, &row);
	row = writer_call(common->gemm_site, 1000, 5000000, "NN", 128, 128,
	                  128); /* a coarse row: 5,000,000 is the sum of all calls */
	row.flags = DUMP_ROW_COARSE;
	writer_row(writer, 0, &row);
	writer_note(writer, DUMP_NOTE_HIDDEN, "/opt/libother.so", 1);
	writer_note(writer, DUMP_NOTE_NOT_BLAS, "/opt/libgame.so", 3);
	writer_note(writer, DUMP_NOTE_ENVIRONMENT, "FLOPSHIM_TIME=maybe: expected off, auto or all", 1);
	writer_note(writer, DUMP_NOTE_MESSAGE, "/tmp/x.dump cannot grow: its record of calls ends here", 2);
	writer_header(writer)->losses = DUMP_LOST_CALLS | DUMP_LOST_SPACE | DUMP_COARSE_SHAPES | DUMP_LOST_SITES;
	writer_header(writer)->saturated = 1;
	writer_close(writer, DUMP_CLOSED);
}

/*
 * A complete dump: 1 product of 2,000,000 FLOPs, 2 calls of dgejsv, which has no price, and stacks without Python
 * frames.
 */
static void unpriced(struct common *common)
{
	struct writer *writer = &common->writer;
	uint32_t routine, site;
	struct dump_row row;

	begin(common, 7, "/opt/unpriced");
	add_lane(common, 0);
	row = writer_call(common->gemm_site, 1, 2000000, "NN", 100, 100, 100);
	writer_row(writer, 0, &row);
	routine = writer_routine(writer, "dgejsv", DUMP_UNPRICED, "joba|m n");
	site = writer_site(writer, "dgejsv_", routine, 0x405000, common->program, common->blas);
	row = writer_call(site, 2, 0, "C", 50, 40, 0);
	writer_row(writer, 0, &row);
	writer_note(writer, DUMP_NOTE_PYTHON, "CPython 3.99", 4);
	writer_close(writer, DUMP_CLOSED);
}

/*
 * Rank `number` of a job: 1000 products of 2^62 FLOPs, and `number` products of 2,000. The large ones of two ranks are
 * 2000 * 4611686018427387904 = 9223372036854775808000 FLOPs, which 64 bits cannot hold.
 */
static void rank(struct common *common, int32_t number)
{
	struct writer *writer = &common->writer;
	struct dump_row row;

	begin(common, 100 + (uint32_t)number, "/opt/mpi");
	writer_header(writer)->rank = number;
	writer_header(writer)->job_size = 2;
	strcpy(writer_header(writer)->job, "98765");
	add_lane(common, 10);
	row = writer_call(common->gemm_site, 1000, UINT64_C(1) << 62, "NN", 1 << 20, 1 << 20, 1 << 21);
	writer_row(writer, 0, &row);
	row = writer_call(common->gemm_site, (uint64_t)number, 2000, "NN", 10, 10, 10);
	writer_row(writer, 0, &row);
	writer_close(writer, DUMP_CLOSED);
}

/*
 * Rank `number` of 12, or of 2 in a second launch: it makes `number` products of 1,000 FLOPs. Ranks 2, 9 and 10 of the
 * first launch make 21,000 together. The mean of 12 ranks is 1,750, and the busiest has 10,000, 5.71 times as much.
 */
static void of_launch(struct common *common, int32_t number, bool second)
{
	struct writer *writer = &common->writer;
	struct dump_row row;

	begin(common, (second ? 400 : 300) + (uint32_t)number, "/opt/launched");
	writer_header(writer)->rank = number;
	writer_header(writer)->job_size = second ? 2 : 12;
	strcpy(writer_header(writer)->job, "77");
	strcpy(writer_header(writer)->launch, second ? "1" : "0");
	add_lane(common, 0);
	row = writer_call(common->gemm_site, (uint64_t)number, 1000, "NN", 10, 10, 5);
	writer_row(writer, 0, &row);
	writer_close(writer, DUMP_CLOSED);
}

/* The dump was priced by another table: dgemm at half its price, and a routine that today's table lacks. */
static void old_table(struct common *common)
{
	struct writer *writer = &common->writer;
	uint32_t routine, site;
	struct dump_row row;

	begin(common, 9, "/opt/old");
	strcpy(writer_header(writer)->table_version, "table-0");
	add_lane(common, 0);
	row = writer_call(common->gemm_site, 2, 1000000, "NN", 100, 100, 100); /* today's price is 2,000,000 */
	row.charged = 3000000;                                                 /* the weight is 3: 6,000,000 today */
	writer_row(writer, 0, &row);
	routine = writer_routine(writer, "dfoobar", DUMP_DIRECT, "|n");
	site = writer_site(writer, "dfoobar_", routine, 0x405000, common->program, common->blas);
	row = writer_call(site, 1, 7, "", 3, 0, 0);
	writer_row(writer, 0, &row);
	writer_close(writer, DUMP_CLOSED);
}

/*
 * 100 products of 1,000,000 FLOPs from Python and 10 solves of 2,000,000 from C, 120,000,000 in all. The samples of the
 * products stand for 60,000,000 in fit and 39,000,000 in predict, those of the solves for 21,000,000.
 */
static void sampled(struct common *common)
{
	static const uint64_t from_python[] = {0x401234, 0x7f0000000100, 0x401300},
			      from_c[] = {0x402000, 0x402100, 0x9999};
	struct writer *writer = &common->writer;
	uint32_t gesv, site;
	struct dump_sample sample;
	struct dump_row row;

	begin(common, 8, "/opt/sampled");
	add_lane(common, 0);
	row = writer_call(common->gemm_site, 100, 1000000, "NN", 100, 100, 50);
	writer_row(writer, 0, &row);
	gesv = writer_routine(writer, "dgesv", DUMP_DIRECT, "|n nrhs");
	site = writer_site(writer, "dgesv_", gesv, 0x402000, common->program, common->blas);
	row = writer_call(site, 10, 2000000, "", 144, 1, 0);
	writer_row(writer, 0, &row);
	sample = (struct dump_sample){.flops = 39000000, .calls = 4, .site = common->gemm_site};
	sample.stack =
		writer_stack(writer, from_python, 3, writer_string(writer, "predict (model.py:34)\nmain (run.py:5)"));
	writer_add(writer, DUMP_SAMPLES, &sample, sizeof sample);
	sample = (struct dump_sample){.flops = 60000000, .calls = 6, .site = common->gemm_site};
	sample.stack =
		writer_stack(writer, from_python, 3, writer_string(writer, "fit (model.py:12)\nmain (run.py:4)"));
	writer_add(writer, DUMP_SAMPLES, &sample, sizeof sample);
	sample = (struct dump_sample){.flops = 21000000, .calls = 7, .site = site};
	sample.stack = writer_stack(writer, from_c, 3, 0);
	writer_add(writer, DUMP_SAMPLES, &sample, sizeof sample);
	writer_close(writer, DUMP_CLOSED);
}

static void add_sample(struct common *common, uint32_t site, const uint64_t *addresses, uint32_t count,
                       const char *python, uint64_t flops, uint64_t calls)
{
	struct dump_sample sample = {.flops = flops, .calls = calls, .site = site};

	sample.stack = writer_stack(&common->writer, addresses, count, writer_string(&common->writer, python));
	writer_add(&common->writer, DUMP_SAMPLES, &sample, sizeof sample);
}

/*
 * A program in Python, which was run in /home/user: 100 products of 1,000,000 FLOPs in NumPy, 10 of 2,000,000 in fast.so, which
 * is a library of the user's own, and one of 5,000,000 in SciPy, of which there is no sample: 125,000,000 in 111 calls. The
 * samples of NumPy's products stand for 60 and 40 million.
 */
static void code(struct common *common)
{
	static const uint64_t in_numpy[] = {0x7e0000001000, 0x401300}, in_fast[] = {0x7d0000002000, 0x401300};
	struct writer *writer = &common->writer;
	uint32_t numpy, fast, scipy, numpy_site, fast_site, scipy_site;
	struct dump_row row;

	begin(common, 12, "/usr/bin/python3.11");
	add_lane(common, 0);
	numpy = writer_module(writer, "/usr/lib/python3/dist-packages/numpy/core.so", 0x7e0000000000, 0, "", 0);
	fast = writer_module(writer, "/home/user/build/fast.so", 0x7d0000000000, 0, "", 0);
	scipy = writer_module(writer, "/usr/lib/python3/dist-packages/scipy/linalg.so", 0x7c0000000000, 0, "", 0);
	numpy_site = writer_site(writer, "cblas_dgemm", common->gemm, in_numpy[0], numpy, common->blas);
	fast_site = writer_site(writer, "dgemm_", common->gemm, in_fast[0], fast, common->blas);
	scipy_site = writer_site(writer, "dgemm_", common->gemm, 0x7c0000003000, scipy, common->blas);
	row = writer_call(numpy_site, 100, 1000000, "NN", 100, 100, 50);
	writer_row(writer, 0, &row);
	row = writer_call(fast_site, 10, 2000000, "NN", 100, 100, 100);
	writer_row(writer, 0, &row);
	row = writer_call(scipy_site, 1, 5000000, "NN", 100, 100, 250);
	writer_row(writer, 0, &row);
	add_sample(common, numpy_site, in_numpy, 2,
	           "fit (/usr/lib/python3/dist-packages/sklearn/linear.py:80)\n"
	           "train (/home/user/model/train.py:12)\n<module> (/home/user/model/train.py:30)",
	           60000000, 6);
	add_sample(common, numpy_site, in_numpy, 2,
	           "<lambda> (<__array_function__ internals>:2)\n"
	           "check (/home/other/check.py:7)\n<module> (/home/user/model/train.py:31)",
	           40000000, 4);
	add_sample(common, fast_site, in_fast, 2,
	           "step (/home/user/model/train.py:15)\n<module> (/home/user/model/train.py:30)", 20000000, 2);
	writer_close(writer, DUMP_CLOSED);
}

static void add_timed(struct common *common, uint32_t site, uint64_t calls, uint64_t words, int64_t n, uint32_t timed,
                      uint64_t time_ns)
{
	struct dump_row row = writer_call(site, calls, 0, "", n, 0, 0);

	row.words = words;
	row.flops = row.charged = words; /* a dot product has as many FLOPs as words */
	row.timed_calls = timed;
	row.time_ns = time_ns;
	writer_row(&common->writer, 0, &row);
}

/*
 * Dot products of n = 1000 (1 us) and n = 3000 (2 us) were timed. So the 100 calls of n = 2000 take 1.5 us each, 150
 * us. Outside of that range the line through both goes on: n = 500 takes 0.75 us. daxpy has the same type and level:
 * the 12,000 FLOPs of n = 6000 take as long as they would in ddot, 2 + 1.5 = 3.5 us. dcopy has no FLOPs and is compared
 * by elements: 2,000 take 1 us. The row of n = 500 states a time without a timed call, which counts for nothing. dgejsv
 * has no price.
 */
static void untimed(struct common *common)
{
	struct writer *writer = &common->writer;
	uint32_t dot, axpy, copy, site;
	struct dump_row row;

	begin(common, 12, "/opt/untimed");
	add_lane(common, 0);
	dot = writer_routine(writer, "ddot", DUMP_DIRECT, "|n");
	site = writer_site(writer, "ddot_", dot, 0x402000, common->program, common->blas);
	add_timed(common, site, 10, 2000, 1000, 2, 2000);
	add_timed(common, site, 10, 6000, 3000, 1, 2000);
	add_timed(common, site, 100, 4000, 2000, 0, 0);
	add_timed(common, site, 4, 1000, 500, 0, 77000000);
	axpy = writer_routine(writer, "daxpy", DUMP_DIRECT, "|n");
	site = writer_site(writer, "daxpy_", axpy, 0x403000, common->program, common->blas);
	add_timed(common, site, 2, 12000, 6000, 0, 0);
	copy = writer_routine(writer, "dcopy", DUMP_EXEMPT, "|n");
	site = writer_site(writer, "dcopy_", copy, 0x404000, common->program, common->blas);
	row = writer_call(site, 7, 0, "", 1000, 0, 0);
	row.words = 2000;
	writer_row(writer, 0, &row);
	site = writer_site(writer, "dgejsv_", writer_routine(writer, "dgejsv", DUMP_UNPRICED, "joba|m n"), 0x405000,
	                   common->program, common->blas);
	row = writer_call(site, 3, 0, "C", 40, 30, 0);
	writer_row(writer, 0, &row);
	writer_close(writer, DUMP_CLOSED);
}

/* The ordered record has three calls of two threads, 1,000 + 2,000 + 1,000. A fourth is in flight, two were dropped. */
static void ordered(struct common *common)
{
	struct writer *writer = &common->writer;
	struct dump_call call;
	struct dump_row row;

	begin(common, 10, "/opt/ordered");
	writer_header(writer)->records_mode = 1;
	writer_header(writer)->log_dropped = 2;
	writer_header(writer)->losses = DUMP_LOST_LOG;
	add_lane(common, 0);
	add_lane(common, 0);
	row = writer_call(common->gemm_site, 4, 1000, "NN", 10, 10, 5);
	writer_row(writer, 0, &row);
	row = writer_call(common->gemm_site, 1, 2000, "NT", 10, 10, 10);
	writer_row(writer, 1, &row);
	call = (struct dump_call){.sequence = 3, .start_ns = 5000, .duration_ns = 300, .cumulative = 4000, .tid = 10};
	writer_log(writer, 0, &call);
	call = (struct dump_call){.sequence = 1, .start_ns = 1000, .cumulative = 1000, .tid = 10};
	writer_log(writer, 0, &call);
	call = (struct dump_call){.start_ns = 9000, .tid = 10};
	writer_log(writer, 0, &call);
	call = (struct dump_call){.sequence = 2, .start_ns = 2000, .duration_ns = 1500, .cumulative = 3000, .tid = 11};
	writer_log(writer, 1, &call);
	writer_close(writer, DUMP_CLOSED);
}

/* The ordered record has no call: the only one that the program made was dropped, or nothing was. */
static void ordered_none(struct common *common, uint64_t dropped)
{
	struct writer *writer = &common->writer;
	struct dump_row row;

	begin(common, 11, "/opt/ordered");
	writer_header(writer)->records_mode = 1;
	writer_header(writer)->log_dropped = dropped;
	writer_header(writer)->losses = dropped ? DUMP_LOST_LOG : 0;
	add_lane(common, 0);
	if (dropped) {
		row = writer_call(common->gemm_site, dropped, 1000, "NN", 10, 10, 5);
		writer_row(writer, 0, &row);
	}
	writer_close(writer, DUMP_CLOSED);
}

/*
 * Rank `number` of three, of which 0 and 1 are on node0 and 2 is on node1: 10, 20 and 30 products of 1,000 FLOPs. Those
 * of rank 0 were timed with 2 us each; the same shape takes as long in the other ranks, 40 and 60 us. Rank 1 has a
 * second lane, which three threads have used one after another: 5 products of 2,000 FLOPs, 4 us each, 20 us. Rank 2
 * charges 2 x 500 by hand.
 *
 *	rank 0: 10 calls, 10,000 FLOPs, 20 us       node0: 35 calls, 40,000 FLOPs, 80 us
 *	rank 1: 25 calls, 30,000 FLOPs, 60 us       node1: 30 calls, 31,000 FLOPs, 60 us
 *	rank 2: 30 calls, 31,000 FLOPs, 60 us       all:   65 calls, 71,000 FLOPs
 */
static void node(struct common *common, int32_t number)
{
	struct dump_lane second = {.threads = 3, .tid = 209};
	struct writer *writer = &common->writer;
	struct dump_row row;
	uint32_t site;

	begin(common, 200 + (uint32_t)number, "/opt/cluster");
	writer_header(writer)->rank = number;
	writer_header(writer)->job_size = 3;
	strcpy(writer_header(writer)->launch, "cluster.1");
	strcpy(writer_header(writer)->host, number == 2 ? "node1" : "node0");
	add_lane(common, 0);
	row = writer_call(common->gemm_site, 10 * (uint64_t)(number + 1), 1000, "NN", 10, 10, 5);
	row.timed_calls = number ? 0 : 10;
	row.time_ns = number ? 0 : 20000;
	writer_row(writer, 0, &row);
	if (number == 1) {
		writer_lane(writer, &second);
		row = writer_call(common->gemm_site, 5, 2000, "NT", 10, 10, 10);
		writer_row(writer, 1, &row);
	}
	if (number == 2) {
		site = writer_site(writer, "fft", DUMP_NONE, 0, DUMP_NONE, DUMP_NONE);
		row = writer_call(site, 2, 500, "", 0, 0, 0);
		row.kind = DUMP_ROW_MANUAL;
		writer_row(writer, 0, &row);
	}
	writer_close(writer, DUMP_CLOSED);
}

/* For benchmarks: `count` rows of different shapes, from 100 call sites of 20 routines. */
static void many_rows(struct common *common, uint32_t count)
{
	static const char *const names[] = {"dgemm", "dsyrk", "dtrsm", "dgetrf", "dgetrs"};
	struct writer *writer = &common->writer;
	uint32_t sites[100], routines[20];
	char symbol[32];

	begin(common, 1, "/opt/many");
	writer->block_pages = 256;
	for (uint32_t i = 0; i < 20; i++) {
		snprintf(symbol, sizeof symbol, "%s%.0u", names[i % 5], i / 5);
		routines[i] = writer_routine(writer, symbol, DUMP_DIRECT, "transa transb|m n k");
	}
	for (uint32_t i = 0; i < 100; i++) {
		snprintf(symbol, sizeof symbol, "symbol_%u_", i);
		sites[i] =
			writer_site(writer, symbol, routines[i % 20], 0x401000 + 16 * i, common->program, common->blas);
	}
	add_lane(common, 0);
	for (uint32_t i = 0; i < count; i++) {
		struct dump_row row = writer_call(sites[i % 100], 1 + i % 7, 2 * (uint64_t)i, "NT", i, 1 + i % 1000, 2);

		row.timed_calls = i % 3 == 0;
		row.time_ns = row.timed_calls * 1000;
		writer_row(writer, 0, &row);
	}
	writer_close(writer, DUMP_CLOSED);
}

/*
 * Every text is one that a page must not take for markup, script or a path, nor let turn the direction of what stands beside
 * it; one has 10,000 bytes. A call of 1,000 FLOPs in a namespace, from a stack; another without either.
 */
static void hostile(struct common *common)
{
	static const char program[] = "/opt/<script>hacked=1</script>\"'&amp;<img src=x onerror=hacked=1>";
	static const char python[] = "</script><script>hacked=1</script> (\xe2\x80\xae\xe2\x81\xa6"
				     "evil.py:1)\n"
				     "\"><svg onload=hacked=1> (C:\\new\\\x1b"
				     "[31m.py:2)\n'-alert(1)-' (javascript:hacked=1:3)";
	static const uint64_t stack[] = {0x401234, 0x401300};
	struct writer *writer = &common->writer;
	struct dump_sample sample;
	struct dump_row row;
	char longest[10001];
	uint32_t space, routine, site;

	memset(longest, '<', sizeof longest - 1);
	longest[sizeof longest - 1] = 0;
	begin(common, 12, program);
	writer_meta(writer, "argument", longest);
	writer_meta(writer, "argument", "--><!--");
	strcpy(writer_header(writer)->host, "<b>\"host\"</b>&");
	writer_namespace(writer, "", DUMP_NONE);
	space = writer_namespace(writer, "<i>.\xd7\x90\xd7\x91.constructor", 0);
	writer_note(writer, DUMP_NOTE_MESSAGE, "<script>hacked=1</script>=1+1", 1);
	add_lane(common, 0);
	row = writer_call(common->gemm_site, 1, 1000, "<>", 10, 10, 5);
	row.namespace_id = space;
	writer_row(writer, 0, &row);
	routine = writer_routine(writer, "__proto__", DUMP_DIRECT, "<b>|<i> n");
	site = writer_site(writer, "=cmd|'/c calc'!A0", routine, 0x402000, common->program, common->blas);
	row = writer_call(site, 1, 1000, "<", 3, 4, 0);
	writer_row(writer, 0, &row);
	sample = (struct dump_sample){.flops = 1000, .calls = 1, .site = common->gemm_site, .namespace_id = space};
	sample.stack = writer_stack(writer, stack, 2, writer_string(writer, python));
	writer_add(writer, DUMP_SAMPLES, &sample, sizeof sample);
	writer_close(writer, DUMP_CLOSED);
}

int main(int count, char **arguments)
{
	struct common common;
	const char *name = count == 3 || count == 4 ? arguments[1] : "";

	if (count == 4)
		page = (uint32_t)atoi(arguments[3]);

	if (!strcmp(name, "simple"))
		simple(&common);
	else if (!strcmp(name, "budget"))
		budget(&common);
	else if (!strcmp(name, "weights"))
		weights(&common);
	else if (!strcmp(name, "killed"))
		killed(&common);
	else if (!strcmp(name, "killed-elsewhere"))
		killed_elsewhere(&common);
	else if (!strcmp(name, "killed-written"))
		killed_written(&common);
	else if (!strcmp(name, "troubled"))
		troubled(&common);
	else if (!strcmp(name, "unpriced"))
		unpriced(&common);
	else if (!strcmp(name, "code"))
		code(&common);
	else if (!strcmp(name, "sampled"))
		sampled(&common);
	else if (!strcmp(name, "hostile"))
		hostile(&common);
	else if (!strcmp(name, "untimed"))
		untimed(&common);
	else if (!strcmp(name, "ordered"))
		ordered(&common);
	else if (!strcmp(name, "ordered-none"))
		ordered_none(&common, 0);
	else if (!strcmp(name, "ordered-lost"))
		ordered_none(&common, 1);
	else if (!strcmp(name, "old-table"))
		old_table(&common);
	else if (!strncmp(name, "rank-", 5))
		rank(&common, name[5] - '0');
	else if (!strncmp(name, "first-", 6))
		of_launch(&common, atoi(name + 6), false);
	else if (!strncmp(name, "second-", 7))
		of_launch(&common, atoi(name + 7), true);
	else if (!strncmp(name, "node-", 5))
		node(&common, name[5] - '0');
	else if (!strncmp(name, "rows-", 5))
		many_rows(&common, (uint32_t)atoi(name + 5));
	else {
		fprintf(stderr, "usage: make_dump SCENARIO FILE [PAGE]\n");
		return 2;
	}
	if (!writer_save(&common.writer, arguments[2])) {
		perror(arguments[2]);
		return 1;
	}
	writer_free(&common.writer);
	return 0;
}
