/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * module.c - the loaded objects, and what dlopen made of them.
 * It must never wait for the dynamic linker, and never fault, whatever other threads load and unload meanwhile: entries of
 * the linker's list, and the objects themselves, are read through the kernel, which answers with an error where they are gone.
 * A list is published by one store when it is complete, so that a fork at any moment finds one.
 */
#include "shim/resolve/module.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim/guest/guest.h"
#include "shim/guest/page.h"
#include "shim/guest/program.h"
#include "shim/resolve/libc.h"
#include "shim/state/entry.h"
#include "flopshim_dump.h"

enum {
	LIST_FIRST = 64,         /* objects that need no memory but the shim's own */
	LIST_MAX = 1 << 16,
	MODULES_FIRST = 40,
	ARENA_FIRST = 4096,
	ARENA_BYTES = 65536,
	HEADERS_MAX = 64,
	HEADERS_FAR = 1 << 14,   /* pages between an object's dynamic section and its beginning */
	NOTES_MAX = 1024,
	NODES_AT_ONCE = 32,
	WALKS_MAX = 8,
	OPENED_MAX = 64,
	OPENED_TRIES = 64,
	NOTE_GNU_BUILD_ID = 3,
};

#define NOT_OPENED UINT32_MAX /* of a module that is new */

/* The linker's; weak, since DT_DEBUG of the program is asked first. */
extern struct r_debug _r_debug __attribute__((weak));

/* An entry of the linker's list, as it was read. */
struct node {
	const struct link_map *at;
	struct link_map map;
};

struct list {
	struct node *nodes;
	struct module **modules, **globals; /* in load order; in the order in which they became global */
	struct module **order;              /* of a closure: for one search at a time */
	unsigned node_count, count, global_count, room;
	uint32_t events;                    /* modules.events when it was made */
	bool settled;                       /* the linker was not in the middle of a change */
};

/* Where dlfo_link_map of struct dl_find_object is: the header of an older C library does not know it. */
struct found_object {
	unsigned long long flags;
	void *start, *end;
	const struct link_map *link;
	unsigned long long rest[16];
};

static struct list lists[2];

static struct {
	struct list *_Atomic current;
	_Atomic uint32_t events; /* calls of dlopen and dlclose */
	unsigned start_count;    /* entries of the linker's list that stay for good */
	bool started;
	struct module *self;
	struct module *made, *retired;
	uint32_t marks, trusted;
	struct guest_pool pool;
	char *arena, *arena_end;
	const struct r_debug *debug;
	int (*find_object)(void *, struct found_object *);
} modules;

/* What is too large for a small stack; guarded by record_lock. */
static struct {
	ElfW(Phdr) headers[HEADERS_MAX];
	ElfW(Dyn) dynamic[32];
	char notes[NOTES_MAX];
	char path[PATH_MAX], text[PATH_MAX];
	struct iovec here[NODES_AT_ONCE], there[NODES_AT_ONCE];
	struct link_map maps[NODES_AT_ONCE];
	struct module module;
} scratch;

uint32_t module_hash(const char *name)
{
	uint32_t hash = 5381;

	for (const unsigned char *at = (const unsigned char *)name; *at; at++)
		hash = hash * 33 + *at;
	return hash;
}

/* ---- memory ---- */

/* Of modules and lists for a process that has no more to give. */
static char first_modules[MODULES_FIRST * ((sizeof(struct module) + 15) & ~15u)] __attribute__((aligned(16)));
static char first_arena[ARENA_FIRST] __attribute__((aligned(16)));
static char first_lists[2][LIST_FIRST * (sizeof(struct node) + 3 * sizeof(struct module *))] __attribute__((aligned(16)));

static size_t list_bytes(unsigned room)
{
	return room * (sizeof(struct node) + 3 * sizeof(struct module *));
}

static void list_lay_out(struct list *list, void *memory, unsigned room)
{
	list->nodes = memory;
	list->modules = (struct module **)(list->nodes + room);
	list->globals = list->modules + room;
	list->order = list->globals + room;
	__asm__ volatile("" ::: "memory"); /* a fork in between finds less room than there is */
	list->room = room;
}

/* Room for another entry of the linker's list, before anything but entries is in it. */
static bool list_has_room(struct list *list)
{
	struct node *nodes = list->nodes;
	unsigned room = list->room;
	void *memory;

	if (!room)
		list_lay_out(list, first_lists[list - lists], LIST_FIRST);
	if (list->node_count < list->room)
		return true;
	memory = room < LIST_MAX ? guest_pages(list_bytes(room * 2)) : NULL;
	if (!memory)
		return false;
	memcpy(memory, nodes, list->node_count * sizeof(*nodes));
	list_lay_out(list, memory, room * 2);
	if (room > LIST_FIRST)
		guest_free(nodes, list_bytes(room));
	return true;
}

