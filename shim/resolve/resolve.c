/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve.c - finds the definition of a name that the dynamic linker would have bound a caller to without the shim.
 * It must never ask the dynamic linker, and never return the shim's own address.
 *
 * The order is the dynamic linker's: the objects behind the shim in the global scope; those that joined it by
 * RTLD_GLOBAL; then the trees of dlopen that the caller is in, in the order in which they were opened. The tree of a
 * dlopen is the object that was opened and all that it needs, breadth first. Last comes any object at all, since a
 * function pointer may be called from an object that has no BLAS in its scope.
 */
#include "shim/resolve/resolve.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "shim/state/entry.h"
#include "flopshim_dump.h"
#include "shim/guest/guest.h"
#include "price/routines.h"
#include "shim/resolve/symbol_version.h"

enum { SYMBOL_NAME_MAX = 128, SYMBOLS_AT_ONCE = 64 };

/* ---- symbols ---- */

/* What a search looks for. */
struct wanted {
	const char *name;
	uint32_t hash;
	struct version_wanted version;
};

/* `newest`: see struct version_wanted. */
static struct wanted wanted_of(const char *name, const struct version *version, bool newest)
{
	return (struct wanted){name, module_hash(name), {version, newest}};
}

static bool symbol_read(const struct module *module, uint32_t index, ElfW(Sym) * symbol)
{
	return module_peek(module, (const ElfW(Sym) *)module->symbols + index, symbol, sizeof(*symbol));
}

/* Whether the symbol is a definition of this name. The name is read in pieces, since stacks may be small. */
static bool symbol_is(const struct module *module, const ElfW(Sym) * symbol, const char *name)
{
	size_t size = strlen(name) + 1;
	char text[32];

	if (symbol->st_shndx == SHN_UNDEF)
		return false;
	for (size_t at = 0, piece; at < size; at += piece) {
		piece = size - at < sizeof(text) ? size - at : sizeof(text);
		if (!module_peek(module, module->strings + symbol->st_name + at, text, piece) ||
		    memcmp(text, name + at, piece))
			return false;
	}
	return true;
}

/* Definitions with VERSION_ALONE, which fit only if there is exactly one: how many, and the first. */
struct alone {
	ElfW(Sym) symbol;
	unsigned count;
};

/* Reads symbol `index` of the object. Returns whether it is what is wanted; notes in *alone if it may be. */
static bool symbol_fits(const struct module *module, uint32_t index, const struct wanted *wanted, ElfW(Sym) * symbol,
                        struct alone *alone)
{
	enum version_fit fit;

	if (!symbol_read(module, index, symbol) || !symbol_is(module, symbol, wanted->name))
		return false;
	fit = version_fit(module, index, wanted->version);
	if (fit == VERSION_ALONE && !alone->count++)
		alone->symbol = *symbol;
	return fit == VERSION_RIGHT;
}

/* Ends a search that found no symbol that fits at once. */
static bool symbol_alone(const struct alone *alone, ElfW(Sym) * symbol)
{
	*symbol = alone->symbol;
	return alone->count == 1;
}

/* Searches the object's DT_GNU_HASH table. */
static bool symbol_in_gnu_hash(const struct module *module, const struct wanted *wanted, ElfW(Sym) * symbol)
{
	uint32_t hash = wanted->hash;
	struct alone alone = {.count = 0};
	uint32_t bucket_count = module->gnu_header[0], first = module->gnu_header[1], index, entry = 0;
	uint32_t filter_words = module->gnu_header[2], shift = module->gnu_header[3];
	const ElfW(Addr) *filter = (const ElfW(Addr) *)(module->gnu_hash + 4);
	const uint32_t *buckets = (const uint32_t *)(filter + filter_words), *chain = buckets + bucket_count;
	ElfW(Addr) word;

	if (!module_peek(module, &filter[(hash / (8 * sizeof(word))) & (filter_words - 1)], &word, sizeof(word)) ||
	    !((word >> (hash % (8 * sizeof(word)))) & (word >> ((hash >> shift) % (8 * sizeof(word)))) & 1))
		return false;
	if (!module_peek(module, &buckets[hash % bucket_count], &index, sizeof(index)) || index < first)
		return false;
	for (; !(entry & 1); index++) {
		if (!module_peek(module, &chain[index - first], &entry, sizeof(entry)))
			return false;
		if ((entry | 1) == (hash | 1) && symbol_fits(module, index, wanted, symbol, &alone))
			return true;
	}
	return symbol_alone(&alone, symbol);
}

