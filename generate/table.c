// SPDX-License-Identifier: BSD-3-Clause
/*
 * table.c - reads .tbl files into rows, definitions and exclusions.
 * It must never repair a row: whatever deviates from docs/adding-a-routine.md is an error, which names file and line.
 */
#include "generate/generate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 16384, COLUMNS_MAX = 16 };

/*
 * The columns of a row, in order. Those behind the source are optional, and begin with a word that says what they are.
 */
enum {
	FIELD_FAMILY,
	FIELD_TYPES,
	FIELD_ARGS,
	FIELD_FORMS,
	FIELD_KIND,
	FIELD_MULS,
	FIELD_ADDS,
	FIELD_WORDS,
	FIELD_SOURCE,
	FIELD_EXTRA
};

static const char kinds[] = "obdDgixrpswqQnf";

/* A name of a kind line, such as `kind o uplo trans`. A name that ends in * stands for all names with that prefix. */
static struct kind_name {
	const char *name;
	char kind;
} * kind_names;
static unsigned kind_name_count;

uint8_t type_bit(uint8_t type)
{
	switch (type) {
	case TYPE_S: return TYPES_S;
	case TYPE_D: return TYPES_D;
	case TYPE_C: return TYPES_C;
	case TYPE_Z: return TYPES_Z;
	default: return 0;
	}
}

bool type_is_complex(uint8_t type) { return type == TYPE_C || type == TYPE_Z; }

static bool name_char(char c) { return isalnum((unsigned char)c) || c == '_'; }

static bool name_is_valid(const char *name)
{
	if (!isalpha((unsigned char)name[0]))
		return false;
	for (; *name; name++)
		if (!name_char(*name))
			return false;
	return true;
}

static const char *read_name(const char **at)
{
	const char *start = *at;

	while (name_char(**at))
		(*at)++;
	return copy_text(start, (size_t)(*at - start));
}

static void skip_blanks(const char **at) { *at += strspn(*at, " \t"); }

/* --- kind lines ------------------------------------------------------------------------------ */

static void read_kind_line(struct place place, const char *at)
{
	char kind;

	skip_blanks(&at);
	kind = *at++;
	if (!kind || !strchr(kinds, kind) || (*at != ' ' && *at != '\t'))
		fail_at(place, "a kind line is `kind LETTER NAME...`, with a letter of \"%s\"", kinds);
	for (skip_blanks(&at); *at; skip_blanks(&at)) {
		const char *start = at;

		while (name_char(*at) || *at == '*')
			at++;
		if (at == start)
			fail_at(place, "'%c' in a kind line", *at);
		kind_names = grow(kind_names, kind_name_count, sizeof(*kind_names));
		kind_names[kind_name_count++] = (struct kind_name){copy_text(start, (size_t)(at - start)), kind};
	}
}

static char kind_of_name(const char *name)
{
	char by_prefix = 'p';

	for (unsigned i = 0; i < kind_name_count; i++) {
		size_t length = strlen(kind_names[i].name);

		if (!strcmp(kind_names[i].name, name))
			return kind_names[i].kind;
		if (kind_names[i].name[length - 1] == '*' && !strncmp(kind_names[i].name, name, length - 1))
			by_prefix = kind_names[i].kind;
	}
	return by_prefix;
}

/* --- exclude and def lines ------------------------------------------------------------------- */

static void read_exclude_line(struct table *table, struct place place, const char *at)
{
	const char *bar = strchr(at, '|');
	const char *reason;

	if (!bar)
		fail_at(place, "an exclude line is `exclude NAME... | REASON`");
	reason = trim(bar + 1);
	for (skip_blanks(&at); at < bar; skip_blanks(&at)) {
		size_t length = strcspn(at, " \t|");

		table->exclusions = grow(table->exclusions, table->exclusion_count, sizeof(*table->exclusions));
		table->exclusions[table->exclusion_count++] = (struct exclusion){copy_text(at, length), reason};
		at += length;
	}
}

