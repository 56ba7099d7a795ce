/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doubt.c - decides from the arguments of calls whether functions of a doubtful object are routines of BLAS.
 * It must never read through a pointer of the program's by itself: if the function is no routine of BLAS, the
 * register may hold an integer, or what an earlier call left there.
 *
 * A call whose arguments the routine cannot have shows that the object, or at least this function, is no BLAS: it is
 * no longer counted. A call whose arguments are plausible shows that it is safe to probe the object (see
 * module_probe). A function that has had a number of plausible calls is taken for a routine of BLAS.
 */
#include "shim/resolve/doubt.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim/dump/lock.h"
#include "shim/guest/guest.h"
#include "shim/resolve/resolve.h"
#include "shim/state/entry.h"
#include "shim/state/epoch.h"
#include "shim/state/site.h"

enum {
	REGISTERS_MAX = 8, /* registers with a bit in `pointers` and `integers` of struct form */
	PROOFS = 16,       /* plausible calls after which a function is believed */
	FUNCTIONS_MAX = 256,
	ELEMENT_SIZE_MIN = 4, /* bytes of a single */
	USUAL_MAX = 1 << 24,  /* few of the values that a register has by chance are smaller */
};

enum likelihood {
	IMPOSSIBLE, /* the routine cannot have these arguments */
	POSSIBLE,   /* the arguments are not wrong, but chance may have made them */
	PLAUSIBLE,  /* the arguments are what the routine needs */
};

/* ---- arguments ---- */

/* Pieces of memory that the kernel copies in one system call. */
struct reading_list {
	struct iovec here[REGISTERS_MAX + SHAPE_OPTIONS_MAX], there[REGISTERS_MAX + SHAPE_OPTIONS_MAX];
	unsigned count;
};

/* Adds `size` bytes at `address` to the list, to be copied to `bytes`. */
static void read_later(struct reading_list *list, uint64_t address, void *bytes, size_t size)
{
	list->here[list->count] = (struct iovec){bytes, size};
	list->there[list->count++] = (struct iovec){(void *)address, size};
}

/*
 * Copies all pieces; false if one is not there, or if the kernel refuses to copy at all (a seccomp filter), so that
 * nothing is known of the arguments.
 */
static bool read_all(const struct reading_list *list)
{
	return guest_copy(list->here, list->there, list->count) == COPY_DONE;
}

/* The arguments of a call in integer registers, which the entry body has saved in the first ENTRY_GPR_COUNT slots. */
struct arguments {
	const struct form *form;
	const struct shape_arg *shape; /* options, then dimensions */
	unsigned options, dims;
	uint64_t words[REGISTERS_MAX];
	int32_t integers[REGISTERS_MAX]; /* values of integers; the low half is the same for both widths */
	unsigned char letters[SHAPE_OPTIONS_MAX];
	uint8_t dim_slots, conditional; /* one bit for each register: has a dimension; is read only in some cases */
};

static bool has_bit(unsigned bits, unsigned slot) { return bits >> slot & 1; }

/* Fills in the registers and what the form says of them. */
static void arguments_begin(struct arguments *arguments, const struct form *form, entry_frame frame)
{
	const struct family *family = &families[routines[form->routine].family];

	memset(arguments, 0, sizeof(*arguments));
	arguments->form = form;
	arguments->shape = &shape_args[form->shape];
	arguments->options = family->option_count;
	arguments->dims = family->dim_count;
	for (unsigned slot = 0; slot < ENTRY_GPR_COUNT; slot++)
		arguments->words[slot] = *entry_slot(frame, slot);
	for (unsigned i = 0; i < arguments->options + arguments->dims; i++) {
		const struct shape_arg *arg = &arguments->shape[i];

		if (arg->fetch == FETCH_ABSENT || arg->slot >= ENTRY_GPR_COUNT)
			continue;
		if (i >= arguments->options)
			arguments->dim_slots |= (uint8_t)(1u << arg->slot);
		if (arg->condition != CONDITION_NONE)
			arguments->conditional |= (uint8_t)(1u << arg->slot);
	}
}

/*
 * Reads the integers and letters that pointers lead to, and one byte at each other pointer; false if one leads
 * nowhere.
 */
static bool arguments_read(struct arguments *arguments)
{
	struct reading_list list = {.count = 0};
	unsigned char ignored;

	for (unsigned slot = 0; slot < ENTRY_GPR_COUNT; slot++) {
		uint64_t word = arguments->words[slot];

		if (!has_bit(arguments->form->pointers, slot))
			arguments->integers[slot] = (int32_t)word;
		else if (!word)
			continue;
		else if (has_bit(arguments->form->integers, slot))
			read_later(&list, word, &arguments->integers[slot], sizeof(int32_t));
		else
			read_later(&list, word, &ignored, 1);
	}
	for (unsigned i = 0; i < arguments->options; i++) {
		const struct shape_arg *arg = &arguments->shape[i];

		if (arg->fetch == FETCH_CHAR_REF && arg->slot < ENTRY_GPR_COUNT && arguments->words[arg->slot])
			read_later(&list, arguments->words[arg->slot], &arguments->letters[i], 1);
	}
	return read_all(&list);
}

