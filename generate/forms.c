// SPDX-License-Identifier: BSD-3-Clause
/*
 * forms.c - derives the forms of each routine: their arguments, where the ABI passes these, and their symbols.
 * It must never know a routine by its name: a row says where its routines differ from the rules.
 */
#include "generate/generate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { XMM_COUNT = 8 }; /* floating-point argument registers, on x86-64 and on AArch64 */

static const struct argument layout_arg = {.name = "layout", .kind = 'i', .types = TYPES_ALL};

/* --- which arguments ------------------------------------------------------------------------- */

static bool is_lapacke(const struct form *form)
{
	return form->interface == FORM_LAPACKE || form->interface == FORM_LAPACKE_WORK;
}

static enum pass pass_scalar(uint8_t type)
{
	switch (type) {
	case TYPE_S: return PASS_FLOAT;
	case TYPE_D: return PASS_DOUBLE;
	case TYPE_C: return PASS_COMPLEX8;
	default: return PASS_COMPLEX16;
	}
}

static enum pass pass_real(uint8_t type) { return type == TYPE_S || type == TYPE_C ? PASS_FLOAT : PASS_DOUBLE; }

/* Returns how a form passes an argument of a kind; docs/adding-a-routine.md has the same as a table. */
static enum pass pass_kind(const struct form *form, uint8_t type, char kind)
{
	if (form->interface == FORM_FORTRAN)
		return PASS_POINTER;
	switch (kind) {
	case 'o': return is_lapacke(form) ? PASS_CHAR : PASS_INT;
	case 'b':
	case 'd':
	case 'i':
	case 'q':
	case 'Q': return PASS_INT;
	case 'x':
		if (form->interface == FORM_CBLAS && type_is_complex(type))
			return PASS_POINTER;
		return pass_scalar(type);
	case 'r': return pass_real(type);
	default: return PASS_POINTER;
	}
}

static bool form_has(const struct form *form, char kind)
{
	switch (form->interface) {
	case FORM_LAPACKE: return !strchr("wqQn", kind);
	case FORM_LAPACKE_WORK: return kind != 'n';
	default: return true;
	}
}

static void push(struct call_form *form, const struct argument *arg, enum pass pass)
{
	form->passed[form->passed_count++] = (struct passed){arg, pass, -1};
}

static void push_arg(struct call_form *form, const struct argument *arg)
{
	if (arg->types & type_bit(form->type))
		push(form, arg, pass_kind(&form->form, form->type, arg->kind));
}

static void push_hidden_lengths(struct call_form *form)
{
	unsigned count = form->passed_count;

	for (unsigned i = 0; i < count; i++)
		if (form->passed[i].arg && strchr("os", form->passed[i].arg->kind))
			push(form, NULL, PASS_LENGTH);
}

static void push_args(struct call_form *form, const struct form_rule *rule)
{
	const struct row *row = form->row;
	/* A list holds for the high-level LAPACKE form; the _work form always follows the rule. */
	bool listed = rule && rule->lists_args && form->form.interface != FORM_LAPACKE_WORK;

	if (rule && rule->layout)
		push(form, &layout_arg, PASS_INT);
	for (unsigned i = 0; i < row->arg_count && !(listed && !rule->appends_args); i++)
		if (form_has(&form->form, row->args[i].kind))
			push_arg(form, &row->args[i]);
	for (unsigned i = 0; listed && i < rule->list_count; i++)
		push_arg(form, &rule->list[i]);
	if (form->result_pointer)
		push(form, NULL, PASS_POINTER);
	if (form->form.interface == FORM_FORTRAN)
		push_hidden_lengths(form);
}

/* --- where the ABI puts them ----------------------------------------------------------------- */

static unsigned xmm_registers(enum pass pass)
{
	switch (pass) {
	case PASS_FLOAT:
	case PASS_DOUBLE:
	case PASS_COMPLEX8: return 1; /* the real and the imaginary part share one register */
	case PASS_COMPLEX16: return 2;
	default: return 0;
	}
}

static void assign_slots(struct call_form *form, unsigned gpr_count)
{
	unsigned gpr = 0, xmm = 0, words = 0;

	for (unsigned i = 0; i < form->passed_count; i++) {
		unsigned registers = xmm_registers(form->passed[i].pass);

		if (registers && xmm + registers <= XMM_COUNT)
			xmm += registers;
		else if (registers)
			words += registers;
		else if (gpr < gpr_count)
			form->passed[i].slot = (int)gpr++;
		else
			form->passed[i].slot = (int)(gpr_count + words++);
	}
	if (gpr_count + words > INFO_RETURNED)
		fail_row(form->row, "too many stack words");
	form->form.stack_words = (uint8_t)words;
}

