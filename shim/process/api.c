/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api.c - the shim's side of flopshim.h, which says what each function does.
 * It must never trust an argument: a wrong one gets an error of flopshim.h, and nothing else happens.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "shim/charge/charge.h"
#include "shim/guest/config.h"
#include "shim/dump/dump.h"
#include "shim/enforce/exceed.h"
#include "flopshim.h"
#include "shim/guest/guest.h"
#include "shim/threads/lifecycle.h"
#include "shim/charge/namespace.h"
#include "shim/enforce/raise.h"
#include "shim/record/record.h"
#include "shim/record/rows.h"
#include "shim/stacks/sample.h"
#include "shim/record/summary.h"
#include "shim/charge/weights.h"

/*
 * Takes record_lock and gives the calling thread's origin. Every function that needs the lock begins with it and ends
 * with guest_unlock. False, and without the lock, if the shim has not started or has no memory.
 */
static bool api_enter(struct origin **origin)
{
	if (!lifecycle_ready())
		return false;
	*origin = lifecycle_origin();
	if (!*origin)
		return false;
	guest_lock(&record_lock);
	dump_unseal(); /* even a question changes the dump: it gives back the unused leases of threads */
	return true;
}

/* Returns the number of the namespace that a thread charges to now. */
static uint32_t open_namespace(const struct origin *origin) { return origin_scope(origin)->namespace_id; }

/*
 * Prints once that there was no room for what the program asked for, if `result` says so. A program that ignores the
 * error would go on without its limit. Returns `result`.
 */
static int64_t say_if_missing(int64_t result)
{
	static _Atomic bool said;

	if ((result == FLOPSHIM_NO_MEMORY || result == FLOPSHIM_TOO_MANY) && !atomic_exchange(&said, true))
		guest_say("no room for a scope, a budget or a charge that the program asked for: it has no effect");
	return result;
}

/*
 * Opens a scope or, if `is_block`, a block of the Python module with `flags` of enum block_flags. Returns as
 * flopshim_begin.
 */
static int64_t begin(const char *name, int64_t budget, bool is_block, unsigned flags)
{
	struct origin *origin;
	int64_t handle;
	int saved = errno;

	if (budget <= 0)
		return FLOPSHIM_BAD_AMOUNT;
	if (!api_enter(&origin))
		return say_if_missing(FLOPSHIM_NO_MEMORY);
	record_begin();
	handle = is_block ? namespace_open_block(origin, name, budget, flags) : namespace_open(origin, name, budget);
	if (handle > 0)
		lifecycle_scopes_changed();
	guest_unlock(&record_lock);
	say_if_missing(handle);
	errno = saved;
	return handle;
}

static int64_t api_begin(const char *name, int64_t budget) { return begin(name, budget, false, 0); }

static int64_t api_end(int64_t scope)
{
	struct origin *origin;
	int64_t ended;

	if (!api_enter(&origin))
		return FLOPSHIM_NO_MEMORY;
	ended = namespace_close(origin, scope);
	if (ended > 0)
		lifecycle_scopes_changed();
	guest_unlock(&record_lock);
	return ended;
}

/* Does what flopshim_set_budget does. `raises`: what this limit refuses raises an exception in Python. */
static int set_budget(const char *name, int64_t flops, bool raises)
{
	struct origin *origin;
	int64_t number, error;

	if (flops <= 0)
		return FLOPSHIM_BAD_AMOUNT;
	if (!api_enter(&origin))
		return (int)say_if_missing(FLOPSHIM_NO_MEMORY);
	error = number = namespace_find(name, open_namespace(origin), true);
	if (number >= 0)
		error = namespace_set_budget((uint32_t)number, flops, summary_begun);
	if (error == FLOPSHIM_OK && raises)
		namespace_limit((uint32_t)number)->raises = true;
	guest_unlock(&record_lock);
	return (int)say_if_missing(error);
}

static int api_set_budget(const char *name, int64_t flops) { return set_budget(name, flops, false); }

static int api_set_multiplier(const char *name, uint64_t factor)
{
	struct origin *origin;
	int64_t number;

	if (!factor || factor >> 63)
		return FLOPSHIM_BAD_AMOUNT;
	if (!api_enter(&origin))
		return FLOPSHIM_NO_MEMORY;
	number = namespace_find(name, open_namespace(origin), true);
	if (number >= 0)
		namespace_set_multiplier((uint32_t)number, factor);
	guest_unlock(&record_lock);
	return number < 0 ? (int)number : FLOPSHIM_OK;
}

/* ---- work charged by hand ---- */

