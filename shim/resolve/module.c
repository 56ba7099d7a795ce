/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * module.c - keeps a list of the loaded objects by reading the dynamic linker's list.
 * It must never wait for the dynamic linker, and never fault while other threads load and unload objects: the
 * linker's entries and the objects are copied by the kernel, which returns an error if they are gone. A new list is
 * published by one store when it is complete, so that a fork at any moment leaves the child with a complete one.
 */
#include "shim/resolve/module.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/uio.h>

#include "shim/guest/guest.h"
#include "shim/guest/program.h"
#include "shim/resolve/list.h"
#include "shim/state/epoch.h"

enum {
	LIST_FIRST = 64, /* objects that fit into the shim's static memory */
	LIST_MAX = 1 << 16,
	NODES_AT_ONCE = 32, /* entries that are read by one system call */
	WALKS_MAX = 8,      /* times that the linker's list is read until it holds still */
};

/* The linker's, for programs without DT_DEBUG. Weak: it may be missing. */
extern struct r_debug _r_debug __attribute__((weak));

/* The current list, and the one before it or being made. */
static struct list lists[2];

static struct {
	struct list *_Atomic current;
	_Atomic uint32_t events; /* calls of dlopen and dlclose */
	unsigned start_count;    /* entries of the linker's list that came with the program, and stay */
	bool started;            /* module_start has run */
	uint32_t marks;          /* the last one that module_mark gave */
	const struct r_debug *debug;
} modules;

/* Buffers that are too large for a small stack; under record_lock. */
static struct {
	char text[PATH_MAX];
	struct iovec here[NODES_AT_ONCE], there[NODES_AT_ONCE];
	struct link_map maps[NODES_AT_ONCE];
} scratch;

bool list_has_started(void) { return modules.started; }
void list_expect_change(void) { modules.events++; }

/* ---- memory ---- */

/* Static memory for both lists, so that a process that gets no more from the kernel has one. */
static char first_lists[2][LIST_FIRST * (sizeof(struct node) + 3 * sizeof(struct module *))]
	__attribute__((aligned(16)));

static size_t list_bytes(unsigned room) { return room * (sizeof(struct node) + 3 * sizeof(struct module *)); }

/* Gives a list `memory` with room for `room` objects. `room` is stored last. */
static void list_lay_out(struct list *list, void *memory, unsigned room)
{
	list->nodes = memory;
	list->modules = (struct module **)(list->nodes + room);
	list->globals = list->modules + room;
	list->order = list->globals + room;
	__asm__ volatile("" ::: "memory"); /* a forked child must never see too much room */
	list->room = room;
}

/*
 * Makes room for one more entry in list->nodes; false without memory. The other arrays must still be empty: they
 * move.
 */
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

/* ---- what an object needs ---- */

/* A walk over the dynamic section of `module` that finds what it needs. */
struct needs {
	const struct list *list;
	struct module *module;
	bool all_found;
};

/* Returns the object that a DT_NEEDED entry with this name means, NULL if it is not in the list. */
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

static void needs_count(const ElfW(Dyn) * entry, void *context) { *(unsigned *)context += entry->d_tag == DT_NEEDED; }

static void needs_add(const ElfW(Dyn) * entry, void *context)
{
	struct needs *needs = context;
	struct module *module = needs->module, *needed = NULL;

	if (entry->d_tag != DT_NEEDED || module->needed_count == module->needed_room)
		return;
	if (object_peek_text(module->flags & MODULE_START, module->strings + entry->d_un.d_val, scratch.text,
	                     sizeof(scratch.text)))
		needed = module_by_need(needs->list, scratch.text);
	if (needed)
		module->needed[module->needed_count++] = needed;
	else
		needs->all_found = false;
}

/*
 * Fills module->needed. Without memory, or if something is missing while the linker is loading, the module stays
 * incomplete, and the next list tries again.
 */
static void needs_find(const struct list *list, struct module *module)
{
	struct needs needs = {list, module, true};
	bool in_memory = module->flags & MODULE_START;
	unsigned count = 0;

	module->needed_count = 0;
	module->incomplete = true;
	if (!module->strings || !object_each_dynamic(in_memory, module, needs_count, &count))
		return;
	if (count > UINT16_MAX)
		count = UINT16_MAX;
	if (count > module->needed_room) {
		struct module **room = object_room(count * sizeof(struct module *));

		if (!room)
			return;
		module->needed = room;
		module->needed_room = (uint16_t)count;
	}
	if (object_each_dynamic(in_memory, module, needs_add, &needs))
		module->incomplete = !needs.all_found && !list->settled;
}

uint32_t module_mark(void) { return ++modules.marks; }

unsigned list_closure(const struct list *list, struct module *root, uint32_t mark)
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

/* ---- the linker's list ---- */

/*
 * Finds the head of the linker's list by DT_DEBUG of the program. The linker's symbol _r_debug comes second, since it
 * may be bound to an outdated copy in the program.
 */
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

/* Whether the linker is not in the middle of a change. */
static bool is_consistent(void) { return *(volatile const int *)&modules.debug->r_state == RT_CONSISTENT; }

static bool maps_equal(const struct link_map *one, const struct link_map *other)
{
	return one->l_addr == other->l_addr && one->l_name == other->l_name && one->l_ld == other->l_ld &&
	       one->l_next == other->l_next && one->l_prev == other->l_prev;
}

/* Copies entry `number` of the linker's list, which is at `at`; false if it is gone. */
static bool map_read(unsigned number, const struct link_map *at, struct link_map *map)
{
	return object_peek(!modules.started || number < modules.start_count, at, map, sizeof(*map));
}

