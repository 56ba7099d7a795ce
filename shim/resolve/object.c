/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * object.c - reads one loaded object: its headers, dynamic section, names and build id.
 * It must never fault while the object is being unloaded: memory that may be gone is copied by the kernel.
 */
#include "shim/resolve/object.h"

#include <dlfcn.h>
#include <elf.h>
#include <limits.h>
#include <string.h>
#include <sys/auxv.h>

#include "shim/guest/guest.h"
#include "shim/guest/page.h"
#include "shim/guest/program.h"
#include "shim/resolve/libc.h"
#include "shim/state/entry.h"
#include "flopshim_dump.h"

enum {
	MODULES_FIRST = 40,  /* modules that fit into the shim's static memory */
	ARENA_FIRST = 4096,  /* bytes of names that do */
	ARENA_BYTES = 65536, /* bytes of names that are allocated at a time */
	HEADERS_MAX = 64,
	HEADERS_FAR = 1 << 14, /* most pages from an object's dynamic section back to its beginning */
	NOTES_MAX = 1024,      /* bytes of an object's notes that are read */
	NOTE_GNU_BUILD_ID = 3,
};

/* The beginning of glibc's struct dl_find_object, with room for more: headers of an older glibc do not have it. */
struct found_object {
	unsigned long long flags;
	void *start, *end;
	const struct link_map *link;
	unsigned long long rest[16];
};

static struct {
	struct module *self;           /* the shim's own */
	struct module *made, *retired; /* lists of all modules, and of those whose objects are gone */
	uint32_t trusted;              /* see object_trust */
	struct guest_pool pool;        /* memory for struct module */
	char *arena, *arena_end;       /* free memory for object_room */
	int (*find_object)(void *, struct found_object *);
} objects;

/* Buffers that are too large for a small stack; under record_lock. */
static struct {
	ElfW(Phdr) headers[HEADERS_MAX];
	ElfW(Dyn) dynamic[32];
	char notes[NOTES_MAX];
	char path[PATH_MAX], text[PATH_MAX];
	struct module module;
} scratch;

void object_init(void) { *(void **)&objects.find_object = libc_dlsym(RTLD_DEFAULT, "_dl_find_object"); }

const struct module *module_self(void) { return objects.self; }

uint32_t module_hash(const char *name)
{
	uint32_t hash = 5381;

	for (const unsigned char *at = (const unsigned char *)name; *at; at++)
		hash = hash * 33 + *at;
	return hash;
}

/* ---- memory ---- */

/* Static memory for the first modules, so that a process that gets no more from the kernel has some. */
static char first_modules[MODULES_FIRST * ((sizeof(struct module) + 15) & ~15u)] __attribute__((aligned(16)));
static char first_arena[ARENA_FIRST] __attribute__((aligned(16)));

void *object_room(size_t size)
{
	void *taken;

	size = (size + 15) & ~(size_t)15;
	if (!objects.arena) {
		objects.arena = first_arena;
		objects.arena_end = first_arena + ARENA_FIRST;
	}
	if ((size_t)(objects.arena_end - objects.arena) < size) {
		size_t bytes = size > ARENA_BYTES ? size : ARENA_BYTES;

		taken = guest_pages(bytes);
		if (!taken)
			return NULL;
		objects.arena = taken;
		objects.arena_end = objects.arena + bytes;
	}
	taken = objects.arena;
	objects.arena += size;
	return taken;
}

