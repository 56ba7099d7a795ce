/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h - what a user can write behind --flopshim=: options of the launcher, as a list.
 * It must never know an option by name but budget; include/options.def has them.
 */
#ifndef FLOPSHIM_SLURM_OPTIONS_H
#define FLOPSHIM_SLURM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { FAULT_SIZE = 512 }; /* bytes that the text of a fault needs at most; a longer one is cut */

/* What the user wants. All members are 0 or NULL as long as nothing was asked for. */
struct wanted {
	bool on;
	bool help;     /* a list of the options is asked for */
	char **values; /* by row of the table; NULL for an option that was not given */
};

/*
 * Reads OPTIONS: "on" (or "1", or nothing), "off" (or "0"), "help", or a list NAME=VALUE,NAME=VALUE... Returns false and
 * says why in `fault` if they are wrong. `wanted` is for wanted_free to free, whatever is returned.
 */
bool wanted_read(struct wanted *wanted, const char *options, char fault[FAULT_SIZE]);

void wanted_free(struct wanted *wanted);

/* Calls `set` for each option that was given, with the name of its variable and its value. */
void wanted_each(const struct wanted *wanted, void (*set)(const char *variable, const char *value, void *context),
                 void *context);

/* Prints the options on standard output. */
void wanted_help(void);

/*
 * Returns whether the shim will take the values; prints what it says against them. It asks the shim's own reader of
 * variables, in a child process, since that ends the process if a value is wrong.
 */
bool wanted_is_accepted(const struct wanted *wanted);

#endif
