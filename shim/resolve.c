/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve.c - the loaded objects, and which definition a caller would have bound to without the shim.
 * It must never take a lock of the loader that a dlopen may hold while it runs constructors, and never answer with
 * the shim's own address.
 *
 * The order is the dynamic linker's: the rest of the global scope, then the trees of dlopen in the order in which
 * they were opened, each searched breadth first, if the caller is in it. Last, any object at all: a function pointer
 * may be called from an object that has no BLAS in its scope.
 */
#include "resolve.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#include "dlsym.h"
#include "entry.h"
#include "flopshim_dump.h"
#include "guest.h"
#include "routines.h"

enum { MODULES_MAX = 8192, NEEDED_MAX = 65536, NOTE_GNU_BUILD_ID = 3 };

extern char flopshim_stubs[] __attribute__((visibility("hidden")));
extern char flopshim_stubs_end[] __attribute__((visibility("hidden")));

volatile bool resolve_global_seen;

static struct {
	struct module *list; /* in load order */
	unsigned count;
	uint16_t *needed;    /* the needed lists, one after the other */
	unsigned needed_count;
	unsigned long long adds, subs;
	struct module *self;
	bool started;
} modules;

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (const unsigned char *at = (const unsigned char *)name; *at; at++)
		hash = hash * 33 + *at;
	return hash;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- reading one object ---- */

/* The loader relocates most of these in place, but not those of the vDSO. */
static const void *dynamic_pointer(const struct module *module, ElfW(Addr) value)
{
	return (const void *)(value < module->bias ? value + module->bias : value);
}

static void read_dynamic(struct module *module)
{
	ElfW(Xword) soname = 0;

	for (const ElfW(Dyn) *entry = module->dynamic; entry && entry->d_tag; entry++) {
		switch (entry->d_tag) {
		case DT_STRTAB:
			module->strings = dynamic_pointer(module, entry->d_un.d_ptr);
			break;
		case DT_SYMTAB:
			module->symbols = dynamic_pointer(module, entry->d_un.d_ptr);
			break;
		case DT_GNU_HASH:
			module->gnu_hash = dynamic_pointer(module, entry->d_un.d_ptr);
			break;
		case DT_HASH:
			module->sysv_hash = dynamic_pointer(module, entry->d_un.d_ptr);
			break;
		case DT_SONAME:
			soname = entry->d_un.d_val + 1;
			break;
		case DT_BIND_NOW:
			module->binds_now = true;
			break;
		case DT_FLAGS:
			module->binds_now |= (entry->d_un.d_val & DF_BIND_NOW) != 0;
			break;
		case DT_FLAGS_1:
			module->binds_now |= (entry->d_un.d_val & DF_1_NOW) != 0;
			break;
		}
	}
	module->soname = soname && module->strings ? module->strings + soname - 1 : "";
	module->soname_hash = gnu_hash(module->soname);
}

static void read_build_id(struct module *module, const char *notes, size_t size)
{
	for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
		const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(notes + at);
		size_t name = at + sizeof(*note), text = name + ((note->n_namesz + 3u) & ~3u);

		if (note->n_type == NOTE_GNU_BUILD_ID && note->n_namesz == 4 && !memcmp(notes + name, "GNU", 4)) {
			module->build_id = (const uint8_t *)notes + text;
			module->build_id_size = note->n_descsz < 32 ? note->n_descsz : 32;
			return;
		}
		at = text + ((note->n_descsz + 3u) & ~3u);
	}
}

static void read_module(struct module *module, const struct dl_phdr_info *info)
{
	*module = (struct module){.bias = info->dlpi_addr, .start = UINTPTR_MAX, .dump_number = DUMP_NONE};
	module->path = info->dlpi_name && *info->dlpi_name ? info->dlpi_name : "";
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_DYNAMIC)
			module->dynamic = (const void *)start;
		if (segment->p_type == PT_NOTE && !module->build_id)
			read_build_id(module, (const char *)start, segment->p_memsz);
		if (segment->p_type != PT_LOAD)
			continue;
		if (start < module->start)
			module->start = start;
		if (start + segment->p_memsz > module->end)
			module->end = start + segment->p_memsz;
	}
	module->path_hash = gnu_hash(module->path);
	module->name_hash = gnu_hash(base_name(module->path));
	read_dynamic(module);
}

/* ---- the list ---- */