/* Returns a copy of a text that is never freed, NULL without memory. */
static const char *arena_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = object_room(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

/* ---- reading memory that may be gone ---- */

bool object_peek(bool in_memory, const void *address, void *to, size_t size)
{
	if (!in_memory)
		return guest_read(address, to, size);
	memcpy(to, address, size);
	return true;
}

bool object_peek_text(bool in_memory, const char *address, char *to, size_t size)
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
		size_t part = 128 - ((uintptr_t)address + length) % 128; /* never reaches into the next page */

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

/* Whether a module's memory can be read without the kernel. */
static bool is_in_memory(const struct module *module)
{
	return module->flags & MODULE_START || (objects.trusted && module->live == objects.trusted);
}

void object_trust(uint32_t mark) { objects.trusted = mark; }

bool module_peek(const struct module *module, const void *address, void *to, size_t size)
{
	return object_peek(is_in_memory(module), address, to, size);
}

bool module_peek_text(const struct module *module, const char *address, char *to, size_t size)
{
	return object_peek_text(is_in_memory(module), address, to, size);
}

/* ---- reading one object ---- */

/* An object that is being read for the first time. */
struct object {
	const struct node *node;
	bool in_memory;
	unsigned header_count;
	const ElfW(Phdr) * headers; /* the program headers in its memory; a copy is in scratch.headers */
	struct module *module;
};

/* Copies program headers; false if they are not the object's, because they put its dynamic section elsewhere. */
static bool headers_read(struct object *object, const void *headers, unsigned count)
{
	if (!count || count > HEADERS_MAX ||
	    !object_peek(object->in_memory, headers, scratch.headers, count * sizeof(ElfW(Phdr))))
		return false;
	object->headers = headers;
	object->header_count = count;
	for (unsigned i = 0; i < count; i++)
		if (scratch.headers[i].p_type == PT_DYNAMIC)
			return object->node->map.l_addr + scratch.headers[i].p_vaddr ==
			       (uintptr_t)object->node->map.l_ld;
	return false;
}

/* The same with the program headers of the ELF header at `start`, if one is there. */
static bool headers_at(struct object *object, uintptr_t start, bool in_memory)
{
	ElfW(Ehdr) header;

	return start && object_peek(in_memory, (const void *)start, &header, sizeof(header)) &&
	       !memcmp(header.e_ident, ELFMAG, SELFMAG) && header.e_phentsize == sizeof(ElfW(Phdr)) &&
	       headers_read(object, (const void *)(start + header.e_phoff), header.e_phnum);
}

const struct link_map *object_link(const void *address, uintptr_t *start)
{
	struct found_object found;

	if (!objects.find_object || objects.find_object((void *)(uintptr_t)address, &found))
		return NULL;
	*start = (uintptr_t)found.start;
	return found.link;
}

/*
 * Finds the object's program headers. The kernel says where the program's are; any other object begins with its ELF
 * header.
 */
static bool headers_find(struct object *object)
{
	const struct link_map *map = &object->node->map;
	uintptr_t page = page_begin((uintptr_t)map->l_ld), start = 0;

	if (!map->l_prev && headers_read(object, (const void *)getauxval(AT_PHDR), (unsigned)getauxval(AT_PHNUM)))
		return true;
	if (object_link(map->l_ld, &start) == object->node->at)
		return headers_at(object, start, object->in_memory);
	if (headers_at(object, map->l_addr, false))
		return true;
	/*
	 * An object that is linked for an address other than 0, and an old C library: search back from the dynamic
	 * section.
	 */
	for (unsigned i = 0; i < HEADERS_FAR && page; i++, page -= page_size())
		if (headers_at(object, page, false))
			return true;
	return false;
}

/* Returns an address of the dynamic section, which the linker has relocated in place, except in the vDSO. */
static const void *dynamic_pointer(const struct module *module, ElfW(Addr) value)
{
	return (const void *)(value < module->bias ? value + module->bias : value);
}

void object_dynamic_entry(struct module *module, const ElfW(Dyn) * entry, ElfW(Xword) * soname)
{
	const void *pointer = dynamic_pointer(module, entry->d_un.d_ptr);
	ElfW(Xword) value = entry->d_un.d_val;

	switch (entry->d_tag) {
	case DT_STRTAB: module->strings = pointer; break;
	case DT_STRSZ: module->strings_size = value; break;
	case DT_SYMTAB: module->symbols = pointer; break;
	case DT_GNU_HASH: module->gnu_hash = pointer; break;
	case DT_HASH: module->sysv_hash = pointer; break;
	case DT_VERSYM: module->versions = pointer; break;
	case DT_VERDEF: module->version_definitions = pointer; break;
	case DT_VERNEED: module->version_needs = pointer; break;
	case DT_SONAME: *soname = value + 1; break;
	case DT_BIND_NOW: module->binds_now = true; break;
	case DT_FLAGS: module->binds_now |= (value & DF_BIND_NOW) != 0; break;
	case DT_FLAGS_1: module->binds_now |= (value & DF_1_NOW) != 0; break;
	}
}

bool object_each_dynamic(bool in_memory, const struct module *module, void (*visit)(const ElfW(Dyn) *, void *),
                         void *context)
{
	const ElfW(Dyn) *at = module->dynamic;

	for (;;) {
		/* Read up to the end of the page: the next page may not be mapped. */
		size_t count = page_rest((uintptr_t)at) / sizeof(*at);

		if (!count)
			count = 1;
		if (count > sizeof(scratch.dynamic) / sizeof(scratch.dynamic[0]))
			count = sizeof(scratch.dynamic) / sizeof(scratch.dynamic[0]);
		if (!object_peek(in_memory, at, scratch.dynamic, count * sizeof(*at)))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!scratch.dynamic[i].d_tag)
				return true;
			visit(&scratch.dynamic[i], context);
		}
		at += count;
	}
}