/* Never given back: what is in it is used again with the module that has it. NULL without memory. */
static void *arena_take(size_t size)
{
	void *taken;

	size = (size + 15) & ~(size_t)15;
	if (!modules.arena) {
		modules.arena = first_arena;
		modules.arena_end = first_arena + ARENA_FIRST;
	}
	if ((size_t)(modules.arena_end - modules.arena) < size) {
		size_t bytes = size > ARENA_BYTES ? size : ARENA_BYTES;

		taken = guest_pages(bytes);
		if (!taken)
			return NULL;
		modules.arena = taken;
		modules.arena_end = modules.arena + bytes;
	}
	taken = modules.arena;
	modules.arena += size;
	return taken;
}

static const char *arena_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_take(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

/* ---- reading memory that may be gone ---- */

static bool peek(bool in_memory, const void *address, void *to, size_t size)
{
	if (!in_memory)
		return guest_read(address, to, size);
	memcpy(to, address, size);
	return true;
}

static bool peek_text(bool in_memory, const char *address, char *to, size_t size)
{
	size_t length = 0;

	if (in_memory) {
		while (length + 1 < size && address[length])
			length++;
		memcpy(to, address, length);
		to[length] = 0;
		return true;
	}
	while (length + 1 < size) {
		size_t part = 128 - ((uintptr_t)address + length) % 128; /* never beyond the page that is read */

		part = part < size - 1 - length ? part : size - 1 - length;
		if (!guest_read(address + length, to + length, part))
			return false;
		for (size_t end = length + part; length < end; length++)
			if (!to[length])
				return true;
	}
	to[length] = 0;
	return true;
}

static bool is_in_memory(const struct module *module)
{
	return module->flags & MODULE_START || (modules.trusted && module->live == modules.trusted);
}

bool module_peek(const struct module *module, const void *address, void *to, size_t size)
{
	return peek(is_in_memory(module), address, to, size);
}

bool module_peek_text(const struct module *module, const char *address, char *to, size_t size)
{
	return peek_text(is_in_memory(module), address, to, size);
}

/* ---- reading one object ---- */

/* An object that is being looked at for the first time. */
struct object {
	const struct node *node;
	bool in_memory;
	unsigned header_count;
	const ElfW(Phdr) *headers; /* where they are; a copy is in scratch.headers */
	struct module *module;
};

/* Whether these program headers are the object's: they say where its dynamic section is. */
static bool headers_read(struct object *object, const void *headers, unsigned count)
{
	if (!count || count > HEADERS_MAX ||
	    !peek(object->in_memory, headers, scratch.headers, count * sizeof(ElfW(Phdr))))
		return false;
	object->headers = headers;
	object->header_count = count;
	for (unsigned i = 0; i < count; i++)
		if (scratch.headers[i].p_type == PT_DYNAMIC)
			return object->node->map.l_addr + scratch.headers[i].p_vaddr == (uintptr_t)object->node->map.l_ld;
	return false;
}

static bool headers_at(struct object *object, uintptr_t start, bool in_memory)
{
	ElfW(Ehdr) header;

	return start && peek(in_memory, (const void *)start, &header, sizeof(header)) &&
	       !memcmp(header.e_ident, ELFMAG, SELFMAG) && header.e_phentsize == sizeof(ElfW(Phdr)) &&
	       headers_read(object, (const void *)(start + header.e_phoff), header.e_phnum);
}

/* The linker's entry of the object around an address, and where that begins; NULL if the C library cannot tell. */
static const struct link_map *link_of(const void *address, uintptr_t *start)
{
	struct found_object found;

	if (!modules.find_object || modules.find_object((void *)(uintptr_t)address, &found))
		return NULL;
	*start = (uintptr_t)found.start;
	return found.link;
}

/* Of the program itself the kernel tells; all others begin with a header, where they are loaded. */
static bool headers_find(struct object *object)
{
	const struct link_map *map = &object->node->map;
	uintptr_t page = page_begin((uintptr_t)map->l_ld), start = 0;

	if (!map->l_prev && headers_read(object, (const void *)getauxval(AT_PHDR), (unsigned)getauxval(AT_PHNUM)))
		return true;
	if (link_of(map->l_ld, &start) == object->node->at)
		return headers_at(object, start, object->in_memory);
	if (headers_at(object, map->l_addr, false))
		return true;
	/* Linked for another address than 0, with an old C library. */
	for (unsigned i = 0; i < HEADERS_FAR && page; i++, page -= page_size())
		if (headers_at(object, page, false))
			return true;
	return false;
}

/* The linker relocates most of these in place, but not those of the vDSO. */
static const void *dynamic_pointer(const struct module *module, ElfW(Addr) value)
{
	return (const void *)(value < module->bias ? value + module->bias : value);
}

static void dynamic_entry(struct module *module, const ElfW(Dyn) *entry, ElfW(Xword) *soname)
{
	switch (entry->d_tag) {
	case DT_STRTAB:
		module->strings = dynamic_pointer(module, entry->d_un.d_ptr);
		break;
	case DT_STRSZ:
		module->strings_size = entry->d_un.d_val;
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
	case DT_VERSYM:
		module->versions = dynamic_pointer(module, entry->d_un.d_ptr);
		break;
	case DT_VERDEF:
		module->version_definitions = dynamic_pointer(module, entry->d_un.d_ptr);
		break;
	case DT_VERNEED:
		module->version_needs = dynamic_pointer(module, entry->d_un.d_ptr);
		break;
	case DT_SONAME:
		*soname = entry->d_un.d_val + 1;
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

/* Calls `visit` with every entry of the dynamic section; false if it cannot be read. */
static bool each_dynamic(bool in_memory, const struct module *module, void (*visit)(const ElfW(Dyn) *, void *), void *context)
{
	const ElfW(Dyn) *at = module->dynamic;

	for (;;) {
		/* Up to the end of a page: behind the last entry there may be nothing. */
		size_t count = page_rest((uintptr_t)at) / sizeof(*at);

		if (!count)
			count = 1;
		if (count > sizeof(scratch.dynamic) / sizeof(scratch.dynamic[0]))
			count = sizeof(scratch.dynamic) / sizeof(scratch.dynamic[0]);
		if (!peek(in_memory, at, scratch.dynamic, count * sizeof(*at)))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!scratch.dynamic[i].d_tag)
				return true;
			visit(&scratch.dynamic[i], context);
		}
		at += count;
	}
}

struct dynamic_read {
	struct module *module;
	ElfW(Xword) soname;
};

static void dynamic_visit(const ElfW(Dyn) *entry, void *context)
{
	struct dynamic_read *read = context;

	dynamic_entry(read->module, entry, &read->soname);
}

/* The name in the object goes to scratch.text; empty if it has none. */
static bool dynamic_read(const struct object *object)
{
	struct dynamic_read read = {object->module, 0};
	struct module *module = object->module;

	scratch.text[0] = 0;
	if (!each_dynamic(object->in_memory, module, dynamic_visit, &read))
		return false;
	if (module->gnu_hash &&
	    !peek(object->in_memory, module->gnu_hash, module->gnu_header, sizeof(module->gnu_header)))
		return false;
	return !read.soname || !module->strings ||
	       peek_text(object->in_memory, module->strings + read.soname - 1, scratch.text, sizeof(scratch.text));
}

static void build_id_read(struct module *module, const char *notes, size_t size)
{
	for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
		const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(notes + at);
		size_t name = at + sizeof(*note), text = name + ((note->n_namesz + 3u) & ~3u);
		size_t length = note->n_descsz < BUILD_ID_MAX ? note->n_descsz : BUILD_ID_MAX;

		if (note->n_type == NOTE_GNU_BUILD_ID && note->n_namesz == 4 && text + length <= size &&
		    !memcmp(notes + name, "GNU", 4)) {
			memcpy(module->build_id, notes + text, length);
			module->build_id_size = (uint32_t)length;
			return;
		}
		at = text + ((note->n_descsz + 3u) & ~3u);
	}
}