/* Searches the object's DT_HASH table. */
static bool symbol_in_sysv_hash(const struct module *module, const struct wanted *wanted, ElfW(Sym) * symbol)
{
	struct alone alone = {.count = 0};
	const uint32_t *table = module->sysv_hash;
	uint32_t header[2], hash = 0, index;

	for (const unsigned char *at = (const unsigned char *)wanted->name; *at; at++) {
		hash = (hash << 4) + *at;
		hash = (hash ^ ((hash & 0xf0000000) >> 24)) & 0x0fffffff;
	}
	if (!module_peek(module, table, header, sizeof(header)) || !header[0] ||
	    !module_peek(module, &table[2 + hash % header[0]], &index, sizeof(index)))
		return false;
	while (index && index < header[1]) {
		if (symbol_fits(module, index, wanted, symbol, &alone))
			return true;
		if (!module_peek(module, &table[2 + header[0] + index], &index, sizeof(index)))
			return false;
	}
	return symbol_alone(&alone, symbol);
}

/* Searches one object for the wanted definition; false if it has none that other objects may use. */
static bool find_symbol(const struct module *module, const struct wanted *wanted, ElfW(Sym) * symbol)
{
	bool found;

	if (!module->symbols || !module->strings)
		return false;
	if (module->gnu_hash && module->gnu_header[0])
		found = symbol_in_gnu_hash(module, wanted, symbol);
	else
		found = module->sysv_hash && symbol_in_sysv_hash(module, wanted, symbol);
	return found && ELF64_ST_BIND(symbol->st_info) != STB_LOCAL && ELF64_ST_TYPE(symbol->st_info) != STT_TLS;
}

/* Returns the address of a symbol; for an indirect function (IFUNC), that which its resolver returns. */
static void *symbol_address(const struct module *module, const ElfW(Sym) * symbol)
{
	uintptr_t address = module->bias + symbol->st_value;

	if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
		return ((void *(*)(void))address)();
	return (void *)address;
}

/* Returns the definition in one object, NULL if it has none or is the shim. */
static void *lookup(const struct module *module, const struct wanted *wanted)
{
	ElfW(Sym) symbol;

	if (module->flags & MODULE_SELF || !find_symbol(module, wanted, &symbol))
		return NULL;
	return symbol_address(module, &symbol);
}

void *module_symbol(const struct module *module, const char *name)
{
	struct wanted wanted = wanted_of(name, NULL, true);

	return lookup(module, &wanted);
}

int32_t resolve_own_symbol(const void *address)
{
	return entry_is_stub((uint64_t)address) ? (int32_t)entry_symbol((uint64_t)address) : -1;
}

int32_t resolve_own_name(const char *name)
{
	const struct module *self = module_self();
	struct wanted wanted = wanted_of(name, NULL, false);
	ElfW(Sym) symbol;

	if (!self || !find_symbol(self, &wanted, &symbol))
		return -1;
	return resolve_own_symbol((const void *)(self->bias + symbol.st_value));
}

/*
 * Returns the number of symbols of an object without DT_HASH, which has a count: they end with the chain of the last
 * bucket.
 */
static uint32_t symbols_in_gnu_hash(const struct module *module)
{
	const uint32_t *buckets =
		(const uint32_t *)((const ElfW(Addr) *)(module->gnu_hash + 4) + module->gnu_header[2]);
	const uint32_t *chain = buckets + module->gnu_header[0];
	uint32_t part[SYMBOLS_AT_ONCE], count = 0, entry = 0, room;

	for (uint32_t at = 0; at < module->gnu_header[0]; at += room) {
		room = module->gnu_header[0] - at < SYMBOLS_AT_ONCE ? module->gnu_header[0] - at : SYMBOLS_AT_ONCE;
		if (!module_peek(module, &buckets[at], part, room * sizeof(part[0])))
			return 0;
		for (uint32_t i = 0; i < room; i++)
			if (part[i] > count)
				count = part[i];
	}
	if (count < module->gnu_header[1])
		return count;
	for (; !(entry & 1); count++)
		if (!module_peek(module, &chain[count - module->gnu_header[1]], &entry, sizeof(entry)))
			return 0;
	return count;
}

