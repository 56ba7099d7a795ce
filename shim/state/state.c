/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * state.c - what stands in for a thread, its lane and its row before there are any.
 * It must never be counted in: nothing here matches a call, so that the slow path is taken.
 */
#include "shim/state/state.h"

static struct dump_lane lane_null;
struct thread thread_null = {.lane = &lane_null};
__thread struct thread_head thread_head = {.thread = &thread_null, .lane = &lane_null};

struct dump_row row_none = {
	.site = DUMP_NONE,
	.dims = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN},
};
