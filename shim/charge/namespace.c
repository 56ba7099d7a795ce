/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * namespace.c - the tree of namespaces, with their limits and multipliers.
 * It must never move or free a namespace: they are read without a lock.
 */
#include "shim/charge/namespace.h"

#include <string.h>
#include <unistd.h>

#include "shim/charge/charge.h"
#include "shim/charge/spaces.h"
#include "shim/dump/dump.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "shim/state/epoch.h"
#include "flopshim.h"

/* The first chunk, index and text are static. Most programs need no more, and so cannot run out of memory here. */
enum {
	NAMESPACES_MAX = 1 << 18,
	SPACES_CHUNK = 256, /* they are read without a lock, and so never move */
	INDEX_FIRST = 2 * SPACES_CHUNK,
	TEXT_FIRST = 4096,
	TEXT_BYTES = 1 << 14,
};

struct scope namespace_base;

static struct space first_spaces[SPACES_CHUNK];
static uint32_t first_index[INDEX_FIRST];
static char first_text[TEXT_FIRST];

static struct {
	struct space *chunks[NAMESPACES_MAX / SPACES_CHUNK]; /* number 0 is the root */
	uint32_t *index;     /* numbers by hash of the path; 0 is free, since the root is not in it */
	uint32_t index_size; /* a power of two */
	uint32_t count;
	char *text;
	size_t text_left;
} spaces;

struct space *space_at(uint32_t number) { return &spaces.chunks[number / SPACES_CHUNK][number % SPACES_CHUNK]; }

static struct limit environment_limits[CONFIG_BUDGETS_MAX];
static struct guest_pool limit_pool = {.size = sizeof(struct limit)};

static uint32_t name_hash(const char *name, size_t length) { return dump_check(name, length); }

static const char *name_store(const char *name, size_t length)
{
	char *copy;

	if (spaces.text_left < length + 1) {
		spaces.text = guest_pages(TEXT_BYTES);
		spaces.text_left = spaces.text ? TEXT_BYTES : 0;
		if (!spaces.text)
			return NULL;
	}
	copy = spaces.text;
	memcpy(copy, name, length);
	copy[length] = 0;
	spaces.text += length + 1;
	spaces.text_left -= length + 1;
	return copy;
}

static void space_record(uint32_t number)
{
	struct space *space = space_at(number);
	struct dump_namespace *record;

	if (!dump_is_open())
		return;
	record = dump_append(&dump_namespaces, NULL);
	if (!record)
		return;
	record->name = dump_string(space->name, space->length);
	record->parent = number ? space->parent : DUMP_NONE;
	record->multiplier = space->multiplier;
	dump_commit(&dump_namespaces);
	space->record = record;
}

/* The place of the next namespace; NULL without memory, or when there are too many. */
static struct space *space_next(void)
{
	struct space **chunk = &spaces.chunks[spaces.count / SPACES_CHUNK];

	if (spaces.count == NAMESPACES_MAX)
		return NULL;
	if (!*chunk)
		*chunk = guest_pages(SPACES_CHUNK * sizeof(struct space));
	return *chunk ? space_at(spaces.count) : NULL;
}

/*
 * Keeps half of the index empty, or an eighth where there is no memory for a larger one. False if it is fuller than
 * that.
 */
static bool index_has_room(void)
{
	uint32_t *old = spaces.index, *index, size = spaces.index_size;

	if (spaces.count < size / 2)
		return true;
	index = guest_pages(2 * size * sizeof(*index));
	if (!index)
		return spaces.count < size - size / 8;
	for (uint32_t i = 1; i < spaces.count; i++) {
		uint32_t at = space_at(i)->hash % (2 * size);

		while (index[at])
			at = (at + 1) % (2 * size);
		index[at] = i;
	}
	spaces.index = index;
	spaces.index_size = 2 * size;
	if (old != first_index)
		guest_free(old, size * sizeof(*old));
	return true;
}