static void segments_read(const struct object *object)
{
	struct module *module = object->module;

	for (unsigned i = 0; i < object->header_count; i++) {
		const ElfW(Phdr) *segment = &scratch.headers[i];
		uintptr_t start = module->bias + segment->p_vaddr;
		size_t size = segment->p_memsz < NOTES_MAX ? segment->p_memsz : NOTES_MAX;

		if (segment->p_type == PT_NOTE && !module->build_id_size &&
		    peek(object->in_memory, (const void *)start, scratch.notes, size))
			build_id_read(module, scratch.notes, size);
		if (segment->p_type != PT_LOAD)
			continue;
		if (start < module->start)
			module->start = start;
		if (start + segment->p_memsz > module->end)
			module->end = start + segment->p_memsz;
	}
}

/* Memory of a module of this path that is gone; NULL if there is none. */
static struct module *retired_take(const char *path, uint32_t path_hash)
{
	struct module *module;

	for (struct module **link = &modules.retired; (module = *link); link = &module->next_retired)
		if (module->path_hash == path_hash && !strcmp(module->path, path)) {
			*link = module->next_retired;
			return module;
		}
	return NULL;
}

/* Fresh memory, with its names; what an object of the program's start is called is there for good. NULL without. */
static struct module *fresh_take(const struct module *read, const char *path)
{
	const char *name = read->flags & MODULE_START ? read->link_name : arena_text(path);
	struct module *module;

