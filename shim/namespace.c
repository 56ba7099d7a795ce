/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * namespace.c - the tree of namespaces and the scopes on it.
 * It must never let a scope that a thread may still compare with change.
 */
#include "namespace.h"

#include <string.h>

#include "charge.h"
#include "config.h"
#include "dump.h"
#include "guest.h"
#include "record.h"

enum { NAMESPACES_MAX = 1 << 18, INDEX_SIZE = 1 << 19, TEXT_BYTES = 1 << 16 };

struct space {
	const char *name;
	uint32_t length;
	uint32_t parent;
	uint32_t hash;
	uint64_t multiplier;   /* its own, times 2^32 */
	struct limit *limit;   /* its own, NULL if it has none */
	const struct scope *scope; /* the scope without a budget on it, made when it is first opened */
	struct dump_namespace *record;
};

struct scope namespace_base;

static struct {
	struct space *list; /* number 0 is the root */
	uint32_t *index;    /* of list by hash of the name; 0 is free, since the root is not in it */
	uint32_t count;
	char *text;
	size_t text_left;
} spaces;

static struct limit environment_limits[CONFIG_BUDGETS_MAX];

static uint32_t name_hash(const char *name, size_t length)
{
	return dump_check(name, length);
}

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
	struct space *space = &spaces.list[number];
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

static uint32_t space_add(const char *name, size_t length, uint32_t parent, uint32_t hash)
{
	uint32_t number = spaces.count;
	struct space *space = &spaces.list[number];

	if (number == NAMESPACES_MAX)
		return DUMP_NONE;
	space->name = name_store(name, length);
	if (!space->name)
		return DUMP_NONE;
	space->length = (uint32_t)length;
	space->parent = parent;
	space->hash = hash;
	space->multiplier = (uint64_t)1 << 32;
	spaces.count++;
	space_record(number);
	return number;
}

/* The namespace of an absolute, faultless path; its ancestors are made too. DUMP_NONE when there are too many. */
uint32_t namespace_number(const char *name, size_t length)
{
	uint32_t hash = name_hash(name, length), parent, at;
	size_t dot = length;

	if (!length)
		return 0;
	for (at = hash % INDEX_SIZE; spaces.index[at]; at = (at + 1) % INDEX_SIZE) {
		struct space *space = &spaces.list[spaces.index[at]];

		if (space->hash == hash && space->length == length && !memcmp(space->name, name, length))
			return spaces.index[at];
	}
	while (dot && name[dot - 1] != '.')
		dot--;
	parent = dot ? namespace_number(name, dot - 1) : 0;
	if (parent == DUMP_NONE)
		return DUMP_NONE;
	at = hash % INDEX_SIZE;
	while (spaces.index[at])
		at = (at + 1) % INDEX_SIZE;
	parent = space_add(name, length, parent, hash);
	if (parent != DUMP_NONE)
		spaces.index[at] = parent;
	return parent;
}

/* The limits that hold in a namespace, innermost first. */
static struct limit *limits_of(uint32_t number)
{
	for (;; number = spaces.list[number].parent) {
		if (spaces.list[number].limit)
			return spaces.list[number].limit;
		if (!number)
			return NULL;
	}
}

static void limits_link(void)
{
	for (uint32_t i = 0; i < spaces.count; i++)
		if (spaces.list[i].limit)
			spaces.list[i].limit->parent = i ? limits_of(spaces.list[i].parent) : NULL;
}

void namespace_start(void)
{
	uint32_t base;

	spaces.list = guest_pages(NAMESPACES_MAX * sizeof(struct space));
	spaces.index = guest_pages(INDEX_SIZE * sizeof(uint32_t));
	if (!spaces.list || !spaces.index)
		return;
	space_add("", 0, 0, 0);
	spaces.list[0].multiplier = config.multiplier;
	base = namespace_number(config.space, strlen(config.space));
	for (unsigned i = 0; i < config.budget_count; i++) {
		uint32_t number = namespace_number(config.budgets[i].name, config.budgets[i].name_length);

		environment_limits[i].amount = config.budgets[i].amount;
		environment_limits[i].namespace_id = number;
		spaces.list[number].limit = &environment_limits[i];
	}
	limits_link();
	namespace_base = (struct scope){.namespace_id = base, .limits = limits_of(base)};
}

void namespace_record(void)
{
	for (uint32_t i = 0; i < spaces.count; i++)
		space_record(i);
	for (uint32_t i = 0; i < spaces.count; i++)
		if (spaces.list[i].limit)
			charge_record(spaces.list[i].limit);
}

const char *namespace_name(uint32_t number)
{
	return number < spaces.count ? spaces.list[number].name : "";
}

uint64_t namespace_multiplier(uint32_t number)
{
	unsigned __int128 product = spaces.list[0].multiplier;

	for (; number; number = spaces.list[number].parent) {
		product = (product * spaces.list[number].multiplier + ((uint64_t)1 << 31)) >> 32;
		if (product > UINT64_MAX)
			return UINT64_MAX;
	}
	return (uint64_t)product;
}

void namespace_forked(void)
{
	for (uint32_t i = 0; i < spaces.count; i++) {
		spaces.list[i].record = NULL;
		if (spaces.list[i].limit)
			charge_forked_limit(spaces.list[i].limit);
	}
}