static int module_by_need(const char *name)
{
	uint32_t hash = gnu_hash(base_name(name));

	for (unsigned i = 0; i < modules.count; i++) {
		const struct module *module = &modules.list[i];

		if (module->name_hash == hash && !strcmp(base_name(module->path), base_name(name)))
			return (int)i;
		if (module->soname_hash == hash && !strcmp(module->soname, name))
			return (int)i;
	}
	return -1;
}

static void resolve_needed(struct module *module)
{
	module->needed = modules.needed + modules.needed_count;
	module->needed_count = 0;
	for (const ElfW(Dyn) *entry = module->dynamic; entry && module->strings && entry->d_tag; entry++) {
		int number;

		if (entry->d_tag != DT_NEEDED || modules.needed_count == NEEDED_MAX)
			continue;
		number = module_by_need(module->strings + entry->d_un.d_val);
		if (number < 0)
			continue;
		modules.needed[modules.needed_count++] = (uint16_t)number;
		module->needed_count++;
	}
}

struct refresh {
	struct module *old;
	unsigned old_count;
	bool changed;
};

/* The same object as before, not another one at its address. */
static const struct module *module_before(const struct refresh *refresh, const struct module *module)
{
	for (unsigned i = 0; i < refresh->old_count; i++) {
		const struct module *old = &refresh->old[i];

		if (old->bias == module->bias && old->dynamic == module->dynamic && old->path_hash == module->path_hash)
			return old;
	}
	return NULL;
}

static uint32_t flags_when_opened(const struct module *module);

static int refresh_one(struct dl_phdr_info *info, size_t size, void *context)
{
	struct refresh *refresh = context;
	const struct module *before;
	struct module *module;

	(void)size;
	if (modules.count == 0 && !refresh->changed) {
		if (modules.started && info->dlpi_adds == modules.adds && info->dlpi_subs == modules.subs)
			return 1;
		modules.adds = info->dlpi_adds;
		modules.subs = info->dlpi_subs;
		refresh->changed = true;
	}
	if (modules.count == MODULES_MAX)
		return 1;
	module = &modules.list[modules.count];
	read_module(module, info);
	before = module_before(refresh, module);
	if (before) {
		module->flags = before->flags;
		module->known_decorated = before->known_decorated;
		module->known_bare = before->known_bare;
		module->dump_number = before->dump_number;
		module->dump_entry = before->dump_entry;
	}
	if ((uintptr_t)flopshim_stubs >= module->start && (uintptr_t)flopshim_stubs < module->end) {
		module->flags |= MODULE_SELF;
		modules.self = module;
	}
	if (!modules.started)
		module->flags |= MODULE_START;
	if (modules.started)
		module->flags |= flags_when_opened(module);
	modules.count++;
	return 0;
}

bool resolve_refresh(void)
{
	static struct module *spare;
	struct refresh refresh = {modules.list, modules.count, false};

	if (!spare)
		spare = guest_pages(MODULES_MAX * sizeof(struct module));
	if (!modules.needed)
		modules.needed = guest_pages(NEEDED_MAX * sizeof(uint16_t));
	if (!spare || !modules.needed)
		return false;
	modules.list = spare;
	modules.count = 0;
	dl_iterate_phdr(refresh_one, &refresh);
	if (!refresh.changed) {
		modules.list = refresh.old;
		modules.count = refresh.old_count;
		return false;
	}
	spare = refresh.old;
	modules.needed_count = 0;
	for (unsigned i = 0; i < modules.count; i++)
		resolve_needed(&modules.list[i]);
	return true;
}

void resolve_start(void)
{
	resolve_refresh();
	modules.started = true;
}

struct module *module_of(const void *address)
{
	for (unsigned i = 0; i < modules.count; i++) {
		struct module *module = &modules.list[i];

		if ((uintptr_t)address >= module->start && (uintptr_t)address < module->end)
			return module;
	}
	return NULL;
}

struct module *module_at(unsigned number)
{
	return number < modules.count ? &modules.list[number] : NULL;
}

/* ---- symbols ---- */