	if (!modules.pool.size) {
		modules.pool.size = sizeof(struct module);
		modules.pool.fresh = first_modules;
		modules.pool.fresh_end = first_modules + sizeof(first_modules);
	}
	module = name ? guest_pool_take(&modules.pool) : NULL;
	if (!module)
		return NULL;
	*module = (struct module){.path = name, .soname = "", .next_made = modules.made};
	modules.made = module;
	return module;
}

static bool is_same_file(const struct module *one, const struct module *other)
{
	return one->bias == other->bias && one->dynamic == other->dynamic && one->symbols == other->symbols &&
	       one->build_id_size && one->build_id_size == other->build_id_size &&
	       !memcmp(one->build_id, other->build_id, one->build_id_size);
}

/* Keeps what was read, under these names. NULL without memory. */
static struct module *module_keep(const struct module *read, const char *path, const char *soname)
{
	struct module *module = retired_take(path, read->path_hash), filled = *read;

	if (!module)
		module = fresh_take(read, path);
	if (!module)
		return NULL;
	filled.path = module->path;
	filled.soname = strcmp(module->soname, soname) ? arena_text(soname) : module->soname;
	filled.next_made = module->next_made;
	filled.needed = module->needed;
	filled.needed_room = module->needed_room;
	if (is_same_file(module, read)) {
		filled.dump_number = module->dump_number;
		filled.dump_entry = module->dump_entry;
		filled.flags |= module->flags & MODULE_COUNTED;
		filled.known_decorated = module->known_decorated;
		filled.known_bare = module->known_bare;
	}
	if (!filled.soname)
		return NULL;
	*module = filled;
	return module;
}

enum made { MADE, UNREADABLE, NO_MEMORY };

/* A new module. What cannot be read is being unloaded. */
static enum made module_make(const struct node *node, struct module **made)
{
	struct module *read = &scratch.module;
	struct object object = {.node = node, .in_memory = !modules.started, .module = read};

	*read = (struct module){
		.bias = node->map.l_addr,
		.dynamic = node->map.l_ld,
		.start = UINTPTR_MAX,
		.link = node->at,
		.link_name = node->map.l_name,
		.incomplete = true,
		.dump_number = DUMP_NONE,
		.flags = modules.started ? 0 : MODULE_START,
		.opened = modules.started ? NOT_OPENED : 0,
		.global = modules.started ? NEVER_GLOBAL : 0,
	};
	if (!headers_find(&object))
		return UNREADABLE;
	segments_read(&object);
	read->headers = object.headers;
	read->header_count = (uint16_t)object.header_count;
	if (!peek_text(object.in_memory, node->map.l_name, scratch.path, sizeof(scratch.path)) || !dynamic_read(&object))
		return UNREADABLE;
	read->path_hash = module_hash(scratch.path);
	read->name_hash = module_hash(base_name(scratch.path));
	read->soname_hash = module_hash(scratch.text);
	if ((uintptr_t)&ENTRY_PLACES >= read->start && (uintptr_t)&ENTRY_PLACES < read->end)
		read->flags |= MODULE_SELF;
	*made = module_keep(read, scratch.path, scratch.text);
	if (*made && read->flags & MODULE_SELF)
		modules.self = *made;
	return *made ? MADE : NO_MEMORY;
}

/* ---- what an object needs ---- */

struct needs {
	const struct list *list;
	struct module *module;
	bool all_found;
};

static struct module *module_by_need(const struct list *list, const char *name)
{
	uint32_t hash = module_hash(name), base_hash = module_hash(base_name(name));

	for (unsigned i = 0; i < list->count; i++) {
		struct module *module = list->modules[i];

		if (module->name_hash == base_hash && !strcmp(base_name(module->path), base_name(name)))
			return module;
		if (module->soname_hash == hash && !strcmp(module->soname, name))
			return module;
	}
	return NULL;
}

static void needs_count(const ElfW(Dyn) *entry, void *context)
{
	*(unsigned *)context += entry->d_tag == DT_NEEDED;
}

static void needs_add(const ElfW(Dyn) *entry, void *context)
{
	struct needs *needs = context;
	struct module *module = needs->module, *needed = NULL;

	if (entry->d_tag != DT_NEEDED || module->needed_count == module->needed_room)
		return;
	if (peek_text(module->flags & MODULE_START, module->strings + entry->d_un.d_val, scratch.text, sizeof(scratch.text)))
		needed = module_by_need(needs->list, scratch.text);
	if (needed)
		module->needed[module->needed_count++] = needed;
	else
		needs->all_found = false;
}

