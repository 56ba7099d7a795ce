/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - the settings of options.def as the shim uses them.
 * It must never be needed to know a setting's name, default or description: options.def has these.
 */
#ifndef FLOPSHIM_CONFIG_H
#define FLOPSHIM_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The values of settings that are chosen from a list, in the order of options.def. */
enum exceed_action { EXCEED_EXIT, EXCEED_SIGNAL, EXCEED_DENY, EXCEED_WARN };
enum stacks_mode { STACKS_OFF, STACKS_LEAF, STACKS_AUTO, STACKS_ALL };
enum records_mode { RECORDS_SHAPES, RECORDS_CALLS };
enum access_mode { ACCESS_OWNER, ACCESS_GROUP, ACCESS_ALL };
enum time_mode { TIME_OFF, TIME_AUTO, TIME_ALL };

enum { CONFIG_BUDGETS_MAX = 64, CONFIG_NAME_MAX = 1024, CONFIG_RUN_MAX = 40 };

struct config_budget {
	const char *name; /* dotted path; not terminated: name_length bytes of the environment; empty for the root */
	size_t name_length;
	uint64_t amount; /* FLOPs */
};

struct config {
	struct config_budget budgets[CONFIG_BUDGETS_MAX];
	unsigned budget_count;
	enum exceed_action on_exceed;
	int exit_status;
	int exceed_signal;
	char space[CONFIG_NAME_MAX]; /* namespace of the whole process, without a leading dot */
	uint64_t multiplier;         /* times 2^32 */
	const char *weights;         /* path of a file, or its lines; NULL if none */
	const char *name;            /* template of the dump's name where `out` is a directory */
	char out[PATH_MAX];          /* template of the dump's path */
	const char *base;            /* folder for local dumps in place of TMPDIR; NULL if none is given */
	bool local;              /* the dump goes to the node's own disk: see include/local.h; `out` is its name then */
	enum access_mode access; /* who may read the dump, beside its owner, who alone may write it */
	char directory[PATH_MAX]; /* where the process began, empty if that is not known */
	enum records_mode records;
	enum stacks_mode stacks;
	uint64_t log_max; /* bytes */
	enum time_mode time;
	bool overwrite; /* replace an earlier run's dump of the same name */
	bool bare_names, quiet, verbose;
	bool launched;             /* the launcher has started this process, or one of its ancestors */
	uint64_t launched_process; /* the number of the process that the launcher has started */
	char run[CONFIG_RUN_MAX];  /* the launcher's name for all that it has started; "" without a launcher */
	char warnings[2048];       /* lines about values that were not understood, to be said at the first call */
};

#define CONFIG_DEFAULT_USED "; the default is used" /* the end of a warning about a value */

extern struct config config;

/*
 * Reads the environment. A wrong budget or enforcement setting ends the process with status 2 and a line on
 * standard error; any other wrong value leaves its default and a line in `warnings`.
 */
void config_read(char **environment);

/*
 * Has the programs that this one starts find this NAME=VALUE in place of what NAME is now. `entry` must never change
 * or be freed. Only while the process has one thread: in the constructor.
 */
void config_pass_on(char *entry);

/*
 * Reads an amount of FLOPs, `12`, `1.5e9`, `200G` (k M G T P E), from `text` up to `end`: positive, below 2^63,
 * rounded up to a whole number. Returns NULL, or what is wrong with it.
 */
const char *config_amount(const char *text, const char *end, uint64_t *amount);

/* The same for a factor: >= 0, times 2^32; 0 only where `zero_allowed`. */
const char *config_factor(const char *text, const char *end, bool zero_allowed, uint64_t *factor);

/* What is wrong with a dotted path of namespaces; NULL if nothing is. */
const char *config_namespace_fault(const char *name, size_t length);

#endif