/* Prints subscripts and shapes as ij,jk->ik (3,4) (4,5); they name the row of work that was charged by hand. */
static void print_detail(char *detail, size_t size, const char *subscripts, int count,
                         const struct flopshim_shape *shapes)
{
	size_t end = 0;

	detail[0] = 0;
	if (subscripts)
		guest_print(detail, size, &end, "%.400s", subscripts);
	for (int i = 0; i < count; i++) {
		guest_print(detail, size, &end, "%s(", end ? " " : "");
		for (int j = 0; j < shapes[i].rank; j++)
			guest_print(detail, size, &end, j ? ",%lld" : "%lld", (long long)shapes[i].extents[j]);
		guest_print(detail, size, &end, ")");
	}
}

/* Counts one call in a row. A coarse row, which has calls of many prices, adds up its FLOPs and charges, too. */
static void row_count(struct dump_row *row, int64_t flops, int64_t cost)
{
	row->calls++;
	if (row->flags & DUMP_ROW_COARSE)
		row_add_share(row, (uint64_t)flops, (uint64_t)cost, 0);
}

/* Undoes row_count. */
static void row_uncount(struct dump_row *row, int64_t flops, int64_t cost)
{
	row->calls--;
	if (row->flags & DUMP_ROW_COARSE)
		row_add_share(row, -(uint64_t)flops, -(uint64_t)cost, 0);
}

/*
 * Charges work of the program's own. Its row is made before the work is charged, since that may wait for a lock.
 * Nothing may wait between the charge and the count: a budget that another thread sets meanwhile (summary_begun)
 * would miss the work. With FLOPSHIM_REFUSED, *refusal says what was refused, if that is not NULL. Called with
 * thread->busy set and no lock held.
 */
static int charge_by_hand(struct thread *thread, const char *operation, const char *detail, int64_t flops,
                          struct refusal *refusal)
{
	const struct scope *scope = charge_scope(thread);
	bool saturated = false;
	int64_t cost = (int64_t)record_manual_price((uint64_t)flops, scope->namespace_id, &saturated);
	struct exceeding_call exceeding = {.operation = operation, .cost = cost, .thread = thread, .refusal = refusal};
	struct dump_row *row, *over_row, *refused;
	bool over;

	row = record_manual_row(thread, operation, detail, (uint64_t)flops, scope->namespace_id, DUMP_ROW_MANUAL, 0);
	if (!row)
		return FLOPSHIM_NO_MEMORY;
	if (saturated)
		record_saturated();
	exceeding.limit = charge_reserve(thread, scope, cost, &exceeding.remaining);
	if (exceeding.limit) {
		refused = record_manual_row(thread, operation, detail, (uint64_t)flops, scope->namespace_id,
		                            DUMP_ROW_REFUSED, 0);
		if (refused)
			row_count(refused, flops, cost);
		thread->busy = 0;
		over = exceed(&exceeding);
		thread->busy = 1;
		if (!over)
			return FLOPSHIM_REFUSED;
		if (refused)
			row_uncount(refused, flops, cost);
		over_row = record_manual_row(thread, operation, detail, (uint64_t)flops, scope->namespace_id,
		                             DUMP_ROW_MANUAL, DUMP_ROW_OVER);
		if (over_row)
			row = over_row;
		charge_reserve_over(scope, cost);
	}
	row_count(row, flops, cost);
	sample_manual(thread, (uint64_t)cost, row);
	return FLOPSHIM_OK;
}