/* --- the descriptor -------------------------------------------------------------------------- */

static enum fetch fetch_of(const struct form *form, const struct passed *passed)
{
	bool fortran = form->interface == FORM_FORTRAN;

	switch (passed->arg->kind) {
	case 'o': return fortran ? FETCH_CHAR_REF : form->interface == FORM_CBLAS ? FETCH_ENUM : FETCH_CHAR;
	case 'b': return fortran ? FETCH_LOGICAL_REF : FETCH_LOGICAL;
	case 'g': return FETCH_INT_GROUPS;
	default: return passed->pass == PASS_POINTER ? FETCH_INT_REF : FETCH_INT;
	}
}

static uint16_t find_condition(struct table *table, const struct row *row, const struct argument *arg)
{
	struct condition wanted = {0};
	unsigned option = 0;

	while (strcmp(row->shape[option], arg->option))
		option++;
	wanted.arg = (uint8_t)option;
	memcpy(wanted.letters, arg->letters, strlen(arg->letters));
	for (unsigned i = 0; i < table->condition_count; i++)
		if (!memcmp(&table->conditions[i], &wanted, sizeof(wanted)))
			return (uint16_t)i;
	table->conditions = grow(table->conditions, table->condition_count, sizeof(wanted));
	table->conditions[table->condition_count] = wanted;
	return (uint16_t)table->condition_count++;
}

static void describe_shape(struct table *table, struct call_form *form)
{
	const struct row *row = form->row;

	for (unsigned i = 0; i < row->option_count + row->dim_count; i++) {
		struct shape_arg *shape = &form->shape[i];

		*shape = (struct shape_arg){.fetch = FETCH_ABSENT, .condition = CONDITION_NONE};
		for (unsigned j = 0; j < form->passed_count; j++) {
			const struct passed *passed = &form->passed[j];

			if (!passed->arg || strcmp(passed->arg->name, row->shape[i]) ||
			    !strchr("obdDg", passed->arg->kind))
				continue;
			shape->fetch = (uint8_t)fetch_of(&form->form, passed);
			shape->slot = (uint8_t)passed->slot;
			/*
			 * The argument means nothing under other options, also when it is passed by value: it must
			 * not make two shapes of calls that do the same work, nor must a wild pointer be read.
			 */
			if (passed->arg->option)
				shape->condition = find_condition(table, row, passed->arg);
		}
	}
}

static void describe_queries(struct call_form *form)
{
	struct form *f = &form->form;

	for (unsigned i = 0; i < form->passed_count; i++) {
		const struct passed *passed = &form->passed[i];

		if (!passed->arg || !strchr("qQ", passed->arg->kind))
			continue;
		if (f->query_count == QUERY_MAX)
			fail_row(form->row, "more than %d workspace sizes", QUERY_MAX);
		f->query_slots[f->query_count++] = (uint8_t)passed->slot;
		f->query_minus_two |= passed->arg->kind == 'Q';
		f->query_is_ref |= passed->pass == PASS_POINTER;
	}
}

/* Fills `pointers` and `integers`, by which shim/resolve/doubt.c judges whether arguments make sense. */
static void describe_registers(struct call_form *form, unsigned gpr_count)
{
	for (unsigned i = 0; i < form->passed_count; i++) {
		const struct passed *passed = &form->passed[i];
		unsigned bit = passed->slot >= 0 && passed->slot < (int)gpr_count ? 1u << passed->slot : 0;

		if (passed->pass == PASS_POINTER)
			form->form.pointers |= (uint8_t)bit;
		if (passed->arg && strchr("dDiqQ", passed->arg->kind))
			form->form.integers |= (uint8_t)bit;
	}
}

static void describe_info(struct call_form *form)
{
	form->form.info = INFO_NONE;
	form->form.info_after_work = form->row->info_after_work;
	if (is_lapacke(&form->form) && !form->row->result)
		form->form.info = INFO_RETURNED;
	for (unsigned i = 0; i < form->passed_count; i++)
		if (form->passed[i].arg && form->passed[i].arg->kind == 'n')
			form->form.info = (uint8_t)form->passed[i].slot;
}

static enum result result_of(const struct call_form *form)
{
	if (form->result_pointer)
		return RESULT_VOID;
	switch (form->row->result) {
	case 'i': return RESULT_INT;
	case 'r': return RESULT_REAL;
	case 'x': return form->type == TYPE_C ? RESULT_COMPLEX8 : form->type == TYPE_Z ? RESULT_COMPLEX16 : RESULT_REAL;
	default: return is_lapacke(&form->form) ? RESULT_INT : RESULT_VOID;
	}
}

/* --- all forms ------------------------------------------------------------------------------- */

