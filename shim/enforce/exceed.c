/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exceed.c - what happens to a call that does not fit its budget.
 * It must never let such a call run unless the program or its user has asked for that.
 */
#include "shim/enforce/exceed.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/charge/namespace.h"
#include "shim/dump/dump.h"
#include "shim/enforce/ending.h"
#include "shim/enforce/raise.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "shim/guest/program.h"
#include "shim/record/record.h"
#include "shim/resolve/resolve.h"
#include "shim/stacks/python.h"

enum { INFO_NAMESPACE = -1001, INFO_SCOPE = -1002, INFO_PROCESS = -1003, MESSAGES_MAX = 10, STATUS_WITHOUT_MEMORY = 2 };

/* INFO of a denied call, which says what kind of limit refused it. */
static int deny_info(const struct limit *limit)
{
	if (limit->is_scope)
		return INFO_SCOPE;
	return limit->namespace_id ? INFO_NAMESPACE : INFO_PROCESS;
}

/* Prints 48,000,000 rather than 48000000: the line is for people. */
static void print_grouped(char *line, size_t size, size_t *end, uint64_t value)
{
	char digits[32], grouped[48];
	size_t length = 0, out = 0;

	guest_print(digits, sizeof(digits), &length, "%llu", (unsigned long long)value);
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			grouped[out++] = ',';
		grouped[out++] = digits[i];
	}
	grouped[out] = 0;
	guest_print(line, size, end, "%s", grouped);
}

static void print_shape(char *line, size_t size, size_t *end, const struct exceeding_call *call)
{
	const struct family *family;
	const char *between = "(";

	if (call->operation) {
		guest_print(line, size, end, "%.200s", call->operation);
		return;
	}
	family = &families[call->routine->family];
	guest_print(line, size, end, "%s", call->routine->name);
	for (unsigned i = 0; i < family->option_count; i++) {
		unsigned char letter = (unsigned char)(call->shape->options >> (8 * i));

		guest_print(line, size, end, "%s%s=%c", between, family->shape_names[i], letter ? letter : '-');
		between = ", ";
	}
	for (unsigned i = 0; i < family->dim_count; i++) {
		guest_print(line, size, end, "%s%s=%lld", between, family->shape_names[family->option_count + i],
		            (long long)call->shape->dims[i]);
		between = ", ";
	}
	guest_print(line, size, end, *between == ',' ? ")" : "()");
}

static void print_caller(char *line, size_t size, size_t *end, uint64_t caller)
{
	char python[PYTHON_CALLER_BYTES];
	struct module *module;

	guest_lock(&record_lock);
	module = caller ? module_of((const void *)caller) : NULL;
	if (module) {
		const char *path = *module->path ? module->path : program_path();

		guest_print(line, size, end, ", called from %s+0x%llx", base_name(path),
		            (unsigned long long)(caller - module->bias));
	}
	if (python_caller(python, sizeof(python)))
		guest_print(line, size, end, "%s %s", module ? " in" : ", called from", python);
	guest_unlock(&record_lock);
}

static int exceed_quiet;

int exceed_set_quiet(int quiet)
{
	int before = exceed_quiet;

	exceed_quiet = quiet != 0;
	return before;
}

static void say_refused(const struct exceeding_call *call, const char *what)
{
	const struct limit *limit = call->limit;
	const char *name = namespace_name(limit->namespace_id);
	char line[900];
	size_t end = 0;

	if (exceed_quiet)
		return;
	print_shape(line, sizeof(line), &end, call);
	guest_print(line, sizeof(line), &end, " %s: it costs ", what);
	print_grouped(line, sizeof(line), &end, (uint64_t)call->cost);
	guest_print(line, sizeof(line), &end, " FLOPs, ");
	print_grouped(line, sizeof(line), &end, call->remaining);
	guest_print(line, sizeof(line), &end, " remain of the budget of ");
	print_grouped(line, sizeof(line), &end, limit->amount);
	if (*name)
		guest_print(line, sizeof(line), &end, " of %s '%s'", limit->is_scope ? "a scope in" : "namespace",
		            name);
	else
		guest_print(line, sizeof(line), &end, limit->is_scope ? " of a scope" : " of the process");
	print_caller(line, sizeof(line), &end, call->caller);
	guest_say("%s", line);
	dump_flush_due(); /* a message that could not be said is noted before anything else happens */
}

