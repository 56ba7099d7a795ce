/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * order.c - compares texts, places, shapes, stacks and workers.
 * It must never find two of them equal that a report shows as two.
 */
#include "analyzer/aggregate/order.h"

#include <string.h>

int order_texts(const struct aggregate *aggregate, uint32_t a, uint32_t b)
{
	return a == b ? 0 : strcmp(text_at(aggregate, a), text_at(aggregate, b));
}

int order_modules(const struct aggregate *aggregate, uint32_t a, uint32_t b)
{
	const struct module_key *x, *y;
	int order;

	if (a == b)
		return 0;
	if (a == AGGREGATE_NONE || b == AGGREGATE_NONE)
		return a == AGGREGATE_NONE ? 1 : -1;
	x = module_of(aggregate, a);
	y = module_of(aggregate, b);
	order = order_texts(aggregate, aggregate->module_totals[a].path, aggregate->module_totals[b].path);
	return order ? order : memcmp(x->build_id, y->build_id, sizeof x->build_id);
}

static int order_routines(const struct aggregate *aggregate, uint32_t a, uint32_t b)
{
	const struct routine_key *x = routine_of(aggregate, a), *y = routine_of(aggregate, b);
	int order = order_texts(aggregate, x->name, y->name);

	if (!order)
		order = order_numbers(x->type, y->type);
	if (!order)
		order = order_numbers(x->kind, y->kind);
	for (unsigned i = 0; i < DUMP_OPTIONS_MAX && !order; i++)
		order = order_texts(aggregate, x->options[i], y->options[i]);
	for (unsigned i = 0; i < DUMP_DIMS_MAX && !order; i++)
		order = order_texts(aggregate, x->dims[i], y->dims[i]);
	return order;
}

int order_sites(const struct aggregate *aggregate, uint32_t a, uint32_t b)
{
	const struct site_key *x = site_of(aggregate, a), *y = site_of(aggregate, b);
	int order = a == b ? 0 : order_modules(aggregate, x->caller_module, y->caller_module);

	if (a == b || order)
		return order;
	if (x->offset != y->offset)
		return order_numbers(x->offset, y->offset);
	order = order_texts(aggregate, x->symbol, y->symbol);
	if (!order)
		order = order_routines(aggregate, x->routine, y->routine);
	if (!order)
		order = order_modules(aggregate, x->callee_module, y->callee_module);
	return order ? order : order_texts(aggregate, x->detail, y->detail);
}

int order_spaces(const struct aggregate *aggregate, uint32_t a, uint32_t b)
{
	return strcmp(intern_at(&aggregate->spaces, a), intern_at(&aggregate->spaces, b));
}

int order_stacks(const struct aggregate *aggregate, uint32_t a, uint32_t b)
{
	const struct stack_head *x = stack_of(aggregate, a), *y = stack_of(aggregate, b);
	const struct stack_frame *of_x = frames_of(x), *of_y = frames_of(y);
	int order = order_texts(aggregate, x->python, y->python);

	for (uint32_t i = 0; !order && i < x->frame_count && i < y->frame_count; i++) {
		order = order_modules(aggregate, of_x[i].module, of_y[i].module);
		if (!order)
			order = order_numbers(of_x[i].offset, of_y[i].offset);
	}
	return order ? order : order_numbers(x->frame_count, y->frame_count);
}

int order_workers(const struct aggregate *aggregate, uint32_t a, uint32_t b)
{
	const struct worker_key *x = worker_of(aggregate, a), *y = worker_of(aggregate, b);
	int order = order_texts(aggregate, x->job, y->job);

	if (!order)
		order = order_texts(aggregate, x->array_task, y->array_task);
	if (!order)
		order = order_texts(aggregate, x->step, y->step);
	if (!order)
		order = order_texts(aggregate, x->launch, y->launch);
	if (!order) /* a process without a rank comes last */
		order = order_numbers((uint32_t)x->rank, (uint32_t)y->rank);
	if (!order)
		order = order_texts(aggregate, x->host, y->host);
	if (!order && x->process != AGGREGATE_NONE && y->process != AGGREGATE_NONE)
		order = process_order(aggregate, &aggregate->processes[x->process], &aggregate->processes[y->process]);
	return order ? order : order_numbers(x->lane, y->lane);
}

int order_shapes(const struct aggregate *aggregate, const struct row *a, const struct row *b)
{
	unsigned dims = routine_of(aggregate, a->routine)->dim_count;
	int order = order_routines(aggregate, a->routine, b->routine);

	if (!order)
		order = order_numbers(dims, routine_of(aggregate, b->routine)->dim_count);
	if (!order)
		order = order_numbers(a->options, b->options);
	for (unsigned i = 0; !order && i < dims; i++)
		order = a->dims[i] < b->dims[i] ? -1 : a->dims[i] > b->dims[i];
	return order ? order : order_numbers(a->flags & DUMP_ROW_COARSE, b->flags & DUMP_ROW_COARSE);
}