static void read_definition(struct table *table, struct place place, const char *at)
{
	struct definition definition = {.place = place};

	skip_blanks(&at);
	definition.name = read_name(&at);
	skip_blanks(&at);
	if (!*definition.name || *at++ != '(')
		fail_at(place, "a definition is `def NAME(PARAMETER, ...) = EXPRESSION`");
	for (;;) {
		skip_blanks(&at);
		if (definition.param_count == SHAPE_ARGS_MAX)
			fail_at(place, "def '%s': more than %d parameters", definition.name, SHAPE_ARGS_MAX);
		definition.params[definition.param_count] = read_name(&at);
		if (!*definition.params[definition.param_count++])
			fail_at(place, "def '%s': malformed parameters", definition.name);
		skip_blanks(&at);
		if (*at != ',')
			break;
		at++;
	}
	if (*at++ != ')')
		fail_at(place, "def '%s': malformed parameters", definition.name);
	skip_blanks(&at);
	if (*at++ != '=')
		fail_at(place, "def '%s': '=' expected behind the parameters", definition.name);
	definition.body = trim(at);
	for (unsigned i = 0; i < table->definition_count; i++)
		if (!strcmp(table->definitions[i].name, definition.name))
			fail_at(place, "def '%s': defined twice", definition.name);
	table->definitions = grow(table->definitions, table->definition_count, sizeof(definition));
	table->definitions[table->definition_count++] = definition;
}

/* --- types and routine names ----------------------------------------------------------------- */

static uint8_t read_type_set(const struct row *row, const char **at)
{
	uint8_t set = 0;

	for ((*at)++; **at && **at != ']'; (*at)++) {
		uint8_t bit = type_bit((uint8_t) * *at);

		if (!bit && !isblank((unsigned char)**at))
			fail_row(row, "'%c' in a list of types", **at);
		set |= bit;
	}
	if (**at != ']' || !set)
		fail_row(row, "malformed list of types in brackets");
	(*at)++;
	return set;
}

static void add_routine(struct row *row, char type, const char *name)
{
	if (row->routine_count == ROW_ROUTINES_MAX)
		fail_row(row, "more than %d types", ROW_ROUTINES_MAX);
	if (!type_bit((uint8_t)type))
		fail_row(row, "'%c' is no type (s d c z)", type);
	if (!name_is_valid(name))
		fail_row(row, "'%s' is no routine name", name);
	row->routines[row->routine_count].type = (uint8_t)type;
	row->routines[row->routine_count++].name = name;
	row->types |= type_bit((uint8_t)type);
}

static const char *concatenate(const char *a, const char *b)
{
	size_t length = strlen(a);
	char *both = allocate(length + strlen(b) + 1);

	strcpy(both, a);
	strcpy(both + length, b);
	return both;
}

/* One item of the types column: `s`, `sc:c` or `d=dsgesv`. */
static void read_type(struct row *row, const char *item, const char *family)
{
	const char *colon = strchr(item, ':');
	size_t length = strlen(item);

	if (length > 2 && item[1] == '=')
		add_routine(row, item[0], item + 2);
	else if (colon && colon > item && colon[1] && !colon[2])
		add_routine(row, colon[1], concatenate(copy_text(item, (size_t)(colon - item)), family));
	else if (length == 1)
		add_routine(row, item[0], concatenate(item, family));
	else
		fail_row(row, "'%s' in the types", item);
}

static void read_types(struct row *row, const char *text)
{
	const char *family = row->real_name;
	bool second = false;

	for (const char *at = text; *at;) {
		size_t length = strcspn(at, " \t");

		if (length == 1 && *at == '/') {
			if (second || row->real_name == row->complex_name)
				fail_row(row, "'/' in the types");
			second = true;
			family = row->complex_name;
		} else if (length)
			read_type(row, copy_text(at, length), family);
		at += length;
		skip_blanks(&at);
	}
	if (!row->routine_count)
		fail_row(row, "no types");
	if (!second && row->real_name != row->complex_name)
		fail_row(row, "two family names, and no '/' in the types");
}

static void read_family(struct row *row, const char *text)
{
	const char *slash = strchr(text, '/');

	row->name = row->real_name = row->complex_name = text;
	if (slash) {
		row->real_name = copy_text(text, (size_t)(slash - text));
		row->complex_name = slash + 1;
	}
	if (!name_is_valid(row->real_name) || !name_is_valid(row->complex_name))
		fail_row(row, "malformed family name");
}

/* --- arguments ------------------------------------------------------------------------------- */

static void read_condition(const struct row *row, struct argument *arg, const char **at)
{
	const char *start;

	(*at)++;
	arg->option = read_name(at);
	if (**at != '=')
		fail_row(row, "argument '%s': a condition is ?OPTION=LETTERS", arg->name);
	start = ++*at;
	while (isupper((unsigned char)**at))
		(*at)++;
	arg->letters = copy_text(start, (size_t)(*at - start));
	if (!*arg->letters || strlen(arg->letters) >= sizeof(((struct condition *)0)->letters))
		fail_row(row, "argument '%s': a condition names 1 to 6 capital letters", arg->name);
}