/* Says the first refusals of a limit, and with the last of them that there will be no more lines. */
static void say_refused_at_first(const struct exceeding_call *call)
{
	uint32_t said;

	if (exceed_quiet || call->limit->said >= MESSAGES_MAX)
		return;
	said = ++call->limit->said;
	if (said <= MESSAGES_MAX)
		say_refused(call, "refused");
	if (said == MESSAGES_MAX)
		guest_say("further calls that this budget refuses are counted, but not reported");
}

/* ---- deny ---- */

/* Writes 0 where the caller wants its complex result, if that is in memory. */
static void deny_hidden_result(const struct exceeding_call *call)
{
	void *result = (void *)*entry_slot(call->frame, 0);

	memset(result, 0, call->form->result == RESULT_COMPLEX8 ? 8 : 16);
	*entry_result(call->frame) = (uint64_t)result;
}

static void deny(const struct exceeding_call *call)
{
	const struct form *form = call->form;
	int info = deny_info(call->limit);

	if (!call->frame)
		return; /* work charged by hand: flopshim_charge returns FLOPSHIM_REFUSED */
	*entry_result(call->frame) = form->info == INFO_RETURNED ? (uint64_t)(int64_t)info : 0;
	if (form_hides_result(form))
		deny_hidden_result(call);
	if (form->info == INFO_RETURNED || form->info == INFO_NONE)
		return;
	if (call->ilp64)
		*(int64_t *)*entry_slot(call->frame, form->info) = info;
	else
		*(int32_t *)*entry_slot(call->frame, form->info) = info;
}

static bool run_over(const struct exceeding_call *call)
{
	if (!call->limit->warned) {
		call->limit->warned = true;
		say_refused(call, "runs over its budget");
	}
	charge_count_over(call->limit);
	return true;
}

/* ---- the program's own decision ---- */

/*
 * A callback's function and context. They are one object, so that a thread reads both by one pointer. Never changed
 * and never freed.
 */
struct callback {
	flopshim_exceed_callback function;
	void *context;
	struct callback *next;
};

static struct callback *_Atomic callback_set; /* NULL if there is none */
static struct callback *callbacks;            /* all that have been set, under record_lock */
static struct guest_pool callback_pool = {.size = sizeof(struct callback)};

/* The object for this function and context, made if need be. With record_lock held; NULL without memory. */
static struct callback *callback_of(flopshim_exceed_callback function, void *context)
{
	struct callback *known = callbacks;

	while (known && (known->function != function || known->context != context))
		known = known->next;
	if (known)
		return known;
	known = guest_pool_take(&callback_pool);
	if (known)
		*known = (struct callback){function, context, callbacks};
	callbacks = known ? known : callbacks;
	return known;
}

bool exceed_set_callback(flopshim_exceed_callback function, void *context)
{
	struct callback *chosen;

	guest_lock(&record_lock);
	chosen = function ? callback_of(function, context) : NULL;
	if (chosen || !function)
		callback_set = chosen;
	guest_unlock(&record_lock);
	return chosen || !function;
}

static enum exceed_action action_of(enum flopshim_action chosen)
{
	switch (chosen) {
	case FLOPSHIM_EXIT: return EXCEED_EXIT;
	case FLOPSHIM_SIGNAL: return EXCEED_SIGNAL;
	case FLOPSHIM_DENY: return EXCEED_DENY;
	case FLOPSHIM_WARN: return EXCEED_WARN;
	default: return config.on_exceed;
	}
}

/*
 * Whether a call comes out of the callback, which runs in this thread. If the callback was left by longjmp, its frame
 * is gone from the stack, or its slot holds something else.
 */
static bool is_asking(const struct thread *thread, uint64_t slot)
{
	return thread->asking_slot > slot && *(const uint64_t *)thread->asking_slot == thread->asking_return;
}

/*
 * Asks the program what to do, or takes what is configured if there is no callback. The callback may leave by
 * longjmp, so no lock is held.
 */
static __attribute__((noinline)) enum exceed_action ask(const struct exceeding_call *call,
                                                        const struct callback *callback, bool *by_default)
{
	char text[512];
	size_t end = 0;
	uint64_t slot = (uint64_t)__builtin_frame_address(0) + 8;
	enum flopshim_action chosen;
	struct flopshim_exceeded told = {
		.operation = call->operation ? call->operation : call->routine->name,
		.call = text,
		.cost = call->cost,
		.remaining = (int64_t)call->remaining,
		.limit = (int64_t)call->limit->amount,
		.namespace_name = namespace_name(call->limit->namespace_id),
		.limit_is_scope = call->limit->is_scope,
		.caller = call->caller,
	};

	if (!callback)
		return config.on_exceed;
	if (is_asking(call->thread, slot))
		return EXCEED_DENY; /* a call that the callback itself makes */
	print_shape(text, sizeof(text), &end, call);
	call->thread->asking_slot = slot;
	call->thread->asking_return = *(const uint64_t *)slot;
	chosen = callback->function(&told, callback->context);
	call->thread->asking_slot = 0;
	*by_default = chosen == FLOPSHIM_DEFAULT;
	return action_of(chosen);
}