static void describe(struct table *table, struct call_form *form, unsigned gpr_count)
{
	assign_slots(form, gpr_count);
	describe_shape(table, form);
	describe_queries(form);
	describe_registers(form, gpr_count);
	describe_info(form);
	form->form.result = (uint8_t)result_of(form);
}

/*
 * Makes the form of the same function whose first argument is the address of its result: see hidden_forms in
 * routines.h.
 */
static void add_hidden_form(struct table *table, struct call_form *of, unsigned gpr_count)
{
	struct call_form *form;

	table->hidden = grow(table->hidden, table->hidden_count, sizeof(*table->hidden));
	form = &table->hidden[table->hidden_count++];
	if (table->hidden_count > UINT8_MAX)
		fail_row(of->row, "too many functions with a complex result");
	of->form.hidden = (uint8_t)table->hidden_count;
	*form = (struct call_form){.form = {.routine = of->form.routine, .interface = of->form.interface},
	                           .row = of->row,
	                           .routine = of->routine,
	                           .type = of->type};
	push(form, NULL, PASS_POINTER);
	push_args(form, NULL);
	describe(table, form, gpr_count);
}

static void add_form(struct table *table, const struct row *row, unsigned number, unsigned routine,
                     enum form_interface interface, const struct form_rule *rule, unsigned gpr_count)
{
	struct call_form *form;

	table->forms = grow(table->forms, table->form_count, sizeof(*table->forms));
	form = &table->forms[table->form_count++];
	memset(form, 0, sizeof(*form));
	form->row = row;
	form->routine = row->routines[number].name;
	form->type = row->routines[number].type;
	form->result_pointer = rule && rule->result_pointer;
	form->form.routine = (uint16_t)routine;
	form->form.interface = (uint8_t)interface;
	push_args(form, rule);
	describe(table, form, gpr_count);
	if (interface == FORM_FORTRAN && type_is_complex(form->type) && row->result == 'x')
		add_hidden_form(table, form, gpr_count);
}

static void add_routine_forms(struct table *table, const struct row *row, unsigned number, unsigned routine,
                              unsigned gpr_count)
{
	add_form(table, row, number, routine, FORM_FORTRAN, NULL, gpr_count);
	for (unsigned i = 0; i < row->form_count; i++) {
		const struct form_rule *rule = &row->forms[i];

		if (!(rule->types & type_bit(row->routines[number].type)))
			continue;
		add_form(table, row, number, routine, rule->interface, rule, gpr_count);
		if (rule->interface == FORM_LAPACKE)
			add_form(table, row, number, routine, FORM_LAPACKE_WORK, rule, gpr_count);
	}
}

void forms_make(struct table *table, unsigned gpr_count)
{
	unsigned routine = 0;

	for (unsigned i = 0; i < table->row_count; i++)
		for (unsigned j = 0; j < table->rows[i].routine_count; j++)
			add_routine_forms(table, &table->rows[i], j, routine++, gpr_count);
}

/* --- symbols --------------------------------------------------------------------------------- */

static const char *print_name(const char *prefix, const char *name, const char *suffix)
{
	char text[256];
	int length = snprintf(text, sizeof(text), "%s%s%s", prefix, name, suffix);

	return copy_text(text, (size_t)length);
}

const char *form_name(const struct call_form *form)
{
	switch (form->form.interface) {
	case FORM_CBLAS: return print_name("cblas_", form->routine, form->result_pointer ? "_sub" : "");
	case FORM_LAPACKE: return print_name("LAPACKE_", form->routine, "");
	case FORM_LAPACKE_WORK: return print_name("LAPACKE_", form->routine, "_work");
	default: return form->routine;
	}
}

static const char *upper_case(const char *name)
{
	char *upper = copy_text(name, strlen(name));

	for (char *at = upper; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return upper;
}

const char *symbol_name(const struct call_form *form, enum scheme scheme)
{
	const char *name = form_name(form);
	bool fortran = form->form.interface == FORM_FORTRAN;

	switch (scheme) {
	case SCHEME_PLAIN: return print_name("", name, fortran ? "_" : "");
	case SCHEME_64_: return print_name("", name, fortran ? "_64_" : "64_");
	case SCHEME_64: return print_name("", name, "_64");
	case SCHEME_SCIPY: return print_name("scipy_", name, fortran ? "_" : "");
	case SCHEME_SCIPY_64_: return print_name("scipy_", name, fortran ? "_64_" : "64_");
	case SCHEME_UPPER_64: return fortran ? print_name("", upper_case(name), "_64") : NULL;
	case SCHEME_BARE: return fortran ? name : NULL;
	case SCHEME_BARE_UPPER: return fortran ? upper_case(name) : NULL;
	default: return NULL;
	}
}