/* A walk over a new module's dynamic section. */
struct dynamic_read {
	struct module *module;
	ElfW(Xword) soname;
};

static void dynamic_visit(const ElfW(Dyn) * entry, void *context)
{
	struct dynamic_read *read = context;

	object_dynamic_entry(read->module, entry, &read->soname);
}

/* Reads the dynamic section into object->module, and DT_SONAME into scratch.text, which is empty if there is none. */
static bool dynamic_read(const struct object *object)
{
	struct dynamic_read read = {object->module, 0};
	struct module *module = object->module;

	scratch.text[0] = 0;
	if (!object_each_dynamic(object->in_memory, module, dynamic_visit, &read))
		return false;
	if (module->gnu_hash &&
	    !object_peek(object->in_memory, module->gnu_hash, module->gnu_header, sizeof(module->gnu_header)))
		return false;
	return !read.soname || !module->strings ||
	       object_peek_text(object->in_memory, module->strings + read.soname - 1, scratch.text,
	                        sizeof(scratch.text));
}

/* Finds the build id in `size` bytes of notes. */
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

/* Finds out from the program headers where the object begins and ends, and its build id. */
static void segments_read(const struct object *object)
{
	struct module *module = object->module;

	for (unsigned i = 0; i < object->header_count; i++) {
		const ElfW(Phdr) *segment = &scratch.headers[i];
		uintptr_t start = module->bias + segment->p_vaddr;
		size_t size = segment->p_memsz < NOTES_MAX ? segment->p_memsz : NOTES_MAX;

		if (segment->p_type == PT_NOTE && !module->build_id_size &&
		    object_peek(object->in_memory, (const void *)start, scratch.notes, size))
			build_id_read(module, scratch.notes, size);
		if (segment->p_type != PT_LOAD)
			continue;
		if (start < module->start)
			module->start = start;
		if (start + segment->p_memsz > module->end)
			module->end = start + segment->p_memsz;
	}
}

/* Takes a retired module of this path from the list; NULL if there is none. */
static struct module *retired_take(const char *path, uint32_t path_hash)
{
	struct module *module;

	for (struct module **link = &objects.retired; (module = *link); link = &module->next_retired)
		if (module->path_hash == path_hash && !strcmp(module->path, path)) {
			*link = module->next_retired;
			return module;
		}
	return NULL;
}

/*
 * Returns a new module with its path. The linker's own text serves as path for an object that came with the program,
 * since it stays. NULL without memory.
 */
static struct module *fresh_take(const struct module *read, const char *path)
{
	const char *name = read->flags & MODULE_START ? read->link_name : arena_text(path);
	struct module *module;