/* ---- exceptions ---- */

/*
 * Whether a refusal by this limit raises an exception. Limits of the module flopshim do. A limit of the environment
 * does what the environment says; but with `deny` a block would go on with outputs that were not computed.
 */
static bool raises(const struct limit *limit)
{
	return raise_is_attached() && (limit->raises || (config.on_exceed == EXCEED_DENY && namespace_blocks.budgets));
}

static void describe(const struct exceeding_call *call, struct refusal *refusal)
{
	size_t end = 0;

	guest_print(refusal->operation, sizeof(refusal->operation), &end, "%s",
	            call->operation ? call->operation : call->routine->name);
	end = 0;
	print_shape(refusal->call, sizeof(refusal->call), &end, call);
	refusal->namespace_name = namespace_name(call->limit->namespace_id);
	refusal->cost = call->cost;
	refusal->remaining = (int64_t)call->remaining;
	refusal->limit = (int64_t)call->limit->amount;
	refusal->loud = namespace_blocks.loud != 0;
}

/*
 * Raises a refusal in Python, or keeps it for its block, or says it. No lock is held: signal handlers written in
 * Python may run, and leave by an exec, say.
 */
static __attribute__((noinline)) void raise_refusal(const struct exceeding_call *call)
{
	struct refusal refusal;
	int64_t block;
	bool kept;

	describe(call, &refusal);
	guest_lock(&record_lock);
	block = namespace_block(call->thread->origin, call->limit);
	guest_unlock(&record_lock);
	if (raise_in_statement(call->thread, &refusal, block))
		return;
	guest_lock(&record_lock);
	kept = namespace_keep_refusal(block, &refusal);
	guest_unlock(&record_lock);
	if (kept || !block)
		say_refused_at_first(call);
}

/* Sends the configured signal to this thread, after noting it in the dump, since the program may end by it. */
static void send_signal(void)
{
	static pid_t told_by; /* the process whose dump has the signal: a forked child has another dump */
	char number[16];
	size_t end = 0;

	guest_lock(&record_lock);
	if (told_by != getpid()) {
		told_by = getpid();
		guest_print(number, sizeof(number), &end, "%d", config.exceed_signal);
		dump_tell("signal", number);
	}
	guest_unlock(&record_lock);
	machine_syscall(SYS_tgkill, getpid(), machine_syscall(SYS_gettid), config.exceed_signal);
}

bool exceed(const struct exceeding_call *call)
{
	int saved = errno;
	const struct callback *callback = callback_set;
	enum exceed_action action;
	bool by_default = true, raising = raises(call->limit);
	bool counted = call->thread->raising; /* by charge_reserve */

	if (call->refusal)
		describe(call, call->refusal);
	if (!counted && !raising && !callback && config.on_exceed == EXCEED_WARN)
		return run_over(call);
	if (!counted)
		charge_count_refused(call->limit, call->cost);
	if (raising) {
		if (!call->refusal && !raise_is_due(call->thread))
			raise_refusal(call);
		deny(call);
		errno = saved;
		return false;
	}
	action = ask(call, callback, &by_default);
	if (action == EXCEED_WARN) {
		charge_uncount_refused(call->limit, call->cost);
		return run_over(call);
	}
	if (action == EXCEED_EXIT)
		ending_begin(config.exit_status); /* before the message, which may have to wait for somebody */
	if (action == EXCEED_EXIT) {
		say_refused(call, "refused");
		ending_finish();
	}
	/* A program whose callback has chosen what happens needs no message. */
	if (by_default)
		say_refused_at_first(call);
	deny(call);
	errno = saved;
	if (action == EXCEED_SIGNAL)
		send_signal();
	errno = saved;
	return false;
}

void exceed_without_memory(void)
{
	ending_begin(STATUS_WITHOUT_MEMORY);
	guest_say("no memory to count calls, so that the budget cannot be enforced: the program is stopped");
	ending_finish();
}
