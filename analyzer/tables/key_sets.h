/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * key_sets.h - numbers of the keys of --by, and sets of them.
 * It must never need what a key is: a program that runs where flopshim is built includes it, too.
 */
#ifndef ANALYZER_KEY_SETS_H
#define ANALYZER_KEY_SETS_H

enum key_number {
#define KEY(NUMBER, ...) KEY_##NUMBER,
#include "analyzer/tables/keys.def"
	KEY_COUNT
};

/* Sets of keys, by which a command says which ones it takes. */
#define KEY_BIT(number) (1u << (number))
#define KEYS_ALL        (KEY_BIT(KEY_COUNT) - 1)
/* By which two aggregates can be compared. Two runs have no thread or process in common, so that `compare` takes fewer. */
#define KEYS_COMPARED (KEYS_ALL & ~KEY_BIT(KEY_TREE))

#endif