static const ElfW(Sym) *symbol_in_gnu_hash(const struct module *module, const char *name, uint32_t hash)
{
	const uint32_t *table = module->gnu_hash, *buckets, *chain;
	uint32_t bucket_count = table[0], first = table[1], bloom_size = table[2], shift = table[3], index;
	const ElfW(Addr) *bloom = (const ElfW(Addr) *)(table + 4);
	const ElfW(Sym) *symbols = module->symbols;
	ElfW(Addr) word = bloom[(hash / (8 * sizeof(word))) & (bloom_size - 1)];

	buckets = (const uint32_t *)(bloom + bloom_size);
	chain = buckets + bucket_count;
	if (!((word >> (hash % (8 * sizeof(word)))) & (word >> ((hash >> shift) % (8 * sizeof(word)))) & 1))
		return NULL;
	index = buckets[hash % bucket_count];
	if (index < first)
		return NULL;
	for (;; index++) {
		uint32_t entry = chain[index - first];

		if ((entry | 1) == (hash | 1) && symbols[index].st_shndx != SHN_UNDEF &&
		    !strcmp(name, module->strings + symbols[index].st_name))
			return &symbols[index];
		if (entry & 1)
			return NULL;
	}
}

static const ElfW(Sym) *symbol_in_sysv_hash(const struct module *module, const char *name)
{
	const uint32_t *table = module->sysv_hash, *buckets = table + 2, *chain = buckets + table[0];
	const ElfW(Sym) *symbols = module->symbols;
	uint32_t hash = 0;

	for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
		hash = (hash << 4) + *at;
		hash = (hash ^ ((hash & 0xf0000000) >> 24)) & 0x0fffffff;
	}
	for (uint32_t index = buckets[hash % table[0]]; index; index = chain[index])
		if (symbols[index].st_shndx != SHN_UNDEF && !strcmp(name, module->strings + symbols[index].st_name))
			return &symbols[index];
	return NULL;
}

static const ElfW(Sym) *find_symbol(const struct module *module, const char *name, uint32_t hash)
{
	const ElfW(Sym) *symbol = NULL;

	if (!module->symbols || !module->strings)
		return NULL;
	if (module->gnu_hash && module->gnu_hash[0])
		symbol = symbol_in_gnu_hash(module, name, hash);
	else if (module->sysv_hash && module->sysv_hash[0])
		symbol = symbol_in_sysv_hash(module, name);
	if (symbol && (ELF64_ST_BIND(symbol->st_info) == STB_LOCAL || ELF64_ST_TYPE(symbol->st_info) == STT_TLS))
		return NULL;
	return symbol;
}

static void *symbol_address(const struct module *module, const ElfW(Sym) *symbol)
{
	uintptr_t address = module->bias + symbol->st_value;

	if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
		return ((void *(*)(void))address)();
	return (void *)address;
}

static void *lookup(const struct module *module, const char *name, uint32_t hash)
{
	const ElfW(Sym) *symbol = module->flags & MODULE_SELF ? NULL : find_symbol(module, name, hash);

	return symbol ? symbol_address(module, symbol) : NULL;
}

void *module_symbol(const struct module *module, const char *name)
{
	return lookup(module, name, gnu_hash(name));
}

int32_t resolve_own_symbol(const void *address)
{
	uintptr_t offset = (uintptr_t)address - (uintptr_t)flopshim_stubs;

	if (offset >= (uintptr_t)(flopshim_stubs_end - flopshim_stubs))
		return -1;
	return (int32_t)(offset / STUB_SIZE);
}

int32_t resolve_own_name(const char *name)
{
	const ElfW(Sym) *symbol = modules.self ? find_symbol(modules.self, name, gnu_hash(name)) : NULL;

	return symbol ? resolve_own_symbol((const void *)(modules.self->bias + symbol->st_value)) : -1;
}

/* Calls `visit` with every symbol of the object until it returns true. */
static bool any_symbol(const struct module *module, bool (*visit)(const struct module *, const ElfW(Sym) *, void *),
		       void *context)
{
	const ElfW(Sym) *symbols = module->symbols;
	uint32_t count = 0;

	if (!symbols || !module->strings)
		return false;
	if (module->sysv_hash) {
		count = module->sysv_hash[1];
	} else if (module->gnu_hash) {
		const uint32_t *table = module->gnu_hash;
		const uint32_t *buckets = (const uint32_t *)((const ElfW(Addr) *)(table + 4) + table[2]);
		const uint32_t *chain = buckets + table[0];

		/* The table has no count: it ends where the chain of the last bucket does. */
		for (uint32_t i = 0; i < table[0]; i++)
			if (buckets[i] > count)
				count = buckets[i];
		if (count >= table[1])
			while (!(chain[count++ - table[1]] & 1)) {
			}
	}
	for (uint32_t i = 1; i < count; i++)
		if (visit(module, &symbols[i], context))
			return true;
	return false;
}

