/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * processes.h - what the state of a process is called.
 * It must never rename a state: JSON has these names.
 */
#ifndef ANALYZER_PROCESSES_H
#define ANALYZER_PROCESSES_H

#include "analyzer/aggregate/aggregate.h"

const char *state_name(enum process_state state); /* as in JSON */
const char *signal_name(int number);              /* "SIGXCPU"; valid until the next one */

#endif