/* Without memory, or while the linker is loading more of it, it is tried again with the next list. */
static void needs_find(const struct list *list, struct module *module)
{
	struct needs needs = {list, module, true};
	bool in_memory = module->flags & MODULE_START;
	unsigned count = 0;

	module->needed_count = 0;
	module->incomplete = true;
	if (!module->strings || !each_dynamic(in_memory, module, needs_count, &count))
		return;
	if (count > UINT16_MAX)
		count = UINT16_MAX;
	if (count > module->needed_room) {
		struct module **room = arena_take(count * sizeof(struct module *));

		if (!room)
			return;
		module->needed = room;
		module->needed_room = (uint16_t)count;
	}
	if (each_dynamic(in_memory, module, needs_add, &needs))
		module->incomplete = !needs.all_found && !list->settled;
}

uint32_t module_mark(void) { return ++modules.marks; }

static unsigned closure_of(const struct list *list, struct module *root, uint32_t mark)
{
	unsigned count = 0;

	list->order[count++] = root;
	root->seen = mark;
	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < list->order[i]->needed_count; j++) {
			struct module *needed = list->order[i]->needed[j];

			if (needed->seen == mark || count == list->room)
				continue;
			needed->seen = mark;
			list->order[count++] = needed;
		}
	return count;
}

/* ---- what was opened ---- */

/* A call of dlopen whose object has not been found in the list yet. */
struct opened {
	uint32_t sequence;
	uint32_t whole, base; /* hashes of the path, the first 0 for a name without a slash, and of what follows the last one */
	int flags;
	uint64_t device, inode; /* 0, 0 where that is not known */
	uint32_t tries;
	struct module *module;
};

static struct {
	struct opened list[OPENED_MAX];
	unsigned count;
	uint32_t sequence; /* of the last one */
	uint32_t known;    /* of the last one when the list was made */
	volatile bool deep;
	bool never_lazy;   /* LD_BIND_NOW */
} opened;

static bool is_file_of(const struct opened *entry, const struct module *module)
{
	struct stat status;

	return !(module->flags & MODULE_START) && !stat(module->path, &status) && status.st_dev == entry->device &&
	       status.st_ino == entry->inode;
}

/* By its path; by its name, as the linker compares; by its file, which may have other names. */
static struct module *opened_module(const struct list *list, const struct opened *entry)
{
	for (unsigned i = 0; entry->whole && i < list->count; i++)
		if (list->modules[i]->path_hash == entry->whole)
			return list->modules[i];
	for (unsigned i = 0; !entry->inode && i < list->count; i++)
		if (list->modules[i]->name_hash == entry->base || list->modules[i]->soname_hash == entry->base)
			return list->modules[i];
	for (unsigned i = 0; entry->inode && i < list->count; i++)
		if (is_file_of(entry, list->modules[i]))
			return list->modules[i];
	return NULL;
}

/* The call that loaded a new module, after the one that loaded what is before it in the list. */
static const struct opened *opened_by(const struct module *module, uint32_t after)
{
	for (unsigned i = 0; i < opened.count; i++)
		if (opened.list[i].module == module && opened.list[i].sequence > after &&
		    !(opened.list[i].flags & RTLD_NOLOAD))
			return &opened.list[i];
	return NULL;
}

/* The linker appends an object, and behind it what it needs and was not there: those have been bound with it. */
static void opened_number(const struct list *list)
{
	const struct module *root = NULL;
	uint32_t last = opened.known, mark = 0;

	for (unsigned i = 0; i < list->count; i++) {
		struct module *module = list->modules[i];
		const struct opened *entry;

		if (module->opened != NOT_OPENED)
			continue;
		if (root && module->seen == mark) {
			module->opened = root->opened;
			continue;
		}
		entry = opened_by(module, last);
		if (entry) {
			last = entry->sequence;
			module->flags |= entry->flags & RTLD_NOW || opened.never_lazy ? 0 : MODULE_LAZY;
			module->flags |= entry->flags & RTLD_DEEPBIND ? MODULE_DEEP : 0;
		}
		module->opened = last;
		mark = module_mark();
		closure_of(list, module, mark);
		root = module;
	}
}

/* Those that are global already have this mark. */
static void opened_join(struct list *list, const struct opened *entry, uint32_t mark)
{
	unsigned count = closure_of(list, entry->module, module_mark());

	for (unsigned i = 0; i < count; i++) {
		struct module *module = list->order[i];

		if (module->flags & MODULE_START || module->joined == mark || list->global_count == list->room)
			continue;
		module->joined = mark;
		module->global = entry->sequence;
		list->globals[list->global_count++] = module;
	}
}

