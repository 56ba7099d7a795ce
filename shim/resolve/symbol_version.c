/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * symbol_version.c - versions of symbols, as the dynamic linker reads them.
 * It must never read an object's memory without module_peek, since the object may be gone.
 */
#include "shim/resolve/symbol_version.h"

#include <elf.h>
#include <link.h>
#include <string.h>

enum {
	VERSION_HIDDEN = 0x8000, /* bit of a definition that is not the default version of its name */
	VERSION_NUMBER = 0x7fff, /* the other bits: number of a version */
	VERSION_FIRST = 2,       /* 0 and 1 stand for local and global symbols without a version */
	LIST_MAX = 4096,         /* so that a damaged list has an end, too */
};

static bool name_read(const struct module *module, uint32_t offset, struct version *version)
{
	return module_peek_text(module, module->strings + offset, version->name, sizeof(version->name));
}

/* Reads the name of the version that the object defines under this number. */
static bool defined_read(const struct module *module, unsigned number, struct version *version)
{
	const char *at = module->version_definitions;
	ElfW(Verdef) definition;
	ElfW(Verdaux) name;

	for (unsigned i = 0; at && i < LIST_MAX && module_peek(module, at, &definition, sizeof(definition)); i++) {
		if ((definition.vd_ndx & VERSION_NUMBER) == number)
			return module_peek(module, at + definition.vd_aux, &name, sizeof(name)) &&
			       name_read(module, name.vda_name, version);
		if (!definition.vd_next)
			break;
		at += definition.vd_next;
	}
	return false;
}

/* Reads the name of the version with this number among those that the object needs of one library. */
static bool needed_of_file(const struct module *module, const char *at, unsigned number, struct version *version)
{
	ElfW(Vernaux) need;

	for (unsigned i = 0; i < LIST_MAX && module_peek(module, at, &need, sizeof(need)); i++) {
		if ((need.vna_other & VERSION_NUMBER) == number)
			return name_read(module, need.vna_name, version);
		if (!need.vna_next)
			break;
		at += need.vna_next;
	}
	return false;
}

/* Reads the name of the version that the object needs under this number. */
static bool needed_read(const struct module *module, unsigned number, struct version *version)
{
	const char *at = module->version_needs;
	ElfW(Verneed) file;

	for (unsigned i = 0; at && i < LIST_MAX && module_peek(module, at, &file, sizeof(file)); i++) {
		if (needed_of_file(module, at + file.vn_aux, number, version))
			return true;
		if (!file.vn_next)
			break;
		at += file.vn_next;
	}
	return false;
}

/* Reads the version number of a symbol, with its VERSION_HIDDEN; false if the object has no versions. */
static bool number_read(const struct module *module, uint32_t symbol, uint16_t *number)
{
	return module->versions && module_peek(module, module->versions + symbol, number, sizeof(*number));
}

/*
 * Says how a definition fits a reference without a version. If that is a relocation, the first version is right,
 * since a program that was linked before there were versions means it.
 */
static enum version_fit fit_of_any(uint16_t number, bool newest)
{
	if ((number & VERSION_NUMBER) <= (newest ? VERSION_FIRST - 1 : VERSION_FIRST))
		return VERSION_RIGHT;
	return number & VERSION_HIDDEN ? VERSION_WRONG : VERSION_ALONE;
}

enum version_fit version_fit(const struct module *module, uint32_t symbol, struct version_wanted wanted)
{
	struct version own;
	uint16_t number;

	if (!number_read(module, symbol, &number))
		return VERSION_RIGHT;
	if (!wanted.version)
		return fit_of_any(number, wanted.newest);
	/* A definition without a version serves references to any, as the shim's own symbols do. */
	if (!defined_read(module, number & VERSION_NUMBER, &own) || (number & VERSION_NUMBER) < VERSION_FIRST)
		return number & VERSION_HIDDEN ? VERSION_WRONG : VERSION_RIGHT;
	return strcmp(own.name, wanted.version->name) ? VERSION_WRONG : VERSION_RIGHT;
}

bool version_of(const struct module *module, uint32_t symbol, struct version *version)
{
	uint16_t number;

	if (!number_read(module, symbol, &number) || (number & VERSION_NUMBER) < VERSION_FIRST)
		return false;
	return needed_read(module, number & VERSION_NUMBER, version) ||
	       defined_read(module, number & VERSION_NUMBER, version);
}
