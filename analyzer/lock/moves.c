/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * moves.c - joins findings of work that has moved from one namespace to another.
 * It must never look at all losses for each gain: where all namespaces have got new names, there are as many of both.
 */
#include "analyzer/lock/moves.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/lock/pairs.h"

/* Less work of one shape, which may have gone to another namespace. */
struct loss {
	struct finding *finding;
	size_t space_end; /* of the losses behind it, the first of another namespace, routine or amount */
	size_t left; /* its own number while it is not taken; otherwise that of one behind it, from which to look on */
};

struct losses {
	struct loss *
		list; /* by routine, amount and namespace; then in the order of the findings; `list[count]` is their end */
	size_t count;
};

/* Orders by what a gain must have in common with a loss. */
static int compare_amounts(const struct finding *x, const struct finding *y)
{
	int order = strcmp(x->routine, y->routine);

	if (!order)
		order = (x->changed.calls > y->changed.calls) - (x->changed.calls < y->changed.calls);
	return order ? order : (x->changed.flops > y->changed.flops) - (x->changed.flops < y->changed.flops);
}

static int compare_losses(const void *a, const void *b)
{
	const struct finding *x = ((const struct loss *)a)->finding, *y = ((const struct loss *)b)->finding;
	int order = compare_amounts(x, y);

	if (!order)
		order = strcmp(x->space, y->space);
	return order ? order : (x > y) - (x < y);
}

static void list_losses(struct losses *losses, struct findings *findings)
{
	losses->list = memory_new(findings->count + 1, sizeof *losses->list);
	losses->count = 0;
	for (size_t i = 0; i < findings->count; i++)
		if (findings->list[i].kind == FINDING_LESS && findings->list[i].shapes <= 1)
			losses->list[losses->count++].finding = &findings->list[i];
	if (losses->count)
		qsort(losses->list, losses->count, sizeof *losses->list, compare_losses);
	losses->list[losses->count].left = losses->count;
	for (size_t i = losses->count; i--;) {
		struct loss *loss = &losses->list[i];
		bool is_last = i + 1 == losses->count || compare_amounts(loss->finding, loss[1].finding) ||
		               strcmp(loss->finding->space, loss[1].finding->space);

		loss->left = i;
		loss->space_end = is_last ? i + 1 : loss[1].space_end;
	}
}

/* The first loss from `at` on that is not taken; the paths over those that are become short. */
static size_t first_left(struct losses *losses, size_t at)
{
	size_t end = at;

	while (losses->list[end].left != end)
		end = losses->list[end].left;
	while (losses->list[at].left != at) {
		size_t next = losses->list[at].left;

		losses->list[at].left = end;
		at = next;
	}
	return end;
}

/* The first loss of the routine and the amount of a gain; the end of the losses if there is none. */
static size_t first_like(const struct losses *losses, const struct finding *more)
{
	size_t low = 0, high = losses->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_amounts(losses->list[middle].finding, more) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Takes the first loss that a gain may have come from, and returns its finding; NULL if there is none. */
static struct finding *take_loss(struct losses *losses, const struct finding *more)
{
	size_t at = first_left(losses, first_like(losses, more));

	while (at < losses->count && !compare_amounts(losses->list[at].finding, more)) {
		struct finding *less = losses->list[at].finding;

		if (!strcmp(less->space, more->space)) {
			at = first_left(losses, losses->list[at].space_end);
		} else if (more->shape && less->shape && strcmp(less->shape, more->shape) != 0) {
			at = first_left(losses, at + 1);
		} else {
			losses->list[at].left = at + 1;
			return less;
		}
	}
	return NULL;
}

void moves_join_spaces(struct findings *findings)
{
	struct losses losses;
	size_t kept = 0;

	list_losses(&losses, findings);
	for (size_t i = 0; i < findings->count; i++) {
		struct finding *more = &findings->list[i], *less;

		if (more->kind != FINDING_MORE || more->shapes > 1 || !(less = take_loss(&losses, more)))
			continue;
		more->kind = FINDING_MOVED;
		more->old_space = less->space;
		if (less->place && (!more->place || strcmp(less->place, more->place)))
			more->old_place = less->place;
		more->fails |= less->fails;
	}
	for (size_t i = 0; i < losses.count; i++)
		if (losses.list[i].left != i)
			losses.list[i].finding->routine = NULL; /* it is gone */
	free(losses.list);
	for (size_t i = 0; i < findings->count; i++)
		if (findings->list[i].routine)
			findings->list[kept++] = findings->list[i];
	findings->count = kept;
}