/* Nothing is forgotten before the list is published: see opened_forget. */
static void opened_settle(struct list *list, uint32_t mark)
{

	for (unsigned i = 0; i < opened.count; i++)
		opened.list[i].module = opened_module(list, &opened.list[i]);
	opened_number(list);
	for (unsigned i = 0; i < opened.count; i++) {
		const struct opened *entry = &opened.list[i];

		if (entry->module && entry->flags & RTLD_GLOBAL &&
		    !(entry->flags & RTLD_NOLOAD && entry->module->opened > entry->sequence))
			opened_join(list, entry, mark);
	}
}

/* What has been dealt with. An entry that matches nothing may be on its way, or has failed. */
static void opened_forget(void)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < opened.count; i++)
		if (!opened.list[i].module && ++opened.list[i].tries < OPENED_TRIES)
			opened.list[kept++] = opened.list[i];
	opened.count = kept;
	opened.known = opened.sequence;
}

/* ---- the linker's list ---- */

/* The program's own DT_DEBUG; the linker's symbol may have been copied into the program. */
static const struct r_debug *debug_find(void)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	unsigned count = (unsigned)getauxval(AT_PHNUM);
	const ElfW(Dyn) *dynamic = NULL;
	uintptr_t bias = 0;

	for (unsigned i = 0; headers && i < count; i++)
		if (headers[i].p_type == PT_PHDR)
			bias = (uintptr_t)headers - headers[i].p_vaddr;
	for (unsigned i = 0; headers && i < count; i++)
		if (headers[i].p_type == PT_DYNAMIC)
			dynamic = (const ElfW(Dyn) *)(bias + headers[i].p_vaddr);
	for (; dynamic && dynamic->d_tag; dynamic++)
		if (dynamic->d_tag == DT_DEBUG && dynamic->d_un.d_ptr)
			return (const struct r_debug *)dynamic->d_un.d_ptr;
	return &_r_debug;
}

static bool is_consistent(void)
{
	return *(volatile const int *)&modules.debug->r_state == RT_CONSISTENT;
}

static bool maps_equal(const struct link_map *one, const struct link_map *other)
{
	return one->l_addr == other->l_addr && one->l_name == other->l_name && one->l_ld == other->l_ld &&
	       one->l_next == other->l_next && one->l_prev == other->l_prev;
}

static bool map_read(unsigned number, const struct link_map *at, struct link_map *map)
{
	return peek(!modules.started || number < modules.start_count, at, map, sizeof(*map));
}

/* Reads entries once more, many at a time. How many there are before one that is not what it was, or is gone. */
static unsigned nodes_that_hold(const struct node *nodes, unsigned count)
{
	unsigned held = 0;

	while (held < count) {
		unsigned part = count - held < NODES_AT_ONCE ? count - held : NODES_AT_ONCE;

		if (!modules.started || held < modules.start_count) {
			part = 1;
			scratch.maps[0] = *nodes[held].at;
		} else {
			for (unsigned i = 0; i < part; i++) {
				scratch.here[i] = (struct iovec){&scratch.maps[i], sizeof(struct link_map)};
				scratch.there[i] = (struct iovec){(void *)(uintptr_t)nodes[held + i].at, sizeof(struct link_map)};
			}
			part = guest_read_many(scratch.here, scratch.there, part);
			if (!part)
				return held;
		}
		for (unsigned i = 0; i < part; i++, held++)
			if (!maps_equal(&scratch.maps[i], &nodes[held].map))
				return held;
	}
	return held;
}

/*
 * All entries of the linker's list, as they were at one moment: each was seen to be what it is twice, and points to
 * those around it. False where that could not be had.
 */
static bool nodes_collect(struct list *list, const struct list *old)
{
	const struct link_map *at = modules.debug->r_map, *before = NULL;
	unsigned same = old ? nodes_that_hold(old->nodes, old->node_count) : 0;

	list->node_count = 0;
	/* The last of them that is the same is read again below, for what follows it. */
	for (unsigned i = 0; i + 1 < same; i++) {
		if (!list_has_room(list))
			return false;
		list->nodes[list->node_count++] = old->nodes[i];
		before = old->nodes[i].at;
		at = old->nodes[i].map.l_next;
	}
	while (at) {
		struct node *node;

		if (!list_has_room(list))
			return false;
		node = &list->nodes[list->node_count];
		node->at = at;
		if (!map_read(list->node_count, at, &node->map) || node->map.l_prev != before)
			return false;
		list->node_count++;
		before = at;
		at = node->map.l_next;
	}
	return list->node_count && nodes_that_hold(list->nodes, list->node_count) == list->node_count;
}

