/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * symbolize.c - finds function, file and line of an address by libdw, in the file of its module and in debug files.
 * It must never open a file that nobody asks about: symbols and debug information are loaded at the first question.
 */
#include "analyzer/tables/symbolize.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyzer/base/memory.h"

struct symbol {
	uint64_t start, size; /* start: an address as in Dwfl_Module; size in bytes, 0 if it is not known */
	const char *name;
};

/* A range [start, end) of a function that is not inlined, in addresses of the debug information. */
struct function {
	uint64_t start, end;
	Dwarf_Die die;
};

/* A compilation unit. */
struct unit {
	Dwarf_Die die, scopes; /* of its lines, and of its functions; they differ if the debug information is split */
	uint64_t bias;         /* added to an address of the debug information, gives that in Dwfl_Module */
	bool listed; /* `functions` is filled, which happens when the first address in the unit is asked for */
	struct function *functions; /* in the order of their addresses */
	size_t function_count, function_capacity;
};

/* A range [start, end) of a unit, in addresses as in Dwfl_Module. */
struct unit_range {
	uint64_t start, end;
	size_t unit;
};

/* A module's file. */
struct image {
	bool tried;          /* it was opened, or could not be, when the first address in it was asked for */
	const char *problem; /* why it cannot be used; NULL if it can */
	Dwfl *dwfl;          /* NULL, as `module` is, while no file is open */
	Dwfl_Module *module;
	uint64_t bias;          /* added to an address of the file, gives that in Dwfl_Module */
	struct symbol *symbols; /* of functions, in the order of their addresses */
	size_t symbol_count;
	struct unit *units;
	size_t unit_count, unit_capacity;
	struct unit_range *ranges; /* in the order of their addresses */
	size_t range_count, range_capacity;
};

struct symbolizer {
	const struct aggregate *aggregate;
	struct image *images; /* by the module's number */
	struct intern texts;  /* of the places that were found */
	char **paths;         /* by the module's number: where its file is; NULL: where the aggregate says */
	bool without_sources; /* places have no file and no line */
	size_t site_count;
	struct text *sites; /* by the site's number: its place in one line, made when it is first asked for */
};

const char *symbolize_missing(void) { return NULL; }

struct symbolizer *symbolizer_new(const struct aggregate *aggregate)
{
	struct symbolizer *symbolizer = memory_new(1, sizeof *symbolizer);

	symbolizer->aggregate = aggregate;
	symbolizer->images = memory_new(aggregate->modules.count, sizeof *symbolizer->images);
	symbolizer->site_count = aggregate->sites.count;
	symbolizer->sites = memory_new(symbolizer->site_count, sizeof *symbolizer->sites);
	return symbolizer;
}

void symbolizer_free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	for (size_t i = 0; i < symbolizer->aggregate->modules.count; i++) {
		struct image *image = &symbolizer->images[i];

		for (size_t j = 0; j < image->unit_count; j++)
			free(image->units[j].functions);
		free(image->units);
		free(image->ranges);
		free(image->symbols);
		if (image->dwfl)
			dwfl_end(image->dwfl);
	}
	for (size_t i = 0; symbolizer->paths && i < symbolizer->aggregate->modules.count; i++)
		free(symbolizer->paths[i]);
	free(symbolizer->paths);
	for (size_t i = 0; i < symbolizer->site_count; i++)
		text_free(&symbolizer->sites[i]);
	free(symbolizer->sites);
	intern_free(&symbolizer->texts);
	free(symbolizer->images);
	free(symbolizer);
}

struct text *symbolizer_site(struct symbolizer *symbolizer, uint32_t number) { return &symbolizer->sites[number]; }

const struct aggregate *symbolizer_aggregate(const struct symbolizer *symbolizer) { return symbolizer->aggregate; }

void symbolizer_redact(struct symbolizer *symbolizer)
{
	const struct aggregate *aggregate = symbolizer->aggregate;

	symbolizer->without_sources = true;
	symbolizer->paths = memory_new(aggregate->modules.count, sizeof *symbolizer->paths);
	for (uint32_t i = 0; i < aggregate->modules.count; i++) {
		const char *path = text_at(aggregate, module_of(aggregate, i)->path);

		symbolizer->paths[i] = memory_text(path, strlen(path));
	}
}

/* Opening a module's file. */

/* Opens a file; false if it cannot be read as ELF. */
static bool open_file(struct image *image, const char *path)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	GElf_Addr bias;

	image->dwfl = dwfl_begin(&callbacks);
	if (!image->dwfl)
		return false;
	image->module = dwfl_report_offline(image->dwfl, path, path, -1);
	dwfl_report_end(image->dwfl, NULL, NULL);
	if (image->module && dwfl_module_getelf(image->module, &bias)) {
		image->bias = bias;
		return true;
	}
	dwfl_end(image->dwfl);
	image->dwfl = NULL;
	image->module = NULL;
	return false;
}