/* Does what flopshim_charge does; `refusal` as in charge_by_hand. */
static int charge_work(const char *operation, int64_t flops, const char *subscripts, int count,
                       const struct flopshim_shape *shapes, struct refusal *refusal)
{
	char detail[2048], name[256];
	const struct scope *held;
	struct thread *thread;
	int result, saved = errno;

	if (flops < 0)
		return FLOPSHIM_BAD_AMOUNT;
	if (!operation || !*operation || count < 0 || count > 8 || (count && !shapes))
		return FLOPSHIM_BAD_ARGUMENT;
	for (int i = 0; i < count; i++)
		if (shapes[i].rank < 0 || shapes[i].rank > 8)
			return FLOPSHIM_BAD_ARGUMENT;
	thread = lifecycle_thread();
	if (!thread)
		return (int)say_if_missing(FLOPSHIM_NO_MEMORY);
	strncpy(name, operation, sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	print_detail(detail, sizeof(detail), subscripts, count, shapes);
	held = thread->held;
	thread->busy = 1;
	lifecycle_look_again(thread);
	result = charge_by_hand(thread, name, detail, flops, refusal);
	thread->busy = 0;
	thread->held = held;
	say_if_missing(result);
	errno = saved;
	return result;
}

static int api_charge(const char *operation, int64_t flops, const char *subscripts, int count,
                      const struct flopshim_shape *shapes)
{
	return charge_work(operation, flops, subscripts, count, shapes, NULL);
}

/* ---- questions ---- */

enum question { USED, REMAINING, CALLS };

/* Returns the value, at most INT64_MAX, which is FLOPSHIM_UNLIMITED. */
static int64_t bounded(uint64_t value) { return value > INT64_MAX ? INT64_MAX : (int64_t)value; }

/* Returns the FLOPs that the limits of a namespace and of those around it leave. */
static int64_t namespace_left(uint32_t number)
{
	struct scope scope = {.namespace_id = number};

	for (uint32_t at = number; at != DUMP_NONE && !scope.namespace_limits; at = namespace_parent(at))
		scope.namespace_limits = namespace_limit(at);
	return bounded(charge_left(&scope));
}

/* Answers a question on the namespace `name`, as flopshim_used, flopshim_remaining and flopshim_calls say. */
static int64_t ask(const char *name, enum question question)
{
	struct origin *origin;
	int64_t number, answer;

	if (!api_enter(&origin))
		return FLOPSHIM_NO_MEMORY;
	/*
	 * A namespace that does not exist yet has used nothing, but what remains of it depends on those around it:
	 * make it.
	 */
	number = namespace_find(name, open_namespace(origin), question == REMAINING);
	if (number < 0)
		answer = number;
	else if (number == DUMP_NONE)
		answer = 0;
	else if (question == REMAINING)
		answer = (!name || !*name) ? bounded(charge_left(origin_scope(origin)))
		                           : namespace_left((uint32_t)number);
	else
		answer =
			bounded(question == USED ? summary_charged((uint32_t)number) : summary_calls((uint32_t)number));
	guest_unlock(&record_lock);
	return answer;
}

static int64_t api_used(const char *name) { return ask(name, USED); }
static int64_t api_remaining(const char *name) { return ask(name, REMAINING); }
static int64_t api_calls(const char *name) { return ask(name, CALLS); }

/* Answers a question on an open scope of the thread, as flopshim_scope_used and flopshim_scope_remaining say. */
static int64_t answer_scope(struct origin *origin, int64_t handle, enum question question)
{
	const struct scope *scope = namespace_scope(origin, handle);

	if (!scope)
		return FLOPSHIM_NOT_OPEN;
	if (question == REMAINING)
		return bounded(charge_left(scope));
	if (namespace_scope_limit(origin, handle))
		return bounded(charge_used(namespace_scope_limit(origin, handle)));
	return bounded(summary_charged(scope->namespace_id));
}

static int64_t ask_scope(int64_t handle, enum question question)
{
	struct origin *origin;
	int64_t answer;

	if (!api_enter(&origin))
		return FLOPSHIM_NO_MEMORY;
	answer = answer_scope(origin, handle, question);
	guest_unlock(&record_lock);
	return answer;
}

static int64_t api_scope_used(int64_t scope) { return ask_scope(scope, USED); }
static int64_t api_scope_remaining(int64_t scope) { return ask_scope(scope, REMAINING); }

/* ---- what a call would cost ---- */

static const struct routine *routine_named(const char *name)
{
	for (unsigned i = 0; name && i < routine_count; i++)
		if (!strcmp(routines[i].name, name))
			return &routines[i];
	return NULL;
}

/* Returns the position of an option or dimension among those of a family; -1 if it has none of this name. */
static int argument_place(const struct family *family, const char *name, size_t length)
{
	for (int i = 0; i < family->option_count + family->dim_count; i++)
		if (strlen(family->shape_names[i]) == length && !memcmp(family->shape_names[i], name, length))
			return i;
	return -1;
}

/* Reads `length` characters as an integer; false if they are none, or it does not fit. */
static bool read_dimension(const char *text, size_t length, int64_t *value)
{
	bool minus = length && *text == '-';
	int64_t number = 0;

	if (length == (size_t)minus)
		return false;
	for (size_t i = minus; i < length; i++)
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, text[i] - '0', &number))
			return false;
	*value = minus ? -number : number;
	return true;
}

/* Reads a word NAME=VALUE into *shape; false if there is no such argument, or it has no such value. */
static bool read_argument(const struct family *family, const char *word, size_t length, struct shape *shape)
{
	const char *equals = memchr(word, '=', length), *value;
	size_t value_length;
	int place;

	if (!equals)
		return false;
	place = argument_place(family, word, (size_t)(equals - word));
	value = equals + 1;
	value_length = length - (size_t)(value - word);
	if (place < 0 || !value_length)
		return false;
	if (place >= family->option_count)
		return read_dimension(value, value_length, &shape->dims[place - family->option_count]);
	if (value_length != 1)
		return false;
	shape->options |= (uint64_t)(unsigned char)(*value >= 'a' && *value <= 'z' ? *value - 32 : *value)
	                  << (8 * place);
	return true;
}