/* Reads NAME[TYPES]:KIND?OPTION=LETTERS, in which all but the name is optional. */
static struct argument read_argument(const struct row *row, const char **at)
{
	struct argument arg = {.types = TYPES_ALL};

	arg.name = read_name(at);
	if (!isalpha((unsigned char)arg.name[0]))
		fail_row(row, "malformed arguments at '%s'", *at);
	arg.kind = kind_of_name(arg.name);
	if (**at == '[')
		arg.types = read_type_set(row, at);
	if (**at == ':') {
		arg.kind = (*at)[1];
		if (!arg.kind || !strchr(kinds, arg.kind))
			fail_row(row, "argument '%s': no kind '%c'", arg.name, arg.kind);
		*at += 2;
	}
	if (**at == '?')
		read_condition(row, &arg, at);
	if (**at && !strchr(" \t)", **at))
		fail_row(row, "malformed argument '%s'", arg.name);
	return arg;
}

static unsigned read_arguments(const struct row *row, const char **at, struct argument *args)
{
	unsigned count = 0;

	for (skip_blanks(at); **at && **at != ')'; skip_blanks(at)) {
		if (count == ROW_ARGS_MAX)
			fail_row(row, "more than %d arguments", ROW_ARGS_MAX);
		args[count++] = read_argument(row, at);
	}
	return count;
}

