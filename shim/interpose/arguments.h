/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arguments.h - reads the arguments of a call in flight, and compares them with those of its site's last call.
 * It must never read memory that the routine itself would not read: a null pointer is taken as the dimension 0, or as
 * no letter. Only intercept.c includes it, and inlines what it needs.
 */
#ifndef FLOPSHIM_ARGUMENTS_H
#define FLOPSHIM_ARGUMENTS_H

#include "price/routines.h"
#include "shim/state/entry.h"
#include "shim/state/shape.h"
#include "shim/state/state.h"

/* The letter that Fortran has for the value of a CBLAS enum, '?' if it is no such value. */
static inline char enum_letter(uint64_t value)
{
	static const char letters[] = "RC........NTCR......UL........NU........LR........P.........AB";
	uint32_t index = (uint32_t)value - 101;

	return index < sizeof(letters) - 1 ? letters[index] : '?';
}

/* Reads one option as a letter in upper case, or T and F for a LOGICAL; 0 where the pointer to it is null. */
static inline uint64_t option_read(const struct shape_arg *arg, entry_frame frame)
{
	uint64_t word = *(const uint64_t *)(frame + arg->offset);
	unsigned char letter;

	switch (arg->fetch) {
	case FETCH_CHAR_REF:
		if (!word)
			return 0;
		word = *(const unsigned char *)word;
		/* fall through */
	case FETCH_CHAR: letter = (unsigned char)word; return (unsigned)(letter - 'a') < 26 ? letter - 32u : letter;
	case FETCH_ENUM: return (unsigned char)enum_letter(word);
	case FETCH_LOGICAL_REF:
		if (!word)
			return 'F';
		word = *(const uint32_t *)word; /* the low half decides, whether LOGICAL has 4 bytes or 8 */
						/* fall through */
	case FETCH_LOGICAL: return (uint32_t)word ? 'T' : 'F';
	default: return 0;
	}
}

/* Reads one dimension; where it is an array, the dimension of batch group `group`. */
static inline int64_t dim_read(const struct shape_arg *arg, entry_frame frame, bool ilp64, uint64_t group)
{
	uint64_t word = *(const uint64_t *)(frame + arg->offset);

	if (likely(arg->fetch == FETCH_INT_REF)) {
		if (unlikely(!word))
			return 0;
		return ilp64 ? *(const int64_t *)word : *(const int32_t *)word;
	}
	if (arg->fetch == FETCH_INT)
		return ilp64 ? (int64_t)word : (int32_t)word;
	if (arg->fetch == FETCH_INT_GROUPS && word)
		return ilp64 ? ((const int64_t *)word)[group] : ((const int32_t *)word)[group];
	return 0;
}

/*
 * Whether LAPACK references an argument in this call. `number` is its condition: the letters of an earlier option,
 * which has been read into `shape`, under which it is referenced.
 */
static inline bool condition_holds(uint16_t number, const struct shape *shape)
{
	const struct condition *condition;
	char letter;

	if (likely(number == CONDITION_NONE))
		return true;
	condition = &conditions[number];
	letter = (char)(shape->options >> (8 * condition->arg));
	for (unsigned i = 0; i < sizeof(condition->letters) && condition->letters[i]; i++)
		if (condition->letters[i] == letter)
			return true;
	return false;
}

static inline __attribute__((always_inline)) void shape_read_inline(const struct form *form, unsigned options,
                                                                    unsigned dims, bool ilp64, entry_frame frame,
                                                                    uint64_t group, struct shape *shape)
{
	const struct shape_arg *arg = &shape_args[form->shape];

	shape->options = 0;
	for (unsigned i = 0; i < options; i++, arg++)
		if (condition_holds(arg->condition, shape))
			shape->options |= option_read(arg, frame) << (8 * i);
	for (unsigned i = 0; i < dims; i++, arg++)
		shape->dims[i] = condition_holds(arg->condition, shape) ? dim_read(arg, frame, ilp64, group) : 0;
}

/*
 * How the shape of a call differs from that of the last call from its site. SAME is the common case, and needs no
 * hash. A letter in lower case counts as OTHER although it means the same; the slower search then finds the row.
 */
enum likeness { SAME, OTHER_DIMS, OTHER };