/* ---- our list ---- */

/* The module of an entry that has one: both lists have one order. */
static struct module *module_known(const struct list *old, unsigned *from, const struct node *node)
{
	for (unsigned i = *from; old && i < old->count; i++) {
		struct module *module = old->modules[i];

		if (module->link == node->at && module->bias == node->map.l_addr && module->dynamic == node->map.l_ld &&
		    module->link_name == node->map.l_name) {
			*from = i + 1;
			return module;
		}
	}
	return NULL;
}

/* False without memory. What is new has no number yet. */
static bool list_fill(struct list *list, const struct list *old)
{
	unsigned from = 0;

	list->count = 0;
	for (unsigned i = 0; i < list->node_count; i++) {
		struct module *module = module_known(old, &from, &list->nodes[i]);
		enum made made = module ? MADE : module_make(&list->nodes[i], &module);

		if (made == NO_MEMORY)
			return false;
		if (made == MADE)
			list->modules[list->count++] = module;
	}
	return true;
}

static bool needs_are_listed(const struct module *module, uint32_t mark)
{
	for (unsigned i = 0; i < module->needed_count; i++)
		if (module->needed[i]->listed != mark)
			return false;
	return true;
}

static void list_connect(struct list *list, const struct list *old)
{
	uint32_t mark = module_mark();

	for (unsigned i = 0; i < list->count; i++)
		list->modules[i]->listed = mark;
	for (unsigned i = 0; i < list->count; i++)
		if (list->modules[i]->incomplete || !needs_are_listed(list->modules[i], mark))
			needs_find(list, list->modules[i]);
	list->global_count = 0;
	for (unsigned i = 0; old && i < old->global_count; i++)
		if (old->globals[i]->listed == mark) {
			old->globals[i]->joined = mark;
			list->globals[list->global_count++] = old->globals[i];
		}
	opened_settle(list, mark);
}

static bool list_differs(const struct list *list, const struct list *old)
{
	if (!old || list->count != old->count || list->global_count != old->global_count)
		return true;
	for (unsigned i = 0; i < list->count; i++)
		if (list->modules[i] != old->modules[i])
			return true;
	return false;
}

/* What was in the old list and is not in the new one. */
static void list_retire(const struct list *list, const struct list *old)
{
	uint32_t mark = list->count ? list->modules[0]->listed : 0;

	for (unsigned i = 0; old && i < old->count; i++)
		if (old->modules[i]->listed != mark) {
			old->modules[i]->next_retired = modules.retired;
			modules.retired = old->modules[i];
		}
}

static bool list_make(struct list *list, const struct list *old)
{
	uint32_t events = modules.events;

	for (unsigned i = 0; i < WALKS_MAX; i++) {
		bool settled = is_consistent();

		if (nodes_collect(list, old)) {
			list->settled = settled && is_consistent();
			list->events = events;
			return list_fill(list, old);
		}
	}
	return false;
}

/* Whether nothing was added behind the last entry, and that is still there. */
static bool tail_holds(const struct list *list)
{
	const struct node *tail = &list->nodes[list->node_count - 1];
	struct link_map map;
	uintptr_t start;

	if (guest_confined)
		return true; /* such a process opens no files */
	if (list->node_count <= modules.start_count || link_of(tail->map.l_ld, &start) == tail->at)
		map = *tail->at;
	else if (!guest_read(tail->at, &map, sizeof(map)))
		return false;
	return maps_equal(&map, &tail->map);
}

static bool is_fresh(const struct list *list)
{
	return list && list->events == modules.events && (list->settled || !is_consistent()) && tail_holds(list);
}

bool module_refresh(void)
{
	struct list *old = modules.current, *list = old == &lists[0] ? &lists[1] : &lists[0];
	int saved = errno;
	bool changed = false;

	if (is_fresh(old))
		return false;
	if (!modules.debug)
		modules.debug = debug_find();
	if (modules.debug && list_make(list, old)) {
		list_connect(list, old);
		changed = list_differs(list, old);
		modules.current = list;
		opened_forget();
		list_retire(list, old);
	}
	errno = saved;
	return changed;
}

bool module_before_list(bool (*visit)(const struct module *, void *), void *context)
{
	const struct r_debug *debug = debug_find();

	for (const struct link_map *map = debug ? debug->r_map : NULL; map; map = map->l_next) {
		struct module module = {.bias = map->l_addr, .dynamic = map->l_ld, .flags = MODULE_START};
		ElfW(Xword) soname;

		for (const ElfW(Dyn) *entry = map->l_ld; entry && entry->d_tag; entry++)
			dynamic_entry(&module, entry, &soname);
		if (module.gnu_hash)
			memcpy(module.gnu_header, module.gnu_hash, sizeof(module.gnu_header));
		if (visit(&module, context))
			return true;
	}
	return false;
}

