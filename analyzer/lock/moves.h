/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * moves.h - which findings of less and of more work are one: work that has moved from one namespace to another.
 * It must never join work of different amounts, nor of shapes that are known to differ.
 */
#ifndef ANALYZER_LOCK_MOVES_H
#define ANALYZER_LOCK_MOVES_H

#include "analyzer/lock/findings.h"

/* Joins work that a namespace has lost, and another has gained, to one finding. */
void moves_join_spaces(struct findings *findings);

#endif