static void close_file(struct image *image)
{
	dwfl_end(image->dwfl);
	image->dwfl = NULL;
	image->module = NULL;
}

/* Opens the debug file that a distribution installs for the module's build-id; false if there is none. */
static bool open_debug_file(struct image *image, const struct module_key *module)
{
	char path[128], *at = path;

	if (!module->build_id_size)
		return false;
	at += sprintf(at, "/usr/lib/debug/.build-id/%02x/", module->build_id[0]);
	for (uint32_t i = 1; i < module->build_id_size; i++)
		at += sprintf(at, "%02x", module->build_id[i]);
	strcpy(at, ".debug");
	return open_file(image, path);
}

/*
 * Whether the file, as it is now, is older than every process that had it, and all of these ran on this machine. Only asked
 * where there is no build-id.
 */
static bool file_is_older(const char *path, const struct module *totals)
{
	struct stat status;

	return !totals->elsewhere && !stat(path, &status) &&
	       (uint64_t)status.st_ctim.tv_sec * 1000000000u + (uint64_t)status.st_ctim.tv_nsec <
	               totals->earliest_start_ns;
}

/* Why the open file cannot be taken for the one that ran; NULL if it can. */
static const char *mismatch(const struct image *image, const struct module_key *module, const char *path,
                            const struct module *totals)
{
	const unsigned char *build_id;
	GElf_Addr address;
	int size = dwfl_module_build_id(image->module, &build_id, &address);

	if (size < 0)
		size = 0;
	if (module->build_id_size || size) {
		if ((uint32_t)size == module->build_id_size && !memcmp(build_id, module->build_id, (size_t)size))
			return NULL;
		return "the file has another build-id than the one that ran";
	}
	return file_is_older(path, totals) ? NULL : "no build-id tells whether the file is the one that ran";
}

static int compare_symbols(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

static void load_symbols(struct image *image)
{
	int count = dwfl_module_getsymtab(image->module);

	if (count <= 0)
		return;
	image->symbols = memory_new((size_t)count, sizeof *image->symbols);
	for (int i = 0; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word section;
		const char *name = dwfl_module_getsym_info(image->module, i, &symbol, &address, &section, NULL, NULL);
		int type = GELF_ST_TYPE(symbol.st_info);

		if (name && name[0] && section != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC))
			image->symbols[image->symbol_count++] = (struct symbol){address, symbol.st_size, name};
	}
	if (image->symbol_count)
		qsort(image->symbols, image->symbol_count, sizeof *image->symbols, compare_symbols);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void load_unit(struct image *image, Dwarf_Die *die, uint64_t bias)
{
	struct unit unit = {.die = *die, .scopes = *die, .bias = bias};
	Dwarf_Addr base, start, end;
	Dwarf_Half version;
	Dwarf_Die same, split;
	uint8_t type;

	if (!dwarf_cu_info(die->cu, &version, &type, &same, &split, NULL, NULL, NULL) && type == DW_UT_skeleton &&
	    split.cu)
		unit.scopes = split;
	for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &start, &end)) > 0;) {
		image->ranges =
			memory_grow(image->ranges, image->range_count, &image->range_capacity, sizeof *image->ranges);
		image->ranges[image->range_count++] = (struct unit_range){start + bias, end + bias, image->unit_count};
	}
	image->units = memory_grow(image->units, image->unit_count, &image->unit_capacity, sizeof *image->units);
	image->units[image->unit_count++] = unit;
}

/* Lists all units with their ranges. libdw would find units by .debug_aranges alone, and clang writes none. */
static void load_units(struct image *image)
{
	Dwarf_Addr bias;

	for (Dwarf_Die *die = NULL; (die = dwfl_module_nextcu(image->module, die, &bias));)
		load_unit(image, die, bias);
	if (image->range_count)
		qsort(image->ranges, image->range_count, sizeof *image->ranges, compare_ranges);
}

/* The image of a module, which is opened at the first call. */
static struct image *image_of(struct symbolizer *symbolizer, uint32_t number)
{
	const struct module_key *module = module_of(symbolizer->aggregate, number);
	const char *path = symbolizer->paths ? symbolizer->paths[number] : text_at(symbolizer->aggregate, module->path);
	struct image *image = &symbolizer->images[number];

	if (image->tried)
		return image;
	image->tried = true;
	image->problem = "the file cannot be read";
	if (path[0] == '/' && open_file(image, path)) {
		image->problem = mismatch(image, module, path, &symbolizer->aggregate->module_totals[number]);
		if (image->problem)
			close_file(image);
	}
	if (!image->module && open_debug_file(image, module))
		image->problem = NULL;
	if (image->module) {
		load_symbols(image);
		load_units(image);
	}
	return image;
}