static uint32_t space_add(const char *name, size_t length, uint32_t parent, uint32_t hash)
{
	uint32_t number = spaces.count;
	struct space *space = space_next();

	if (!space || !index_has_room())
		return DUMP_NONE;
	space->name = name_store(name, length);
	if (!space->name)
		return DUMP_NONE;
	space->length = (uint32_t)length;
	space->parent = parent;
	space->hash = hash;
	space->multiplier = (uint64_t)1 << 32;
	__atomic_store_n(&spaces.count, number + 1, __ATOMIC_RELEASE);
	space_record(number);
	return number;
}

/* The place in the index where the number of this path is, or is to be put. */
static uint32_t *index_place(const char *name, size_t length)
{
	uint32_t hash = name_hash(name, length), at = hash % spaces.index_size;

	for (; spaces.index[at]; at = (at + 1) % spaces.index_size) {
		const struct space *space = space_at(spaces.index[at]);

		if (space->hash == hash && space->length == length && !memcmp(space->name, name, length))
			break;
	}
	return &spaces.index[at];
}

uint32_t namespace_number(const char *name, size_t length)
{
	uint32_t number = length ? *index_place(name, length) : 0, parent;
	size_t dot = length;

	if (!length || number)
		return number;
	while (dot && name[dot - 1] != '.')
		dot--;
	parent = dot ? namespace_number(name, dot - 1) : 0;
	if (parent == DUMP_NONE)
		return DUMP_NONE;
	number = space_add(name, length, parent, name_hash(name, length));
	if (number != DUMP_NONE)
		*index_place(name, length) = number;
	return number;
}

/* The chain of limits that hold in a namespace, innermost first. */
static struct limit *limits_of(uint32_t number)
{
	for (;; number = space_at(number)->parent) {
		if (space_at(number)->limit)
			return space_at(number)->limit;
		if (!number)
			return NULL;
	}
}

/* Has the chains of limits lead through a limit that was set for the first time. */
static void limits_link(void)
{
	for (uint32_t i = 1; i < spaces.count; i++)
		if (space_at(i)->limit)
			charge_link(space_at(i)->limit, limits_of(space_at(i)->parent));
}

void scope_fill(struct scope *scope, uint32_t number, struct limit *scope_limits)
{
	scope->namespace_id = number;
	scope->namespace_limits = limits_of(number);
	scope->scope_limits = scope_limits;
	scope->limited = scope->namespace_limits || scope_limits;
}

/*
 * The number of a namespace that the environment names. The process ends if there is no memory for it: its budget
 * would not hold.
 */
static uint32_t number_at_start(const char *name, size_t length)
{
	uint32_t number = namespace_number(name, length);

	if (number == DUMP_NONE) {
		guest_say(
			"no memory for namespace '%.*s', so that its limits cannot be enforced: the program is not run",
			(int)length, name);
		machine_exit(2);
	}
	return number;
}

void namespace_start(void)
{
	spaces.chunks[0] = first_spaces;
	spaces.index = first_index;
	spaces.index_size = INDEX_FIRST;
	spaces.text = first_text;
	spaces.text_left = TEXT_FIRST;
	space_add("", 0, 0, 0);
	namespace_multiplies = config.multiplier != (uint64_t)1 << 32;
	namespace_base.namespace_id = number_at_start(config.space, strlen(config.space));
	for (unsigned i = 0; i < config.budget_count; i++) {
		uint32_t number = number_at_start(config.budgets[i].name, config.budgets[i].name_length);

		environment_limits[i].amount = config.budgets[i].amount;
		environment_limits[i].namespace_id = number;
		space_at(number)->limit = &environment_limits[i];
	}
	limits_link();
	scope_fill(&namespace_base, namespace_base.namespace_id, NULL);
}

void namespace_record(void)
{
	for (uint32_t i = 0; i < spaces.count; i++)
		space_record(i);
	for (uint32_t i = 0; i < spaces.count; i++)
		if (space_at(i)->limit)
			charge_record(space_at(i)->limit);
	scopes_record();
}

const char *namespace_name(uint32_t namespace_id)
{
	return namespace_id < spaces.count ? space_at(namespace_id)->name : "";
}

uint32_t namespace_parent(uint32_t namespace_id) { return namespace_id ? space_at(namespace_id)->parent : DUMP_NONE; }

uint32_t namespace_count(void) { return spaces.count; }