/* Returns the number of symbols of an object, 0 if it cannot be found. */
static uint32_t symbol_count(const struct module *module)
{
	uint32_t count = 0;

	if (!module->symbols || !module->strings)
		return 0;
	if (module->sysv_hash)
		module_peek(module, module->sysv_hash + 1, &count, sizeof(count));
	else if (module->gnu_hash)
		count = symbols_in_gnu_hash(module);
	return count;
}

/* A symbol with its name, which is cut if it is longer than any of the shim's. */
struct named_symbol {
	ElfW(Sym) symbol;
	char name[SYMBOL_NAME_MAX];
};

/* Symbols that are read in one system call. */
struct symbols_part {
	ElfW(Sym) symbols[SYMBOLS_AT_ONCE];
};

/* One buffer for each walk over symbols that may happen inside another; under record_lock. */
static struct symbols_part counted, imported, defined;

typedef bool symbol_visit(const struct named_symbol *symbol, void *context);

/* Returns a copy of all names of an object, so that not every name takes a system call; NULL without memory. */
static char *names_copy(const struct module *module)
{
	char *names = module->strings_size ? guest_pages(module->strings_size) : NULL;

	if (names && !module_peek(module, module->strings, names, module->strings_size)) {
		guest_free(names, module->strings_size);
		names = NULL;
	}
	return names;
}

/* Reads a symbol's name from `names`, or from the object if that is NULL. */
static bool name_read(const struct module *module, const char *names, struct named_symbol *symbol)
{
	if (!names)
		return module_peek_text(module, module->strings + symbol->symbol.st_name, symbol->name,
		                        SYMBOL_NAME_MAX);
	if (symbol->symbol.st_name >= module->strings_size)
		return false;
	strncpy(symbol->name, names + symbol->symbol.st_name, SYMBOL_NAME_MAX - 1);
	symbol->name[SYMBOL_NAME_MAX - 1] = 0;
	return true;
}

/*
 * Calls `visit` with every symbol of the object until it returns true; returns whether it did. `part` is the buffer: a
 * visitor that walks over symbols itself must use another one.
 */
static bool any_symbol(const struct module *module, struct symbols_part *part, symbol_visit *visit, void *context)
{
	ElfW(Sym) *symbols = part->symbols;
	uint32_t count = symbol_count(module), room;
	char *names = module->flags & MODULE_START ? NULL : names_copy(module);
	struct named_symbol named;
	bool found = false;

	for (uint32_t at = 0; at < count && !found; at += room) {
		room = count - at < SYMBOLS_AT_ONCE ? count - at : SYMBOLS_AT_ONCE;
		if (!module_peek(module, (const ElfW(Sym) *)module->symbols + at, symbols, room * sizeof(*symbols)))
			break;
		for (uint32_t i = 0; i < room && !found; i++) {
			named.symbol = symbols[i];
			found = name_read(module, names, &named) && visit(&named, context);
		}
	}
	if (names)
		guest_free(names, module->strings_size);
	return found;
}

/* Whether a symbol is a function that the object defines for others. */
static bool is_definition(const ElfW(Sym) * symbol)
{
	return symbol->st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol->st_info) != STB_LOCAL &&
	       ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
}

/* Counts a definition of one of the shim's symbols. Returns true when enough are counted. */
static bool count_known(const struct named_symbol *named, void *context)
{
	struct module *counted = context;
	int32_t own;

	if (!is_definition(&named->symbol))
		return false;
	own = resolve_own_name(named->name);
	if (own < 0)
		return false;
	if (symbol_is_bare((uint32_t)own))
		counted->known_bare++;
	else
		counted->known_decorated++;
	return counted->known_decorated >= KNOWN_BARE;
}

bool module_is_blas(struct module *module, bool bare)
{
	if (!(module->flags & (MODULE_COUNTED | MODULE_SELF))) {
		module->known_decorated = module->known_bare = 0;
		any_symbol(module, &counted, count_known, module);
		module->flags |= MODULE_COUNTED;
	}
	return bare ? module->known_decorated + module->known_bare >= KNOWN_BARE
	            : module->known_decorated >= KNOWN_DECORATED;
}

bool module_is_doubtful(struct module *module)
{
	return module_is_blas(module, false) && module->known_decorated < KNOWN_BARE;
}

static bool is_known_use(const struct named_symbol *named, void *context)
{
	(void)context;
	return named->symbol.st_shndx == SHN_UNDEF && resolve_own_name(named->name) >= 0;
}