void module_init(void)
{
	const char *bind_now = getenv("LD_BIND_NOW");

	*(void **)&modules.find_object = libc_dlsym(RTLD_DEFAULT, "_dl_find_object");
	opened.never_lazy = bind_now && *bind_now;
}

void module_start(void)
{
	if (modules.started)
		return;
	module_refresh();
	if (!modules.current)
		return;
	modules.start_count = modules.current->node_count;
	modules.started = true;
}

struct module *module_at(unsigned number)
{
	const struct list *list = modules.current;

	return list && number < list->count ? list->modules[number] : NULL;
}

struct module *module_global_at(unsigned number)
{
	const struct list *list = modules.current;

	return list && number < list->global_count ? list->globals[number] : NULL;
}

struct module *module_of(const void *address)
{
	struct module *module;

	for (unsigned i = 0; (module = module_at(i)); i++)
		if ((uintptr_t)address >= module->start && (uintptr_t)address < module->end)
			return module;
	return NULL;
}

const struct module *module_self(void) { return modules.self; }

struct module *const *module_closure(struct module *root, unsigned *count, uint32_t *mark)
{
	*mark = module_mark();
	*count = closure_of(modules.current, root, *mark);
	return modules.current->order;
}

void module_trust(struct module *caller)
{
	unsigned count;
	uint32_t mark;

	modules.trusted = 0;
	if (!caller)
		return;
	module_closure(caller, &count, &mark);
	for (unsigned i = 0; i < count; i++)
		modules.current->order[i]->live = mark;
	modules.trusted = mark;
}

void module_distrust(void) { modules.trusted = 0; }

/* ---- the hooks ---- */

static void opened_add(const struct opened *entry)
{
	for (unsigned i = 0; i < opened.count; i++)
		if (opened.list[i].whole == entry->whole && opened.list[i].base == entry->base &&
		    opened.list[i].flags == entry->flags)
			return;
	if (opened.count == OPENED_MAX) {
		for (unsigned i = 1; i < OPENED_MAX; i++)
			opened.list[i - 1] = opened.list[i];
		opened.count--;
	}
	opened.list[opened.count] = *entry;
	opened.list[opened.count].sequence = ++opened.sequence;
	opened.count++;
}

bool module_opened(const char *path, int flags)
{
	struct opened entry = {.flags = flags & (RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD | RTLD_DEEPBIND)};
	bool changed = false;
	struct stat status;
	int saved = errno;

	if (!modules.started || !path || !*path)
		return false;
	if (strchr(path, '/')) {
		entry.whole = module_hash(path);
		if (!stat(path, &status)) {
			entry.device = status.st_dev;
			entry.inode = status.st_ino;
		}
	}
	errno = saved;
	entry.base = module_hash(base_name(path));
	opened.deep |= (flags & RTLD_DEEPBIND) != 0;
	if (opened.count == OPENED_MAX)
		changed = module_refresh(); /* which deals with what is done */
	opened_add(&entry);
	modules.events++;
	return changed;
}

bool module_closing(void)
{
	return opened.count && module_refresh();
}

bool module_closed(void)
{
	const struct list *list = modules.current;

	modules.events++;
	return list && list->node_count > modules.start_count && module_refresh();
}

bool module_deep_seen(void) { return opened.deep; }

/* ---- for libunwind ---- */

static bool is_still_there(const struct module *module)
{
	struct link_map map;
	uintptr_t start;

	if (module->flags & MODULE_START)
		return true;
	if (modules.find_object)
		return link_of(module->dynamic, &start) == module->link;
	return guest_read(module->link, &map, sizeof(map)) && map.l_addr == module->bias && map.l_ld == module->dynamic;
}

int module_iterate(int (*callback)(struct dl_phdr_info *, size_t, void *), void *context)
{
	struct module *module;
	int result = 0;

	for (unsigned i = 0; !result && (module = module_at(i)); i++) {
		struct dl_phdr_info info = {
			.dlpi_addr = module->bias,
			.dlpi_name = module->path,
			.dlpi_phdr = module->headers,
			.dlpi_phnum = module->header_count,
			.dlpi_adds = module->listed, /* more whenever there is another list */
			.dlpi_subs = module->listed,
		};

		if (is_still_there(module))
			result = callback(&info, sizeof(info), context);
	}
	return result;
}

void module_forked(void)
{
	for (struct module *module = modules.made; module; module = module->next_made) {
		module->dump_number = DUMP_NONE;
		module->dump_entry = NULL;
	}
}