struct limit *namespace_limit(uint32_t namespace_id) { return space_at(namespace_id)->limit; }

bool namespace_is_inside(uint32_t namespace_id, uint32_t outer)
{
	while (namespace_id != outer && namespace_id)
		namespace_id = space_at(namespace_id)->parent;
	return namespace_id == outer;
}

uint64_t namespace_multiplier(uint32_t namespace_id)
{
	unsigned __int128 product = config.multiplier;

	for (;; namespace_id = space_at(namespace_id)->parent) {
		product = (product * space_at(namespace_id)->multiplier + ((uint64_t)1 << 31)) >> 32;
		if (product > UINT64_MAX)
			return UINT64_MAX;
		if (!namespace_id)
			return product ? (uint64_t)product : 1; /* never rounded to 0 */
	}
}

/* ---- names as markers give them ---- */

int64_t namespace_find(const char *name, uint32_t open, bool make)
{
	char path[CONFIG_NAME_MAX];
	size_t length = 0, given = name ? strnlen(name, CONFIG_NAME_MAX) : 0;

	if (!given)
		return open;
	if (given >= CONFIG_NAME_MAX)
		return FLOPSHIM_BAD_NAME;
	if (*name == '.') {
		name++;
		given--;
	} else if (open) {
		length = space_at(open)->length;
		if (length + 1 + given >= CONFIG_NAME_MAX)
			return FLOPSHIM_BAD_NAME;
		memcpy(path, space_at(open)->name, length);
		path[length++] = '.';
	}
	if (given && config_namespace_fault(name, given))
		return FLOPSHIM_BAD_NAME;
	memcpy(path + length, name, given);
	length += given;
	if (!make && length && !*index_place(path, length))
		return DUMP_NONE;
	make = namespace_number(path, length) != DUMP_NONE;
	return make ? (int64_t)namespace_number(path, length) : FLOPSHIM_TOO_MANY;
}

/* ---- limits and factors at run time ---- */

/* Has all chains and open scopes follow from the limits that namespaces have now. */
static void limits_spread(void)
{
	limits_link();
	scope_fill(&namespace_base, namespace_base.namespace_id, NULL);
	scopes_fill();
}

/*
 * Calls that begin after the epoch has changed wait for charge_release. So what is charged and in flight by then can
 * be counted while nothing is added to it.
 */
int namespace_set_budget(uint32_t namespace_id, int64_t flops, uint64_t (*begun)(uint32_t))
{
	struct space *space = space_at(namespace_id);
	struct limit *limit = space->limit;

	if (limit) {
		charge_set(limit, (uint64_t)flops);
		return FLOPSHIM_OK;
	}
	limit = guest_pool_take(&limit_pool);
	if (!limit)
		return FLOPSHIM_NO_MEMORY;
	*limit = (struct limit){.amount = (uint64_t)flops, .namespace_id = namespace_id, .opening = true};
	if (dump_is_open())
		charge_record(limit);
	charge_hold();
	charge_call_back_all_held();
	space->limit = limit;
	charge_link(limit, namespace_id ? limits_of(space->parent) : NULL);
	limits_spread();
	epoch_next();
	limit->used = begun(namespace_id);
	limit->opening = false;
	charge_link(limit, limit->parent);
	charge_release();
	return FLOPSHIM_OK;
}

uint32_t namespace_factors; /* the generation of multipliers */
bool namespace_multiplies;

void namespace_set_multiplier(uint32_t namespace_id, uint64_t factor)
{
	space_at(namespace_id)->multiplier = factor;
	if (space_at(namespace_id)->record)
		space_at(namespace_id)->record->multiplier = factor;
	namespace_multiplies = true;
	namespace_factors++;
	epoch_next();
}

/* If another thread of the parent was just setting a first budget, the child does not have it. */
void namespace_forked(void)
{
	for (uint32_t i = 0; i < spaces.count; i++) {
		struct space *space = space_at(i);

		space->record = NULL;
		if (space->limit && space->limit->opening)
			space->limit = NULL;
		if (space->limit)
			charge_forked_limit(space->limit);
	}
	scopes_forked();
	limits_spread();
}