static void read_args_column(struct row *row, const char *text)
{
	const char *at = text;

	row->args_text = text;
	if (!strncmp(at, "->", 2)) {
		at += 2;
		skip_blanks(&at);
		row->result = *at;
		if (!row->result || !strchr("rxi", row->result) || (at[1] && !isblank((unsigned char)at[1])))
			fail_row(row, "a function's type is `-> r`, `-> x` or `-> i`");
		at++;
	}
	row->arg_count = read_arguments(row, &at, row->args);
	if (*at)
		fail_row(row, "malformed arguments at '%s'", at);
	for (unsigned i = 0; i < row->arg_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (!strcmp(row->args[i].name, row->args[j].name) && row->args[i].types & row->args[j].types)
				fail_row(row, "argument '%s' stands twice", row->args[i].name);
}

static int shape_index(const struct row *row, const char *name)
{
	for (unsigned i = 0; i < row->option_count + row->dim_count; i++)
		if (!strcmp(row->shape[i], name))
			return (int)i;
	return -1;
}

/* Collects the arguments of the shape. A name that stands in two places, for different types, is one argument of it. */
static void make_shape(struct row *row)
{
	for (unsigned i = 0; i < row->arg_count; i++) {
		if (!strchr("ob", row->args[i].kind) || shape_index(row, row->args[i].name) >= 0)
			continue;
		if (row->option_count == SHAPE_OPTIONS_MAX)
			fail_row(row, "more than %d options in the shape", SHAPE_OPTIONS_MAX);
		row->shape[row->option_count++] = row->args[i].name;
	}
	for (unsigned i = 0; i < row->arg_count; i++) {
		if (!strchr("dDg", row->args[i].kind) || shape_index(row, row->args[i].name) >= 0)
			continue;
		if (row->dim_count == SHAPE_DIMS_MAX)
			fail_row(row, "more than %d dimensions in the shape", SHAPE_DIMS_MAX);
		row->shape[row->option_count + row->dim_count++] = row->args[i].name;
	}
	for (unsigned i = 0; i < row->arg_count; i++) {
		int option;

		if (!row->args[i].option)
			continue;
		option = shape_index(row, row->args[i].option);
		if (option < 0 || option >= (int)row->option_count)
			fail_row(row, "argument '%s': '%s' is no option of this row", row->args[i].name,
			         row->args[i].option);
		if (!strchr("dDg", row->args[i].kind))
			fail_row(row, "argument '%s' has a condition and is no dimension", row->args[i].name);
	}
}

/* --- C forms --------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	struct form_rule rule;
} form_rules[] = {
	{"cblas", {.interface = FORM_CBLAS, .layout = true}},
	{"cblas0", {.interface = FORM_CBLAS}},
	{"cblas_sub", {.interface = FORM_CBLAS, .result_pointer = true}},
	{"lapacke", {.interface = FORM_LAPACKE, .layout = true}},
	{"lapacke0", {.interface = FORM_LAPACKE}},
};

static struct form_rule find_form_rule(const struct row *row, const char *name)
{
	for (size_t i = 0; i < sizeof(form_rules) / sizeof(*form_rules); i++)
		if (!strcmp(form_rules[i].name, name))
			return form_rules[i].rule;
	fail_row(row, "no C form '%s'", name);
}

/* Gives each argument of a list that has the name of an argument of the row the kind, types and condition of that. */
static void inherit_kinds(const struct row *row, struct form_rule *rule)
{
	for (unsigned i = 0; i < rule->list_count; i++)
		for (unsigned j = 0; j < row->arg_count; j++)
			if (!strcmp(rule->list[i].name, row->args[j].name))
				rule->list[i] = row->args[j];
}

static void read_form_list(const struct row *row, struct form_rule *rule, const char **at)
{
	(*at)++;
	skip_blanks(at);
	rule->lists_args = true;
	if (!strncmp(*at, "..", 2)) {
		rule->appends_args = true;
		*at += 2;
	}
	rule->list_count = read_arguments(row, at, rule->list);
	if (**at != ')')
		fail_row(row, "unclosed list of a C form");
	(*at)++;
	inherit_kinds(row, rule);
}

static void read_forms(struct row *row, const char *text)
{
	if (!strcmp(text, "none"))
		return;
	for (const char *at = text; *at; skip_blanks(&at)) {
		struct form_rule rule = find_form_rule(row, read_name(&at));

		rule.types = TYPES_ALL;
		if (*at == '[')
			rule.types = read_type_set(row, &at);
		if (*at == '(')
			read_form_list(row, &rule, &at);
		if (row->form_count == ROW_FORMS_MAX)
			fail_row(row, "more than %d C forms", ROW_FORMS_MAX);
		row->forms[row->form_count++] = rule;
	}
	if (!row->form_count)
		fail_row(row, "the C forms column is empty: say none");
}

/* --- prices ---------------------------------------------------------------------------------- */

static enum price_kind read_kind(const struct row *row, const char *text)
{
	static const char *const names[] = {"direct", "iterative", "exempt", "none"};

	for (unsigned i = 0; i < 4; i++)
		if (!strcmp(names[i], text))
			return (enum price_kind)i;
	fail_row(row, "'%s' is no kind (direct, iterative, exempt, none)", text);
}

static void read_extra(struct row *row, const char *text)
{
	static const char *const words[] = {"blocked:", "error:", "not modelled:", "info:"};
	unsigned i = 0;

	while (i < 4 && strncmp(text, words[i], strlen(words[i])))
		i++;
	if (i == 4)
		fail_row(row, "'%s' behind the source", text);
	text = trim(text + strlen(words[i]));
	switch (i) {
	case 0: row->text[COLUMN_BLOCKED] = text; break;
	case 1: row->error = text; break;
	case 2: row->not_modelled = text; break;
	default:
		if (strcmp(text, "after-work"))
			fail_row(row, "'info: %s': only after-work is known", text);
		row->info_after_work = true;
	}
}

static void read_prices(struct row *row, const char *const *fields, unsigned count)
{
	bool priced;

	row->kind = read_kind(row, fields[FIELD_KIND]);
	priced = row->kind == PRICE_DIRECT || row->kind == PRICE_ITERATIVE;
	row->source = count > FIELD_SOURCE ? fields[FIELD_SOURCE] : "";
	if (row->kind != PRICE_NONE && !*row->source)
		fail_row(row, "no source");
	for (unsigned i = COLUMN_MULS; i <= COLUMN_WORDS; i++) {
		const char *text = fields[FIELD_MULS + i];

		if (priced && (!*text || !strcmp(text, "?")))
			fail_row(row, "a priced row with an empty price");
		if (row->kind == PRICE_NONE && strcmp(text, "?"))
			fail_row(row, "kind none, and a price that is not '?'");
		if (row->kind == PRICE_EXEMPT && strcmp(text, "0"))
			fail_row(row, "kind exempt, and a price that is not 0");
		row->text[i] = priced ? text : NULL;
	}
	if (priced && !strcmp(row->text[COLUMN_ADDS], "\""))
		row->text[COLUMN_ADDS] = row->text[COLUMN_MULS];
	for (unsigned i = FIELD_EXTRA; i < count; i++)
		read_extra(row, fields[i]);
}

/* --- rows and files -------------------------------------------------------------------------- */

/* Splits a row at each `|` that is not half of the operator `||`. Returns the number of columns. */
static unsigned split_columns(struct place place, const char *text, const char **fields)
{
	unsigned count = 0;
	const char *start = text;

	for (const char *at = text;; at++) {
		if (at[0] == '|' && at[1] == '|') {
			at++;
			continue;
		}
		if (*at && *at != '|')
			continue;
		if (count == COLUMNS_MAX)
			fail_at(place, "more than %d columns", COLUMNS_MAX);
		fields[count++] = trim(copy_text(start, (size_t)(at - start)));
		if (!*at)
			return count;
		start = at + 1;
	}
}

static void read_row(struct table *table, struct place place, const char *text)
{
	const char *fields[COLUMNS_MAX];
	unsigned count = split_columns(place, text, fields);
	struct row *row;

	table->rows = grow(table->rows, table->row_count, sizeof(*table->rows));
	row = &table->rows[table->row_count];
	*row = (struct row){.place = place, .number = table->row_count};
	table->row_count++;
	row->name = fields[FIELD_FAMILY];
	if (count <= FIELD_WORDS)
		fail_row(row,
		         "%u columns: family | types | arguments | C forms | kind | muls | adds | words | "
		         "source",
		         count);
	read_family(row, fields[FIELD_FAMILY]);
	read_types(row, fields[FIELD_TYPES]);
	read_args_column(row, fields[FIELD_ARGS]);
	make_shape(row);
	read_forms(row, fields[FIELD_FORMS]);
	read_prices(row, fields, count);
}

static bool take_word(const char **text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*text, word, length) || !isblank((unsigned char)(*text)[length]))
		return false;
	*text += length;
	return true;
}