bool module_uses_blas(struct module *module)
{
	if (!(module->flags & (MODULE_USES_COUNTED | MODULE_SELF)) && any_symbol(module, &counted, is_known_use, NULL))
		module->flags |= MODULE_USES;
	module->flags |= MODULE_USES_COUNTED;
	return module->flags & MODULE_USES;
}

struct imports {
	import_visit *visit;
	void *context;
};

static bool import_found(const struct named_symbol *named, void *context)
{
	const struct imports *imports = context;

	if (named->symbol.st_shndx == SHN_UNDEF && ELF64_ST_BIND(named->symbol.st_info) == STB_GLOBAL)
		imports->visit(named->name, imports->context);
	return false;
}

void module_each_import(const struct module *module, import_visit *visit, void *context)
{
	struct imports imports = {visit, context};

	any_symbol(module, &imported, import_found, &imports);
}

struct definitions {
	definition_visit *visit;
	void *context;
};

static bool definition_found(const struct named_symbol *named, void *context)
{
	const struct definitions *definitions = context;
	unsigned visibility = ELF64_ST_VISIBILITY(named->symbol.st_other);

	if (is_definition(&named->symbol))
		definitions->visit(named->name, visibility == STV_PROTECTED, definitions->context);
	return false;
}

void module_each_definition(const struct module *module, definition_visit *visit, void *context)
{
	struct definitions definitions = {visit, context};

	any_symbol(module, &defined, definition_found, &definitions);
}

bool module_definition(const struct module *module, uint32_t index, char *name, size_t size)
{
	ElfW(Sym) symbol;

	return module->symbols && module->strings && symbol_read(module, index, &symbol) && is_definition(&symbol) &&
	       module_peek_text(module, module->strings + symbol.st_name, name, size);
}

bool module_needs(struct module *module, const struct module *needed)
{
	unsigned count;
	uint32_t mark;

	module_closure(module, &count, &mark);
	return needed->seen == mark;
}

/* ---- the search ---- */

/* How the linker binds the code of an object. */
struct position {
	struct module *caller; /* NULL: code in no object */
	bool lazy;             /* functions are bound when they are first called */
	bool deep;             /* its own tree comes before the global scope */
};

/*
 * Calls `visit` with the trees of dlopen, in the order of the list, until it returns true; returns whether it did. An
 * object that is in the tree of an earlier one counts as opened with that.
 */
static bool any_tree(bool (*visit)(struct module *const *, unsigned, uint32_t, void *), void *context)
{
	uint32_t covered = module_mark(), mark;
	struct module *root;
	unsigned count;

	for (unsigned number = 0; (root = module_at(number)); number++) {
		struct module *const *closure;

		if (root->flags & MODULE_START || root->covered == covered)
			continue;
		closure = module_closure(root, &count, &mark);
		for (unsigned i = 0; i < count; i++)
			closure[i]->covered = covered;
		if (visit(closure, count, mark, context))
			return true;
	}
	return false;
}

/* If the caller is in this tree, notes how the tree was opened. */
static bool tree_holds(struct module *const *closure, unsigned count, uint32_t mark, void *context)
{
	struct position *position = context;

	(void)count;
	if (position->caller->seen != mark)
		return false;
	position->lazy = closure[0]->flags & MODULE_LAZY && !position->caller->binds_now;
	position->deep = (closure[0]->flags & MODULE_DEEP) != 0;
	return true;
}

/*
 * Finds out how code in `caller` is bound. What came with the program is taken to bind lazily: if it was bound at the
 * start, all its symbols were found, and later objects come behind those.
 */
static struct position position_of(struct module *caller)
{
	struct position position = {.caller = caller, .lazy = true};

	if (caller && !(caller->flags & MODULE_START))
		any_tree(tree_holds, &position);
	return position;
}

/* A search of the trees that a caller is in. */
struct tree_search {
	const struct wanted *wanted;
	const struct module *caller;
	void *found;
};

static bool tree_search(struct module *const *closure, unsigned count, uint32_t mark, void *context)
{
	struct tree_search *search = context;

	if (search->caller->seen != mark)
		return false;
	for (unsigned i = 0; i < count && !search->found; i++)
		search->found = lookup(closure[i], search->wanted);
	return search->found != NULL;
}