static bool is_letter(unsigned char byte) { return (unsigned)((byte | 32) - 'a') < 26; }

/* Whether a value is of one of CBLAS's enums: transposition, layout, triangle, diagonal or side. */
static bool is_cblas_enum(uint32_t value)
{
	return (value >= 111 && value <= 113) || value == 101 || value == 102 || value == 121 || value == 122 ||
	       value == 131 || value == 132 || value == 141 || value == 142;
}

/* Whether each option is a letter, or a value of CBLAS's enums. */
static bool options_are_letters(const struct arguments *arguments)
{
	for (unsigned i = 0; i < arguments->options; i++) {
		const struct shape_arg *arg = &arguments->shape[i];
		uint64_t word = arg->slot < ENTRY_GPR_COUNT ? arguments->words[arg->slot] : 0;

		if (arg->slot >= ENTRY_GPR_COUNT || arg->condition != CONDITION_NONE)
			continue;
		if ((arg->fetch == FETCH_CHAR_REF && !is_letter(arguments->letters[i])) ||
		    (arg->fetch == FETCH_CHAR && !is_letter((unsigned char)word)) ||
		    (arg->fetch == FETCH_ENUM && !is_cblas_enum((uint32_t)word)))
			return false;
	}
	return true;
}

/* Whether no pointer to a dimension, leading dimension or increment is NULL. */
static bool integers_are_there(const struct arguments *arguments)
{
	unsigned wanted = arguments->form->pointers & arguments->form->integers & ~(unsigned)arguments->conditional;

	for (unsigned slot = 0; slot < ENTRY_GPR_COUNT; slot++)
		if (has_bit(wanted, slot) && !arguments->words[slot])
			return false;
	return true;
}

/* Whether no dimension is negative and one is above 0, which values that are in registers by chance rarely are. */
static bool dims_are_usual(const struct arguments *arguments)
{
	bool any = false;

	for (unsigned slot = 0; slot < ENTRY_GPR_COUNT; slot++) {
		if (!has_bit(arguments->dim_slots, slot) || has_bit(arguments->conditional, slot))
			continue;
		if (arguments->integers[slot] < 0)
			return false;
		any |= arguments->integers[slot] > 0;
	}
	return any;
}

/* Whether the slot has the address of a vector or matrix whose increment or leading dimension is the next argument. */
static bool is_strided(const struct arguments *arguments, unsigned slot)
{
	const struct form *form = arguments->form;

	return has_bit(form->pointers, slot) && !has_bit(form->integers, slot) && slot + 1 < ENTRY_GPR_COUNT &&
	       has_bit(form->integers, slot + 1) && !has_bit(arguments->dim_slots, slot + 1);
}

/* Whether no increment or leading dimension is 0 or has an unlikely size. */
static bool strides_are_usual(const struct arguments *arguments)
{
	for (unsigned slot = 0; slot + 1 < ENTRY_GPR_COUNT; slot++)
		if (is_strided(arguments, slot) &&
		    (!arguments->integers[slot + 1] || llabs(arguments->integers[slot + 1]) > USUAL_MAX))
			return false;
	return true;
}

/*
 * Whether no vector is NULL, in a form that passes integers by value. Such a form has no other pointers, by which the
 * call could be recognized.
 */
static bool vectors_are_named(const struct arguments *arguments)
{
	bool by_value = arguments->form->integers & ~arguments->form->pointers;

	for (unsigned slot = 0; slot + 1 < ENTRY_GPR_COUNT; slot++)
		if (by_value && is_strided(arguments, slot) && !arguments->words[slot])
			return false;
	return true;
}

/* Returns the length of vectors, for a routine with one dimension and no option; 0 for others. */
static int64_t length_of(const struct arguments *arguments)
{
	bool is_vector = !arguments->options && arguments->dims == 1 && arguments->shape->slot < ENTRY_GPR_COUNT;

	return is_vector ? arguments->integers[arguments->shape->slot] : 0;
}

/*
 * Whether vectors of this length end in readable memory. The last element but one is tried, since in some routines of
 * LAPACK the length counts one element that is elsewhere.
 */