/* The texts of rows, kept until table_finish: they can be read only after the kind lines of all files. */
static struct {
	struct place place;
	const char *text;
} * row_entries;
static unsigned row_entry_count;

static void read_entry(struct table *table, struct place place, const char *text)
{
	if (take_word(&text, "kind")) {
		read_kind_line(place, text);
	} else if (take_word(&text, "exclude")) {
		read_exclude_line(table, place, text);
	} else if (take_word(&text, "def")) {
		read_definition(table, place, text);
	} else {
		row_entries = grow(row_entries, row_entry_count, sizeof(*row_entries));
		row_entries[row_entry_count].place = place;
		row_entries[row_entry_count++].text = text;
	}
}

/* An entry is a line with the indented lines below it. */
void table_read(struct table *table, const char *path)
{
	static char line[LINE_MAX_BYTES], entry[LINE_MAX_BYTES];
	struct place place = {path, 0}, entry_place = {path, 0};
	FILE *file = fopen(path, "r");

	if (!file) {
		perror(path);
		exit(1);
	}
	entry[0] = 0;
	while (fgets(line, sizeof(line), file)) {
		place.line++;
		if (!strchr(line, '\n') && strlen(line) == sizeof(line) - 1)
			fail_at(place, "line too long");
		line[strcspn(line, "#\r\n")] = 0;
		if (!line[strspn(line, " \t")])
			continue;
		if (!isblank((unsigned char)line[0])) {
			if (entry[0])
				read_entry(table, entry_place, trim(entry));
			entry[0] = 0;
			entry_place = place;
		} else if (!entry[0])
			fail_at(place, "an indented line, and no row above it");
		if (strlen(entry) + strlen(line) + 2 > sizeof(entry))
			fail_at(entry_place, "row too long");
		strcat(entry, " ");
		strcat(entry, line + strspn(line, " \t"));
	}
	if (entry[0])
		read_entry(table, entry_place, trim(entry));
	fclose(file);
}

struct routine_name {
	const char *name;
	const struct row *row;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct routine_name *)a)->name, ((const struct routine_name *)b)->name);
}

static void fail_on_duplicates(const char *what, struct routine_name *names, unsigned count)
{
	qsort(names, count, sizeof(*names), compare_names);
	for (unsigned i = 1; i < count; i++)
		if (!strcmp(names[i - 1].name, names[i].name)) {
			const struct row *first = names[i - 1].row, *second = names[i].row;

			if (first->number > second->number) {
				first = names[i].row;
				second = names[i - 1].row;
			}
			fail_row(second, "%s '%s' is also in %s:%u", what, names[i].name, first->place.file,
			         first->place.line);
		}
}

void table_finish(struct table *table)
{
	struct routine_name *names = allocate(row_entry_count * ROW_ROUTINES_MAX * sizeof(*names));
	unsigned count = 0;

	for (unsigned i = 0; i < row_entry_count; i++)
		read_row(table, row_entries[i].place, row_entries[i].text);
	for (unsigned i = 0; i < table->row_count; i++)
		names[count++] = (struct routine_name){table->rows[i].name, &table->rows[i]};
	fail_on_duplicates("family", names, count);
	count = 0;
	for (unsigned i = 0; i < table->row_count; i++)
		for (unsigned j = 0; j < table->rows[i].routine_count; j++)
			names[count++] = (struct routine_name){table->rows[i].routines[j].name, &table->rows[i]};
	table->routine_count = count;
	fail_on_duplicates("routine", names, count);
}