static void *lookup_in_trees(const struct wanted *wanted, const struct module *caller)
{
	struct tree_search search = {wanted, caller, NULL};

	if (caller && !(caller->flags & MODULE_START))
		any_tree(tree_search, &search);
	return search.found;
}

/* Searches the objects that came with the program, behind `first`. */
static void *lookup_behind(const struct wanted *wanted, const struct module *first)
{
	struct module *module;
	bool is_behind = false;
	void *found = NULL;

	for (unsigned i = 0; !found && (module = module_at(i)) && module->flags & MODULE_START; i++) {
		found = is_behind ? lookup(module, wanted) : NULL;
		is_behind |= module == first;
	}
	return found;
}

static void *lookup_at_start(const struct wanted *wanted) { return lookup_behind(wanted, module_self()); }

/* Searches the objects that joined the global scope before the dlopen numbered `before`. */
static void *lookup_in_globals(const struct wanted *wanted, uint32_t before)
{
	struct module *module;
	void *found = NULL;

	for (unsigned i = 0; !found && (module = module_global_at(i)); i++)
		found = module->global < before ? lookup(module, wanted) : NULL;
	return found;
}

void *resolve_after_self(const char *name)
{
	struct wanted wanted = wanted_of(name, NULL, true);
	void *found = lookup_at_start(&wanted);

	return found ? found : lookup_in_globals(&wanted, NEVER_GLOBAL);
}

void *resolve_behind(const char *name, const struct module *module)
{
	struct wanted wanted = wanted_of(name, NULL, true);

	return lookup_behind(&wanted, module);
}

bool module_is_before_self(const struct module *module)
{
	for (unsigned i = 0; module_at(i) && !(module_at(i)->flags & MODULE_SELF); i++)
		if (module_at(i) == module)
			return true;
	return false;
}

/* Searches the caller's scope. `now`: as resolve_from. */
static void *lookup_in_scope(const struct wanted *wanted, struct module *caller, bool now)
{
	struct position position = position_of(caller);
	void *found = position.deep ? lookup_in_trees(wanted, caller) : NULL;

	if (!found)
		found = lookup_at_start(wanted);
	/* If the caller was bound when it was opened, objects that joined the global scope later do not count yet. */
	if (!found)
		found = lookup_in_globals(wanted, now || position.lazy ? NEVER_GLOBAL : caller->opened);
	if (!found && !position.deep)
		found = lookup_in_trees(wanted, caller);
	return found ? found : lookup_in_globals(wanted, NEVER_GLOBAL);
}

/* Searches the caller's scope. `now`: as dlsym does, for the default version, in the global scope as it is now. */
static void *resolve_from(const char *name, const struct version *version, struct module *caller, bool now)
{
	struct wanted wanted = wanted_of(name, version, now);
	void *found;

	module_trust(caller);
	found = lookup_in_scope(&wanted, caller, now);
	module_distrust();
	return found;
}

void *resolve_in_scope(const char *name, const struct version *version, struct module *caller)
{
	return resolve_from(name, version, caller, false);
}

void *resolve_default(const char *name, const struct version *version, struct module *caller)
{
	return resolve_from(name, version, caller, true);
}

void *resolve(const char *name, const struct version *version, struct module *caller)
{
	struct wanted wanted = wanted_of(name, version, false);
	void *found = resolve_in_scope(name, version, caller);
	struct module *module;

	for (unsigned i = 0; !found && (module = module_at(i)); i++)
		found = lookup(module, &wanted);
	return found;
}

/* ---- the integer width ---- */

/* Returns the function `name` of the object or of what it needs. */
static void *isamax_of(struct module *module, const char *name)
{
	struct wanted wanted = wanted_of(name, NULL, false);
	unsigned count;
	uint32_t mark;
	struct module *const *closure = module_closure(module, &count, &mark);
	void *found = NULL;

	for (unsigned i = 0; i < count && !found; i++)
		found = lookup(closure[i], &wanted);
	return found;
}

void *module_probe(struct module *module, const char *isamax)
{
	void *function;

	if (module->flags & MODULE_PROBED)
		return NULL;
	function = isamax_of(module, isamax);
	if (!function)
		module->flags |= MODULE_PROBED;
	return function;
}

void *resolve_as_caller(const char *name, const void *return_address)
{
	static struct guest_lock lock;
	void *found;

	guest_lock(&lock);
	module_refresh();
	found = resolve_in_scope(name, NULL, module_of(return_address));
	guest_unlock(&lock);
	return found;
}
