/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * processes.h - names of the states of processes, and of signals.
 * It must never rename a state, for JSON has these names.
 */
#ifndef ANALYZER_PROCESSES_H
#define ANALYZER_PROCESSES_H

#include "analyzer/aggregate/aggregate.h"

/* A constant text: "running", "closed", "exec", "ended" or "unknown". */
const char *state_name(enum process_state state);

/* "SIGXCPU", or "signal 70" for a number without a name. The text is valid until the next call. */
const char *signal_name(int number);

#endif
