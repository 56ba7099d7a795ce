/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * relocations.c - reads the relocations of an object.
 * It must never fault while the object is being unloaded: memory that may be gone is copied by the kernel.
 */
#include "shim/resolve/relocations.h"

#include "shim/resolve/object.h"
#include "shim/resolve/resolve.h"

enum { RELOCATIONS_AT_ONCE = 512, NAME_MAX_READ = 128 };

/* A buffer that is too large for a small stack; under record_lock. */
static ElfW(Rela) scratch[RELOCATIONS_AT_ONCE];

enum use relocation_use(const ElfW(Rela) * relocation)
{
	if (!ELF64_R_SYM(relocation->r_info))
		return USE_NONE;
	switch (ELF64_R_TYPE(relocation->r_info)) {
#if defined(__x86_64__)
	case R_X86_64_JUMP_SLOT: return USE_CALLS;
	case R_X86_64_GLOB_DAT:
	case R_X86_64_64: return USE_TAKES;
#elif defined(__aarch64__)
	case R_AARCH64_JUMP_SLOT: return USE_CALLS;
	case R_AARCH64_GLOB_DAT:
	case R_AARCH64_ABS64: return USE_TAKES;
#endif
	default: return USE_NONE;
	}
}

/* Where an object's tables of relocations are, as its dynamic section says. */
struct tables {
	uintptr_t at[2]; /* indexed by enum relocation_table */
	size_t size[2];  /* bytes */
};

static void tables_take(const ElfW(Dyn) * entry, void *context)
{
	struct tables *tables = context;

	switch (entry->d_tag) {
	case DT_RELA: tables->at[RELOCATIONS_OF_DATA] = entry->d_un.d_ptr; break;
	case DT_RELASZ: tables->size[RELOCATIONS_OF_DATA] = entry->d_un.d_val; break;
	case DT_JMPREL: tables->at[RELOCATIONS_OF_CALLS] = entry->d_un.d_ptr; break;
	case DT_PLTRELSZ: tables->size[RELOCATIONS_OF_CALLS] = entry->d_un.d_val; break;
	}
}

/* Returns an address of the dynamic section, which the linker may have relocated in place or not. */
static uintptr_t loaded_at(const struct module *module, uintptr_t address)
{
	return address && address < module->bias ? address + module->bias : address;
}

void relocations_each(const struct module *module, enum relocation_table table, bool in_memory,
                      relocations_visit *visit, void *context)
{
	struct tables tables = {0};
	const ElfW(Rela) * first;
	size_t count, part;

	if (!module->dynamic)
		return;
	object_each_dynamic(in_memory, module, tables_take, &tables);
	first = (const ElfW(Rela) *)loaded_at(module, tables.at[table]);
	count = first ? tables.size[table] / sizeof(*first) : 0;
	for (size_t at = 0; at < count; at += part) {
		part = count - at < RELOCATIONS_AT_ONCE ? count - at : RELOCATIONS_AT_ONCE;
		if (!module_peek(module, first + at, scratch, part * sizeof(*first)))
			return;
		visit(scratch, (unsigned)part, context);
	}
}

/* A search for relocations_name_own. */
struct own_search {
	const struct module *module;
	bool (*is_wanted)(const char *name);
	bool found;
};

static void own_visit(const ElfW(Rela) * relocations, unsigned count, void *context)
{
	struct own_search *search = context;
	char name[NAME_MAX_READ];

	for (unsigned i = 0; i < count && !search->found; i++)
		search->found = relocation_use(&relocations[i]) != USE_NONE &&
		                module_definition(search->module, (uint32_t)ELF64_R_SYM(relocations[i].r_info), name,
		                                  sizeof(name)) &&
		                search->is_wanted(name);
}

bool relocations_name_own(const struct module *module, bool (*is_wanted)(const char *name))
{
	struct own_search search = {module, is_wanted, false};
	bool in_memory = module->flags & MODULE_START;

	relocations_each(module, RELOCATIONS_OF_CALLS, in_memory, own_visit, &search);
	if (!search.found)
		relocations_each(module, RELOCATIONS_OF_DATA, in_memory, own_visit, &search);
	return search.found;
}
