/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * names.c - the routines, modules and symbols that a site of the dump names.
 * It must never put one into the dump twice.
 */
#include "shim/record/record.h"

#include <string.h>

#include "price/routines.h"
#include "shim/dump/dump.h"
#include "shim/record/parts.h"
#include "shim/resolve/resolve.h"
#include "symbols.h"

static uint16_t routine_numbers[ROUTINE_COUNT]; /* numbers in the dump, plus 1 */

void record_symbol_name(uint32_t symbol, char *name, size_t size)
{
	static const struct {
		const char *before, *after_fortran, *after_c;
	} schemes[SCHEME_COUNT] = {
		[SCHEME_PLAIN] = {"", "_", ""},
		[SCHEME_64_] = {"", "_64_", "64_"},
		[SCHEME_64] = {"", "_64", "_64"},
		[SCHEME_SCIPY] = {"scipy_", "_", ""},
		[SCHEME_SCIPY_64_] = {"scipy_", "_64_", "64_"},
		[SCHEME_UPPER_64] = {"", "_64", "_64"},
		[SCHEME_BARE] = {"", "", ""},
		[SCHEME_BARE_UPPER] = {"", "", ""},
	};
	unsigned scheme = symbol % SCHEME_COUNT;
	const struct form *form = &forms[symbol / SCHEME_COUNT];
	bool fortran = form->interface == FORM_FORTRAN;
	const char *parts[] = {
		schemes[scheme].before,
		fortran                         ? ""
		: form->interface == FORM_CBLAS ? "cblas_"
						: "LAPACKE_",
		routines[form->routine].name,
		form->interface == FORM_LAPACKE_WORK ? "_work"
		: form->result_pointer               ? "_sub"
						     : "",
		fortran ? schemes[scheme].after_fortran : schemes[scheme].after_c,
	};
	size_t end = 0;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const char *at = parts[i]; *at && end + 1 < size; at++)
			name[end++] = *at;
	name[end] = 0;
	if (scheme == SCHEME_UPPER_64 || scheme == SCHEME_BARE_UPPER)
		for (char *at = name; *at; at++)
			if (*at >= 'a' && *at <= 'z') /* whatever the program's locale is */
				*at = (char)(*at - 'a' + 'A');
}

uint32_t names_routine(uint16_t routine)
{
	const struct family *family = &families[routines[routine].family];
	struct dump_routine *entry;
	uint32_t number;

	if (routine_numbers[routine])
		return routine_numbers[routine] - 1u;
	entry = dump_append(&dump_routines, &number);
	if (!entry)
		return DUMP_NONE;
	entry->name = names_string(routines[routine].name);
	entry->type = routines[routine].type;
	entry->kind = family->kind;
	entry->option_count = family->option_count;
	entry->dim_count = family->dim_count;
	for (unsigned i = 0; i < family->option_count; i++)
		entry->options[i] = names_string(family->shape_names[i]);
	for (unsigned i = 0; i < family->dim_count; i++)
		entry->dims[i] = names_string(family->shape_names[family->option_count + i]);
	dump_commit(&dump_routines);
	routine_numbers[routine] = (uint16_t)(number + 1);
	if (family->kind == PRICE_NONE)
		dump_note(DUMP_NOTE_OUTER_UNPRICED, routines[routine].name, 0);
	return number;
}

uint32_t names_module(struct module *module)
{
	struct dump_module *entry;

	if (!module)
		return DUMP_NONE;
	if (module->dump_number == DUMP_NONE) {
		entry = dump_append(&dump_modules, &module->dump_number);
		if (!entry)
			return module->dump_number = DUMP_NONE;
		entry->path = names_string(module_file(module));
		entry->start = module->start;
		entry->end = module->end;
		entry->bias = module->bias;
		entry->build_id_size = module->build_id_size;
		memcpy(entry->build_id, module->build_id, module->build_id_size);
		dump_commit(&dump_modules);
		module->dump_entry = entry;
	}
	if (module->dump_entry) {
		dump_unseal();
		module->dump_entry->flags |= (module->flags & MODULE_SERVES ? DUMP_MODULE_SERVES : 0) |
		                             (module->flags & MODULE_ILP64 ? DUMP_MODULE_ILP64 : 0) |
		                             (module_is_blas(module, false) ? DUMP_MODULE_BLAS : 0);
	}
	return module->dump_number;
}

void record_address(uint64_t address)
{
	struct module *module = module_of((const void *)address);

	if (!module && module_refresh())
		module = module_of((const void *)address);
	names_module(module);
}

void names_forked(void)
{
	memset(routine_numbers, 0, sizeof(routine_numbers));
	module_forked();
}