/* Reads entries again, many at a time. Returns how many are unchanged before the first that has changed or is gone. */
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
				scratch.there[i] =
					(struct iovec){(void *)(uintptr_t)nodes[held + i].at, sizeof(struct link_map)};
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
 * Copies all entries of the linker's list to list->nodes, as they were at one moment: each is read twice with the
 * same contents, and its links lead to its neighbours. False if the list changed meanwhile, or without memory.
 * Entries of the old list that are unchanged are taken from there.
 */
static bool nodes_collect(struct list *list, const struct list *old)
{
	const struct link_map *at = modules.debug->r_map, *before = NULL;
	unsigned same = old ? nodes_that_hold(old->nodes, old->node_count) : 0;

	list->node_count = 0;
	/* The last unchanged entry is read again below, to go on from it. */
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

/*
 * Returns the module that an entry has in the old list, NULL if it is new. The search goes on at *from: both have one
 * order.
 */
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

/* Fills list->modules from list->nodes; false without memory. New modules have `opened` NOT_OPENED. */
static bool list_fill(struct list *list, const struct list *old)
{
	unsigned from = 0;

	list->count = 0;
	for (unsigned i = 0; i < list->node_count; i++) {
		struct module *module = module_known(old, &from, &list->nodes[i]);
		enum made made = module ? MADE : object_make(&list->nodes[i], !modules.started, &module);

		if (made == NO_MEMORY)
			return false;
		if (made == MADE)
			list->modules[list->count++] = module;
	}
	return true;
}

/* Whether all that a module needs is in the list whose modules have `listed` equal to `mark`. */
static bool needs_are_listed(const struct module *module, uint32_t mark)
{
	for (unsigned i = 0; i < module->needed_count; i++)
		if (module->needed[i]->listed != mark)
			return false;
	return true;
}

/* Finds what each module of a new list needs, and which are in the global scope. */
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

/* Retires the modules of the old list that are not in the new one. */
static void list_retire(const struct list *list, const struct list *old)
{
	uint32_t mark = list->count ? list->modules[0]->listed : 0;

	for (unsigned i = 0; old && i < old->count; i++)
		if (old->modules[i]->listed != mark)
			object_retire(old->modules[i]);
}

/* Reads the linker's list into `list`; false if that changes too often, or without memory. */
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

/* Whether the last entry is still there and still the last. */
static bool tail_holds(const struct list *list)
{
	const struct node *tail = &list->nodes[list->node_count - 1];
	struct link_map map;
	uintptr_t start;

	if (guest_confined)
		return true; /* a confined process cannot load objects, which takes opening files */
	if (list->node_count <= modules.start_count || object_link(tail->map.l_ld, &start) == tail->at)
		map = *tail->at;
	else if (!guest_read(tail->at, &map, sizeof(map)))
		return false;
	return maps_equal(&map, &tail->map);
}

/* Whether a list is up to date. */
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
	if (changed)
		epoch_next();
	return changed;
}

bool module_before_list(bool (*visit)(const struct module *, void *), void *context)
{
	const struct r_debug *debug = debug_find();

	for (const struct link_map *map = debug ? debug->r_map : NULL; map; map = map->l_next) {
		struct module module = {.bias = map->l_addr, .dynamic = map->l_ld, .flags = MODULE_START};
		ElfW(Xword) soname;

		for (const ElfW(Dyn) *entry = map->l_ld; entry && entry->d_tag; entry++)
			object_dynamic_entry(&module, entry, &soname);
		if (module.gnu_hash)
			memcpy(module.gnu_header, module.gnu_hash, sizeof(module.gnu_header));
		if (visit(&module, context))
			return true;
	}
	return false;
}

void module_init(void)
{
	object_init();
	opened_init();
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

const char *module_file(const struct module *module)
{
	const char *mapped;

	if (!*module->path)
		return program_path();
	if (*module->path == '/' || !strchr(module->path, '/'))
		return module->path;
	mapped = program_mapped_file(module->start); /* a relative path may mean another file by now */
	return mapped ? mapped : module->path;
}

struct module *const *module_closure(struct module *root, unsigned *count, uint32_t *mark)
{
	*mark = module_mark();
	*count = list_closure(modules.current, root, *mark);
	return modules.current->order;
}

/* A handle of dlopen is, in glibc, the address of the linker's entry. */
void module_mark_closing(const void *handle)
{
	struct module *module, *closing = NULL;
	unsigned count;
	uint32_t mark;

	for (unsigned i = 0; (module = module_at(i)); i++) {
		module->flags &= ~(uint32_t)MODULE_CLOSING;
		if (module->link == handle)
			closing = module;
	}
	if (!closing)
		return;
	module_closure(closing, &count, &mark);
	for (unsigned i = 0; i < count; i++)
		if (!(modules.current->order[i]->flags & MODULE_START))
			modules.current->order[i]->flags |= MODULE_CLOSING;
}

void module_trust(struct module *caller)
{
	unsigned count;
	uint32_t mark;

	object_trust(0);
	if (!caller)
		return;
	module_closure(caller, &count, &mark);
	for (unsigned i = 0; i < count; i++)
		modules.current->order[i]->live = mark;
	object_trust(mark);
}

void module_distrust(void) { object_trust(0); }

void module_closed(void)
{
	const struct list *list = modules.current;

	modules.events++;
	if (list && list->node_count > modules.start_count)
		module_refresh();
}

/* ---- for libunwind ---- */

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
			.dlpi_adds = module->listed, /* grows with each list: libunwind drops its cache */
			.dlpi_subs = module->listed,
		};

		if (object_is_there(module))
			result = callback(&info, sizeof(info), context);
	}
	return result;
}