/* Looking an address up. */

static const char *keep(struct symbolizer *symbolizer, const char *text)
{
	return intern_at(&symbolizer->texts, intern_text(&symbolizer->texts, text));
}

typedef char *demangler(const char *mangled, char *buffer, size_t *length, int *status);

/* __cxa_demangle of the C++ runtime, which is loaded only when it is needed; NULL if it is not installed. */
static demangler *find_demangler(void)
{
	static demangler *found;
	static bool tried;

	if (!tried) {
		void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
		void *symbol = library ? dlsym(library, "__cxa_demangle") : NULL;

		memcpy(&found, &symbol, sizeof found);
		tried = true;
	}
	return found;
}

/* Turns gfortran's name of a module procedure, __MODULE_MOD_PROCEDURE, into "MODULE::PROCEDURE", to be freed; NULL for others. */
static char *module_procedure(const char *name)
{
	const char *middle = strncmp(name, "__", 2) ? NULL : strstr(name, "_MOD_");

	if (!middle || middle < name + 3)
		return NULL;
	return memory_format("%.*s::%s", (int)(middle - name - 2), name + 2, middle + 5);
}

static const char *demangled(struct symbolizer *symbolizer, const char *name)
{
	demangler *demangle = strncmp(name, "_Z", 2) ? NULL : find_demangler();
	char *plain = module_procedure(name);
	const char *kept;
	int status;

	if (demangle)
		plain = demangle(name, NULL, NULL, &status);
	kept = keep(symbolizer, plain ? plain : name);
	free(plain);
	return kept;
}

/* The last function that begins at or before the address; NULL if there is none, or if its size is known and it ends before. */
static const struct symbol *symbol_at(const struct image *image, uint64_t address)
{
	size_t low = 0, high = image->symbol_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (image->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	low--;
	return image->symbols[low].size && address - image->symbols[low].start >= image->symbols[low].size
	               ? NULL
	               : &image->symbols[low];
}

static struct unit *unit_at(const struct image *image, uint64_t address)
{
	size_t low = 0, high = image->range_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (image->ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < image->ranges[low - 1].end ? &image->units[image->ranges[low - 1].unit] : NULL;
}

static bool is_function(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_entry_point;
}

static void add_function(struct unit *unit, Dwarf_Die *die)
{
	Dwarf_Addr base, start, end;

	for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &start, &end)) > 0;) {
		unit->functions = memory_grow(unit->functions, unit->function_count, &unit->function_capacity,
		                              sizeof *unit->functions);
		unit->functions[unit->function_count++] = (struct function){start, end, *die};
	}
}

/* Lists functions of the unit itself, of namespaces, modules and classes, and those that Fortran contains in functions. */
static void list_functions(struct unit *unit, Dwarf_Die *parent)
{
	Dwarf_Die die;

	for (int more = dwarf_child(parent, &die); more == 0; more = dwarf_siblingof(&die, &die))
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			add_function(unit, &die);
			/* fall through */
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_union_type: list_functions(unit, &die);
		}
}

static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/*
 * The function that an address of the debug information is in; NULL if there is none. It searches a list of its own, since
 * dwarf_getscopes walks the whole unit for every address.
 */
static Dwarf_Die *function_at(struct unit *unit, uint64_t address)
{
	size_t low = 0, high;

	if (!unit->listed) {
		list_functions(unit, &unit->scopes);
		if (unit->function_count)
			qsort(unit->functions, unit->function_count, sizeof *unit->functions, compare_functions);
		unit->listed = true;
	}
	high = unit->function_count;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (unit->functions[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < unit->functions[low - 1].end ? &unit->functions[low - 1].die : NULL;
}

enum { INLINED_MOST = SYMBOLIZE_MOST - 1 };

/* The functions that are inlined one into the other at an address, or contained in it, from the innermost outwards. */
struct scopes {
	Dwarf_Die dies[INLINED_MOST];
	unsigned count;
	bool more; /* there are others further out, for which there is no room */
};

/* Finds the functions, inlined or contained in `parent`, that the address is in. Those further out than there is room are left out. */
static void find_scopes(Dwarf_Die *parent, uint64_t address, struct scopes *scopes)
{
	Dwarf_Die die;

	for (int more = dwarf_child(parent, &die); more == 0; more = dwarf_siblingof(&die, &die)) {
		int tag = dwarf_tag(&die);

		if (!is_function(tag) && tag != DW_TAG_lexical_block && tag != DW_TAG_try_block &&
		    tag != DW_TAG_catch_block)
			continue;
		if (dwarf_haspc(&die, address) != 1)
			continue;
		find_scopes(&die, address, scopes);
		scopes->more |= is_function(tag) && scopes->count == INLINED_MOST;
		if (is_function(tag) && !scopes->more)
			scopes->dies[scopes->count++] = die;
		if (scopes->count)
			return;
	}
}

static const char *function_name(Dwarf_Die *die)
{
	const char *name = NULL;
	Dwarf_Attribute attribute;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name ? name : dwarf_diename(die);
}

static void look_up_line(struct symbolizer *symbolizer, const struct unit *unit, uint64_t address, struct place *place)
{
	Dwarf_Die die = unit->die;
	Dwarf_Line *line = dwarf_getsrc_die(&die, address);
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;

	if (file && !symbolizer->without_sources && !dwarf_lineno(line, &place->line) && place->line > 0)
		place->file = keep(symbolizer, file);
}

/* Sets the line that an inlined function is called from. */
static void look_up_call(struct symbolizer *symbolizer, Dwarf_Die *inlined, struct place *place)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	Dwarf_Die unit;
	size_t count;
	const char *path;

	if (symbolizer->without_sources)
		return;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) ||
	    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) ||
	    !dwarf_diecu(inlined, &unit, NULL, NULL) || dwarf_getsrcfiles(&unit, &files, &count) || file >= count)
		return;
	path = dwarf_filesrc(files, file, NULL, NULL);
	if (!path || !line || line > INT_MAX)
		return;
	place->file = keep(symbolizer, path);
	place->line = (int)line;
}