	if (!objects.pool.size) {
		objects.pool.size = sizeof(struct module);
		objects.pool.fresh = first_modules;
		objects.pool.fresh_end = first_modules + sizeof(first_modules);
	}
	module = name ? guest_pool_take(&objects.pool) : NULL;
	if (!module)
		return NULL;
	*module = (struct module){.path = name, .soname = "", .next_made = objects.made};
	objects.made = module;
	return module;
}

/* Whether both have the same build id. */
static bool is_same_file(const struct module *one, const struct module *other)
{
	return one->build_id_size && one->build_id_size == other->build_id_size &&
	       !memcmp(one->build_id, other->build_id, one->build_id_size);
}

/* Whether both are at the same addresses. */
static bool is_same_place(const struct module *one, const struct module *other)
{
	return one->bias == other->bias && one->dynamic == other->dynamic && one->symbols == other->symbols;
}

/*
 * Returns a lasting copy of a module that was read into scratch memory. If an object of the same path was there
 * before, its memory is used; if it was the same file, what is known of the file is kept. NULL without memory.
 */
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
		filled.flags |=
			module->flags & (MODULE_COUNTED | MODULE_USES_COUNTED | MODULE_USES | MODULE_IMPORTS_SEEN |
		                         MODULE_UNSERVED | MODULE_UNSERVED_NOTED | MODULE_OWN_NONE | MODULE_OWN_NOTED |
		                         MODULE_OWN_SAID | MODULE_OPEN_COUNTED | MODULE_OPEN);
		filled.known_decorated = module->known_decorated;
		filled.known_bare = module->known_bare;
		if (is_same_place(module, read)) {
			filled.dump_number = module->dump_number;
			filled.dump_entry = module->dump_entry;
		}
	}
	if (!filled.soname)
		return NULL;
	*module = filled;
	return module;
}

enum made object_make(const struct node *node, bool at_start, struct module **made)
{
	struct module *read = &scratch.module;
	struct object object = {.node = node, .in_memory = at_start, .module = read};

	*read = (struct module){
		.bias = node->map.l_addr,
		.dynamic = node->map.l_ld,
		.start = UINTPTR_MAX,
		.link = node->at,
		.link_name = node->map.l_name,
		.incomplete = true,
		.dump_number = DUMP_NONE,
		.flags = at_start ? MODULE_START : 0,
		.opened = at_start ? 0 : NOT_OPENED,
		.global = at_start ? 0 : NEVER_GLOBAL,
	};
	if (!headers_find(&object))
		return UNREADABLE;
	segments_read(&object);
	read->headers = object.headers;
	read->header_count = (uint16_t)object.header_count;
	if (!object_peek_text(object.in_memory, node->map.l_name, scratch.path, sizeof(scratch.path)) ||
	    !dynamic_read(&object))
		return UNREADABLE;
	read->path_hash = module_hash(scratch.path);
	read->name_hash = module_hash(base_name(scratch.path));
	read->soname_hash = module_hash(scratch.text);
	if ((uintptr_t)&ENTRY_PLACES >= read->start && (uintptr_t)&ENTRY_PLACES < read->end)
		read->flags |= MODULE_SELF;
	*made = module_keep(read, scratch.path, scratch.text);
	if (*made && read->flags & MODULE_SELF)
		objects.self = *made;
	return *made ? MADE : NO_MEMORY;
}

/* ---- its end ---- */

void object_retire(struct module *module)
{
	module->next_retired = objects.retired;
	objects.retired = module;
}

bool object_is_there(const struct module *module)
{
	struct link_map map;
	uintptr_t start;

	if (module->flags & MODULE_START)
		return true;
	if (objects.find_object)
		return object_link(module->dynamic, &start) == module->link;
	return guest_read(module->link, &map, sizeof(map)) && map.l_addr == module->bias && map.l_ld == module->dynamic;
}

void module_forked(void)
{
	for (struct module *module = objects.made; module; module = module->next_made) {
		module->dump_number = DUMP_NONE;
		module->dump_entry = NULL;
		module->flags &= ~(uint32_t)(MODULE_OWN_NOTED | MODULE_UNSERVED_NOTED);
	}
}