static int64_t api_cost(const char *name, const char *arguments)
{
	static const char separators[] = " \t\n,";
	const struct routine *routine = routine_named(name);
	struct shape shape = {0};
	struct origin *origin;
	struct price price;
	uint64_t charged;

	if (!routine)
		return FLOPSHIM_NO_ROUTINE;
	if (families[routine->family].kind == PRICE_NONE)
		return FLOPSHIM_UNPRICED;
	for (const char *at = arguments ? arguments : ""; at += strspn(at, separators), *at;) {
		size_t length = strcspn(at, separators);

		if (!read_argument(&families[routine->family], at, length, &shape))
			return FLOPSHIM_BAD_ARGUMENT;
		at += length;
	}
	if (!api_enter(&origin))
		return FLOPSHIM_NO_MEMORY;
	charged = weights_price(routine, &shape, open_namespace(origin), &price);
	guest_unlock(&record_lock);
	return bounded(charged);
}

static int64_t api_summary(char *buffer, size_t size, int kind)
{
	struct origin *origin;
	int64_t length;

	if (size && !buffer)
		return FLOPSHIM_BAD_ARGUMENT;
	if (!api_enter(&origin))
		return FLOPSHIM_NO_MEMORY;
	length = summary_print(buffer, size, kind);
	guest_unlock(&record_lock);
	return length;
}

static int api_reset(void)
{
	struct origin *origin;
	bool done;

	if (!api_enter(&origin))
		return FLOPSHIM_NO_MEMORY;
	done = summary_reset();
	guest_unlock(&record_lock);
	return done ? FLOPSHIM_OK : FLOPSHIM_NO_MEMORY;
}

static int api_on_exceed(flopshim_exceed_callback callback, void *context)
{
	return exceed_set_callback(callback, context) ? FLOPSHIM_OK : FLOPSHIM_NO_MEMORY;
}

static int api_quiet(int quiet) { return exceed_set_quiet(quiet); }
static const char *api_dump_path(void) { return lifecycle_ready() ? dump_path() : NULL; }

/* ---- functions for the Python module: see struct flopshim_python ---- */

/* Ends a block and gives what it has used, and what remains, in *end. Returns as struct flopshim_python says. */
static int end_block(int64_t handle, struct block_end *end)
{
	struct origin *origin;
	int ending;

	if (!api_enter(&origin))
		return FLOPSHIM_NO_MEMORY;
	end->used = answer_scope(origin, handle, USED);
	end->remaining = answer_scope(origin, handle, REMAINING);
	ending = namespace_close_block(origin, handle, &end->refusal);
	if (ending >= 0)
		lifecycle_scopes_changed();
	guest_unlock(&record_lock);
	return ending;
}

/*
 * Ends a block whose Python object was freed while it was open, since an exception came between its begin and its
 * end.
 */
static void block_goes(int64_t handle)
{
	struct block_end end;

	end_block(handle, &end);
}

static void *begin_block(const char *name, int64_t budget, int flags, int64_t *handle)
{
	*handle = begin(name, budget, true, (unsigned)flags);
	return raise_capsule(*handle, block_goes);
}

static int set_budget_that_raises(const char *name, int64_t flops) { return set_budget(name, flops, true); }

static int64_t open_budgets(void) { return namespace_blocks.budgets; }

static const struct flopshim_python python_api = {
	.size = sizeof(struct flopshim_python),
	.functions = raise_functions,
	.use = raise_use,
	.attach = raise_attach,
	.detach = raise_detach,
	.begin = begin_block,
	.end = end_block,
	.set_budget = set_budget_that_raises,
	.charge = charge_work,
	.open_budgets = open_budgets,
};

__attribute__((visibility("default"))) const struct flopshim_api flopshim_api_1 = {
	.size = sizeof(struct flopshim_api),
	.version = 1,
	.begin = api_begin,
	.end = api_end,
	.set_budget = api_set_budget,
	.set_multiplier = api_set_multiplier,
	.charge = api_charge,
	.used = api_used,
	.remaining = api_remaining,
	.calls = api_calls,
	.scope_used = api_scope_used,
	.scope_remaining = api_scope_remaining,
	.cost = api_cost,
	.summary = api_summary,
	.reset = api_reset,
	.on_exceed = api_on_exceed,
	.quiet = api_quiet,
	.dump_path = api_dump_path,
	.python = &python_api,
};