static bool count_known(const struct module *module, const ElfW(Sym) *symbol, void *context)
{
	struct module *counted = context;
	int32_t own;

	if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL ||
	    ELF64_ST_TYPE(symbol->st_info) != STT_FUNC)
		return false;
	own = resolve_own_name(module->strings + symbol->st_name);
	if (own < 0)
		return false;
	if (own % SCHEME_COUNT == SCHEME_BARE || own % SCHEME_COUNT == SCHEME_BARE_UPPER)
		counted->known_bare++;
	else
		counted->known_decorated++;
	return counted->known_decorated >= KNOWN_BARE;
}

bool module_is_blas(struct module *module, bool bare)
{
	if (!(module->flags & (MODULE_COUNTED | MODULE_SELF)))
		any_symbol(module, count_known, module);
	module->flags |= MODULE_COUNTED;
	return bare ? module->known_decorated + module->known_bare >= KNOWN_BARE
		    : module->known_decorated >= KNOWN_DECORATED;
}

bool module_is_doubtful(struct module *module)
{
	return module_is_blas(module, false) && module->known_decorated < KNOWN_BARE;
}

static bool is_known_use(const struct module *module, const ElfW(Sym) *symbol, void *context)
{
	(void)context;
	return symbol->st_shndx == SHN_UNDEF && resolve_own_name(module->strings + symbol->st_name) >= 0;
}

bool module_uses_blas(const struct module *module)
{
	return !(module->flags & MODULE_SELF) && any_symbol(module, is_known_use, NULL);
}

/* ---- the search ---- */

enum { BITMAP_WORDS = MODULES_MAX / 64 };

struct closure {
	uint64_t seen[BITMAP_WORDS];
	uint16_t order[MODULES_MAX];
	unsigned count;
};

/* Too large for the stack of a small thread; guarded by record_lock. */
static struct closure closure;
static uint64_t covered[BITMAP_WORDS];

static bool bit_set(uint64_t *bits, unsigned number)
{
	bool before = bits[number / 64] >> (number % 64) & 1;

	bits[number / 64] |= (uint64_t)1 << (number % 64);
	return before;
}

/* What dlopen of this object searches: the object and all that it needs, breadth first. */
static void closure_of(unsigned root)
{
	memset(closure.seen, 0, (modules.count + 63) / 64 * 8);
	closure.count = 0;
	closure.order[closure.count++] = (uint16_t)root;
	bit_set(closure.seen, root);
	for (unsigned i = 0; i < closure.count; i++) {
		const struct module *module = &modules.list[closure.order[i]];

		for (unsigned j = 0; j < module->needed_count; j++)
			if (!bit_set(closure.seen, module->needed[j]))
				closure.order[closure.count++] = module->needed[j];
	}
}

/* `lazy` tells whether the tree that holds the caller was opened RTLD_LAZY. */
static void *lookup_in_trees(const char *name, uint32_t hash, unsigned caller, bool *lazy)
{
	memset(covered, 0, (modules.count + 63) / 64 * 8);
	for (unsigned i = 0; i < modules.count; i++)
		if (modules.list[i].flags & MODULE_START)
			bit_set(covered, i);
	for (unsigned root = 0; root < modules.count; root++) {
		bool has_caller = false;

		if (bit_set(covered, root))
			continue;
		closure_of(root);
		for (unsigned i = 0; i < closure.count; i++) {
			bit_set(covered, closure.order[i]);
			has_caller |= closure.order[i] == caller;
		}
		for (unsigned i = 0; has_caller && i < closure.count; i++) {
			void *found = lookup(&modules.list[closure.order[i]], name, hash);

			*lazy = modules.list[root].flags & MODULE_LAZY;
			if (found)
				return found;
		}
	}
	return NULL;
}

static void *lookup_at_start(const char *name, uint32_t hash)
{
	bool after_self = false;

	for (unsigned i = 0; i < modules.count && modules.list[i].flags & MODULE_START; i++) {
		void *found = after_self ? lookup(&modules.list[i], name, hash) : NULL;

		if (found)
			return found;
		after_self |= (modules.list[i].flags & MODULE_SELF) != 0;
	}
	return NULL;
}

