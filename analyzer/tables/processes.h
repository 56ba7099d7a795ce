/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * processes.h - names of processes, of their states, and of signals.
 * It must never rename a state, for JSON has these names.
 */
#ifndef ANALYZER_PROCESSES_H
#define ANALYZER_PROCESSES_H

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/base/text.h"

/* A constant text: "running", "closed", "exec", "ended" or "unknown". */
const char *state_name(enum process_state state);

/* "SIGXCPU", or "signal 70" for a number without a name. The text is valid until the next call. */
const char *signal_name(int number);

/* Adds what people call a process: "rank 3 on node1", or "pid 4711 on node1" if it has no rank. */
void process_add_name(struct text *text, const struct aggregate *aggregate, const struct process *process);

#endif