static inline __attribute__((always_inline)) enum likeness pointers_compare(const struct known_site *known,
                                                                            const struct dump_row *row,
                                                                            entry_frame frame, bool ilp64)
{
	const struct shape_arg *arg = known->args;
	uint64_t options = row->options;

	for (const struct shape_arg *end = arg + known->options; arg < end; arg++, options >>= 8) {
		const uint8_t *letter = *(const uint8_t *const *)(frame + arg->offset);

		if (unlikely(!letter || *letter != (uint8_t)options))
			return OTHER;
	}
	for (unsigned i = 0; i < known->dims; i++, arg++) {
		const int32_t *dim = *(const int32_t *const *)(frame + arg->offset);

		if (unlikely(!dim))
			return OTHER;
		if (unlikely((ilp64 ? *(const int64_t *)dim : *dim) != row->dims[i]))
			return OTHER_DIMS;
	}
	return SAME;
}

static inline __attribute__((always_inline)) enum likeness values_compare(const struct known_site *known,
                                                                          const struct dump_row *row, entry_frame frame,
                                                                          bool ilp64)
{
	const struct shape_arg *arg = known->args;
	uint64_t options = row->options;

	for (const struct shape_arg *end = arg + known->options; arg < end; arg++, options >>= 8)
		if (unlikely(enum_letter(*(const uint64_t *)(frame + arg->offset)) != (char)options))
			return OTHER;
	for (unsigned i = 0; i < known->dims; i++, arg++) {
		const char *dim = frame + arg->offset;

		if (unlikely((ilp64 ? *(const int64_t *)dim : *(const int32_t *)dim) != row->dims[i]))
			return OTHER_DIMS;
	}
	return SAME;
}

static inline bool reads_pointers(const struct known_site *known)
{
	return known->reading >= READING_FIRST && known->reading <= READING_POINTERS;
}

/* Compares the arguments of a call with the shape of `row`; OTHER where there is no quick way to do so. */
static inline __attribute__((always_inline)) enum likeness compare(const struct known_site *known,
                                                                   const struct dump_row *row, entry_frame frame)
{
	switch (known->reading) {
	case READING_FIRST:
	case READING_POINTER:
	case READING_POINTERS: return pointers_compare(known, row, frame, false);
	case READING_FIRST_VALUE:
	case READING_VALUE:
	case READING_VALUES: return values_compare(known, row, frame, false);
	case READING_POINTERS_64: return pointers_compare(known, row, frame, true);
	case READING_VALUES_64: return values_compare(known, row, frame, true);
	default: return OTHER;
	}
}

static inline int64_t pointer_read(const struct shape_arg *arg, entry_frame frame)
{
	const int32_t *dim = *(const int32_t *const *)(frame + arg->offset);

	return likely(dim) ? *dim : 0;
}

/* Reads a dimension at a site whose reading is not READING_OTHER: there no option decides whether it is referenced. */
static inline int64_t quick_dim_read(const struct known_site *known, const struct shape_arg *arg, entry_frame frame)
{
	return likely(reads_pointers(known)) ? pointer_read(arg, frame)
	                                     : dim_read(arg, frame, known->flags & SITE_ILP64, 0);
}

/* Does what shape_read does, where all options are letters and all dimensions 32-bit integers behind pointers. */
static inline __attribute__((always_inline)) void pointers_read(const struct known_site *known, entry_frame frame,
                                                                struct shape *shape)
{
	const struct shape_arg *arg = known->args;
	uint64_t options = 0;

	for (unsigned i = 0; i < known->options; i++, arg++) {
		const uint8_t *letter = *(const uint8_t *const *)(frame + arg->offset);

		if (letter)
			options |= (uint64_t)(*letter - ((unsigned)(*letter - 'a') < 26 ? 32u : 0)) << (8 * i);
	}
	shape->options = options;
	for (unsigned i = 0; i < known->dims; i++, arg++)
		shape->dims[i] = pointer_read(arg, frame);
}

static inline bool pointer_same(const struct known_site *known, const struct dump_row *row, entry_frame frame)
{
	const int32_t *dim = *(const int32_t *const *)(frame + known->offset);

	return likely(dim) && *dim == row->dims[0];
}

static inline bool value_same(const struct known_site *known, const struct dump_row *row, entry_frame frame)
{
	return *(const int32_t *)(frame + known->offset) == row->dims[0];
}

/*
 * Whether this is a workspace query: one of the workspace sizes is -1, or -2 where the routine takes that for a query
 * too.
 */
static inline bool is_query(const struct form *form, entry_frame frame)
{
	for (unsigned i = 0; i < form->query_count; i++) {
		uint64_t word = *entry_slot(frame, form->query_slots[i]);
		int32_t size;

		if (form->query_is_ref && !word)
			continue;
		size = form->query_is_ref ? *(const int32_t *)word : (int32_t)word;
		if (size == -1 || (size == -2 && form->query_minus_two))
			return true;
	}
	return false;
}

#endif