static void set_function(struct symbolizer *symbolizer, struct place *place, Dwarf_Die *die)
{
	const char *name = function_name(die);

	if (name)
		place->function = demangled(symbolizer, name);
}

/* Sets the places of an address in a unit, the first of which is given as far as it is known. Returns their number. */
static unsigned look_up_scopes(struct symbolizer *symbolizer, struct unit *unit, uint64_t address, struct place *places,
                               unsigned most)
{
	Dwarf_Die *function = function_at(unit, address);
	struct scopes scopes = {.count = 0};
	unsigned count = 1;

	look_up_line(symbolizer, unit, address, &places[0]);
	if (!function)
		return 1;
	find_scopes(function, address, &scopes);
	set_function(symbolizer, &places[0], scopes.count ? &scopes.dies[0] : function);
	/* A function that is contained in another one is a function of its own: only inlined ones have a caller here. */
	for (unsigned i = 0; i + scopes.more < scopes.count && count < most; i++, count++) {
		if (dwarf_tag(&scopes.dies[i]) != DW_TAG_inlined_subroutine)
			break;
		places[count] = (struct place){.module = places[0].module, .offset = places[0].offset};
		look_up_call(symbolizer, &scopes.dies[i], &places[count]);
		set_function(symbolizer, &places[count], i + 1 < scopes.count ? &scopes.dies[i + 1] : function);
	}
	return count;
}

/*
 * Gives the outermost function of an address, if that was looked for, its whole name: debug information has that of a C++ function
 * that other files cannot call without its classes and namespaces, so that all instances of a template would look the same.
 */
static void name_by_symbol(struct symbolizer *symbolizer, struct place *place, const char *symbol, bool is_outermost)
{
	if (is_outermost && place->function && !strncmp(symbol, "_Z", 2) && !strpbrk(place->function, "(<:"))
		place->function = demangled(symbolizer, symbol);
}

static unsigned look_up(struct symbolizer *symbolizer, const struct image *image, uint64_t address,
                        struct place *places, unsigned most)
{
	const struct symbol *symbol = symbol_at(image, address);
	struct unit *unit = unit_at(image, address);
	unsigned count = 1;

	if (unit)
		count = look_up_scopes(symbolizer, unit, address - unit->bias, places, most);
	if (!symbol)
		return count;
	places[0].into = address - symbol->start;
	name_by_symbol(symbolizer, &places[count - 1], symbol->name, count < most);
	if (!places[0].function)
		places[0].function = demangled(symbolizer, symbol->name);
	return count;
}

unsigned symbolize_inlined(struct symbolizer *symbolizer, uint32_t module, uint64_t offset, struct place *places,
                           unsigned most)
{
	const struct aggregate *aggregate = symbolizer->aggregate;
	struct place *place = &places[0];
	struct image *image;

	*place = (struct place){.offset = offset};
	if (module == AGGREGATE_NONE) {
		place->problem = offset ? PLACE_OUTSIDE : PLACE_UNKNOWN;
		return 1;
	}
	place->module = text_at(aggregate, module_of(aggregate, module)->path);
	image = image_of(symbolizer, module);
	place->problem = image->problem;
	if (!image->module || !offset)
		return 1;
	/* The byte before the return address is the call's, which may be the last of its line or function. */
	return look_up(symbolizer, image, offset - 1 + image->bias, places, most);
}