void *resolve_after_self(const char *name)
{
	return lookup_at_start(name, gnu_hash(name));
}

bool module_is_before_self(const struct module *module)
{
	return modules.self && module < modules.self && module->flags & MODULE_START;
}

void *resolve_in_scope(const char *name, const struct module *caller, void *next)
{
	uint32_t hash = gnu_hash(name);
	void *found = lookup_at_start(name, hash), *in_tree;
	bool lazy = false;

	if (found || !caller)
		return found ? found : next;
	in_tree = lookup_in_trees(name, hash, (unsigned)(caller - modules.list), &lazy);
	/* What was opened RTLD_GLOBAL after a caller that was bound when it was opened came too late for it. */
	if (next && in_tree && !lazy && module_of(next) > caller)
		return in_tree;
	return next ? next : in_tree;
}

void *resolve(const char *name, const struct module *caller, void *next)
{
	uint32_t hash = gnu_hash(name);
	void *found = resolve_in_scope(name, caller, next);

	for (unsigned i = 0; !found && i < modules.count; i++)
		found = lookup(&modules.list[i], name, hash);
	return found;
}

void *resolve_next(const char *name)
{
	return resolve_global_seen ? dlsym_call_real(RTLD_NEXT, name) : NULL;
}

/* ---- when objects were bound ---- */

enum { OPENED_MAX = 256 };

/* Paths that were opened with flags out of the ordinary: hash of the name, and the flags. */
static _Atomic uint64_t opened_names[OPENED_MAX];
static _Atomic unsigned opened_count;

void resolve_opened(const char *path, uint32_t flags)
{
	uint64_t entry = path ? (uint64_t)flags << 32 | gnu_hash(base_name(path)) : 0;
	unsigned place;

	if (!path)
		return;
	for (unsigned i = 0; i < opened_count && i < OPENED_MAX; i++)
		if (opened_names[i] == entry)
			return;
	place = opened_count++;
	if (place < OPENED_MAX)
		opened_names[place] = entry;
}

bool resolve_deep_seen(void)
{
	for (unsigned i = 0; i < opened_count && i < OPENED_MAX; i++)
		if (opened_names[i] >> 32 & MODULE_DEEP)
			return true;
	return false;
}

static uint32_t flags_when_opened(const struct module *module)
{
	uint32_t flags = 0;

	for (unsigned i = 0; i < opened_count && i < OPENED_MAX; i++)
		if ((uint32_t)opened_names[i] == module->name_hash || (uint32_t)opened_names[i] == module->soname_hash)
			flags |= (uint32_t)(opened_names[i] >> 32);
	return module->binds_now ? flags & ~(uint32_t)MODULE_LAZY : flags;
}

/* ---- the integer width ---- */

static void *isamax_of(struct module *module, const char *name)
{
	uint32_t hash = gnu_hash(name);

	closure_of((unsigned)(module - modules.list));
	for (unsigned i = 0; i < closure.count; i++) {
		void *found = lookup(&modules.list[closure.order[i]], name, hash);

		if (found)
			return found;
	}
	return NULL;
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

bool probe_is_ilp64(void *function)
{
	/* 3 to a 32-bit reader, negative to a 64-bit one: only the first finds the largest element. */
	static const int64_t count = (int64_t)0xffffffff00000003;
	static const int64_t step = 1;
	static const float vector[3] = {1, 3, 2};

	const void *const arguments[PROBE_ARGUMENTS] = {&count, vector, &step};

	return entry_probe(function, arguments) == 0;
}

bool probe_hides_result(void *function)
{
	/*
	 * Each is a length or an increment of 1 in both widths, and the first element of a vector: a number so small that
	 * the product of two is 0. So dotu and dotc write 0 and ladiv writes 1.0, where they write.
	 */
	int64_t one[PROBE_ARGUMENTS][4] = {{1}, {1}, {1}, {1}, {1}, {1}};
	const void *const arguments[PROBE_ARGUMENTS] = {one[0], one[1], one[2], one[3], one[4], one[5]};

	entry_probe(function, arguments);
	return *(volatile int64_t *)one[0] != 1;
}

void *resolve_as_caller(const char *name, const void *return_address)
{
	static struct guest_lock lock;
	void *next = resolve_next(name), *found;

	guest_lock(&lock);
	resolve_refresh();
	found = resolve_in_scope(name, module_of(return_address), next);
	guest_unlock(&lock);
	return found;
}