static bool vectors_end(const struct arguments *arguments, int64_t length)
{
	struct reading_list list = {.count = 0};
	unsigned char ignored;

	for (unsigned slot = 0; slot + 1 < ENTRY_GPR_COUNT; slot++)
		if (is_strided(arguments, slot))
			read_later(&list,
			           arguments->words[slot] + (uint64_t)(length - 2) * ELEMENT_SIZE_MIN *
			                                            (uint64_t)llabs(arguments->integers[slot + 1]),
			           &ignored, 1);
	return read_all(&list);
}

/* Says how likely the arguments are those of the routine, passed as this form says. */
static enum likelihood arguments_judge(const struct form *form, entry_frame frame)
{
	struct arguments arguments;
	int64_t length;

	arguments_begin(&arguments, form, frame);
	if (!integers_are_there(&arguments) || !arguments_read(&arguments) || !options_are_letters(&arguments))
		return IMPOSSIBLE;
	if (!dims_are_usual(&arguments))
		return POSSIBLE;
	length = length_of(&arguments);
	if (!vectors_are_named(&arguments) || (length > USUAL_MAX && !vectors_end(&arguments, length)))
		return IMPOSSIBLE;
	return strides_are_usual(&arguments) ? PLAUSIBLE : POSSIBLE;
}

/*
 * Says the same of a call. A function with a complex result may or may not have the result's address before its
 * arguments, which is not known yet: the more likely way counts.
 */
static enum likelihood call_judge(const struct form *form, entry_frame frame)
{
	enum likelihood plain = arguments_judge(form, frame), hidden;

	if (!form->hidden)
		return plain;
	hidden = arguments_judge(&hidden_forms[form->hidden - 1], frame);
	return hidden > plain ? hidden : plain;
}

/* ---- verdicts ---- */

/* What is known of single functions. A function is an address in a file: another file may be loaded there later. */
static struct function {
	_Atomic uintptr_t address;
	_Atomic uint32_t file;   /* path_hash of its object */
	_Atomic uint32_t proofs; /* plausible calls */
	_Atomic bool refuted;    /* a call has shown that it is no routine of BLAS */
} functions[FUNCTIONS_MAX];

/* Returns the entry of a function, a new one if it has none; NULL if all are in use. */
static struct function *function_at(const void *real, uint32_t file)
{
	for (unsigned i = 0; i < FUNCTIONS_MAX; i++) {
		struct function *function = &functions[i];
		uintptr_t address = 0;

		if (!atomic_compare_exchange_strong(&function->address, &address, (uintptr_t)real) &&
		    address != (uintptr_t)real)
			continue;
		if (function->file != file) { /* another file's function had this address and was unloaded */
			function->proofs = 0;
			function->refuted = false;
			function->file = file;
		}
		return function;
	}
	return NULL;
}

/*
 * Notes that a function is no routine of BLAS. If no call of its object was plausible before, this goes for the whole
 * object. With record_lock held.
 */
static enum doubt refute(const void *real, struct module *module)
{
	struct function *function = module->flags & MODULE_PLAUSIBLE ? function_at(real, module->path_hash) : NULL;

	if (function)
		function->refuted = true;
	else
		module->flags |= MODULE_REFUTED;
	return DOUBT_NEWS;
}

/* Notes a call that was not impossible. The first one makes its object plausible. With record_lock held. */
static enum doubt believe(const void *real, struct module *module, enum likelihood likelihood)
{
	struct function *function;

	if (!(module->flags & MODULE_PLAUSIBLE)) {
		module->flags |= MODULE_PLAUSIBLE;
		return DOUBT_NEWS;
	}
	function = likelihood == PLAUSIBLE ? function_at(real, module->path_hash) : NULL;
	return function && ++function->proofs >= PROOFS ? DOUBT_OVER : DOUBT_STAYS;
}

bool doubt_is_refuted(const void *real, const struct module *module)
{
	if (module->flags & MODULE_REFUTED)
		return true;
	for (unsigned i = 0; i < FUNCTIONS_MAX && functions[i].address; i++)
		if (functions[i].address == (uintptr_t)real)
			return functions[i].refuted && functions[i].file == module->path_hash;
	return false;
}

enum doubt doubt_weigh(const struct site *site, entry_frame frame)
{
	enum likelihood likelihood = call_judge(site->form, frame);
	enum doubt doubt = DOUBT_STAYS;
	struct module *module;

	/*
	 * A function with a complex result goes on: the object must be plausible before it is probed for where
	 * arguments begin.
	 */
	if (likelihood == POSSIBLE && !site->form->hidden)
		return DOUBT_STAYS;
	guest_lock(&record_lock);
	module = module_of(site->real);
	if (module)
		doubt = likelihood == IMPOSSIBLE ? refute(site->real, module) : believe(site->real, module, likelihood);
	guest_unlock(&record_lock);
	if (doubt == DOUBT_NEWS)
		epoch_next();
	return doubt;
}
