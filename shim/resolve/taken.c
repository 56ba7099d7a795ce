/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * taken.c - finds the function that a call of a stub means.
 * It must never choose between 32-bit and 64-bit integers by the order in which libraries were loaded.
 *
 * If the caller refers to the name itself, the call means what the caller would have been bound to. Otherwise another
 * object took the address and passed it to the caller: by a relocation, which has the stub's address now, or by
 * dlsym. The call means what that object (the taker) would have been bound to. If several objects took the address
 * and would have been bound to different functions, these are candidates, and the most likely one is chosen. A
 * candidate is more likely if its taker is linked to the caller or the caller to it; if its taker has the address as
 * data, since an address in a GOT entry for calls is passed on by tail jumps alone; and if its taker is no BLAS itself.
 * If candidates differ in the width of integers, what the call's arguments show comes first.
 */
#include "shim/resolve/taken.h"

#include <link.h>
#include <string.h>

#include "shim/guest/guest.h"
#include "shim/resolve/relocations.h"
#include "shim/resolve/resolve.h"
#include "price/routines.h"
#include "shim/resolve/symbol_version.h"

enum {
	WINDOW_WORDS = 4096, /* words of the GOT that one system call reads */
	CANDIDATES_MAX = 16, /* further ones are ignored */
	ANSWERS_MAX = 4096,  /* answers of dlsym that are remembered */
	ABOUT_SIZE = 512,
};

/* ---- reading objects ---- */

/* How an object has the address of a stub. */
struct used {
	enum use use;
	uint32_t symbol; /* number of the object's symbol, by which the wanted version is found */
};

/* Words of a GOT; too large for a small stack; under record_lock. */
static uintptr_t window[WINDOW_WORDS];

/* A search of an object's relocations for one that has put the address of a stub somewhere. */
struct got_search {
	const struct module *module;
	uintptr_t stub;
	bool in_memory;   /* the object can be read without the kernel */
	struct used best; /* the greatest enum use so far */
};

/*
 * Searches a part of a table of relocations. The words that these relocations filled in mostly lie close together, so
 * that one system call reads them all, if any is needed.
 */
static void got_entries_visit(const ElfW(Rela) * relocations, unsigned count, void *context)
{
	struct got_search *search = context;
	const struct module *module = search->module;
	uintptr_t low = UINTPTR_MAX, high = 0;
	bool together;

	for (unsigned i = 0; i < count; i++) {
		if (!relocation_use(&relocations[i]))
			continue;
		low = relocations[i].r_offset < low ? relocations[i].r_offset : low;
		high = relocations[i].r_offset > high ? relocations[i].r_offset : high;
	}
	if (high == 0)
		return;
	together = !search->in_memory && high - low < sizeof(window) - sizeof(uintptr_t) &&
	           module_peek(module, (const void *)(module->bias + low), window, high - low + sizeof(uintptr_t));
	for (unsigned i = 0; i < count; i++) {
		const ElfW(Rela) *relocation = &relocations[i];
		enum use use = relocation_use(relocation);
		uintptr_t value = 0;

		if (use <= search->best.use)
			continue;
		if (together)
			memcpy(&value, (const char *)window + (relocation->r_offset - low), sizeof(value));
		else if (!module_peek(module, (const void *)(module->bias + relocation->r_offset), &value,
		                      sizeof(value)))
			continue;
		if (value == search->stub)
			search->best = (struct used){use, (uint32_t)ELF64_R_SYM(relocation->r_info)};
	}
}

/* Finds how an object has the address of this stub; USE_NONE if it does not. */
static struct used module_use(const struct module *module, uintptr_t stub, bool in_memory)
{
	struct got_search search = {module, stub, in_memory, {USE_NONE, 0}};

	if (module->flags & MODULE_SELF)
		return search.best;
	relocations_each(module, RELOCATIONS_OF_DATA, in_memory, got_entries_visit, &search);
	if (search.best.use != USE_TAKES)
		relocations_each(module, RELOCATIONS_OF_CALLS, in_memory, got_entries_visit, &search);
	return search.best;
}

/* Returns what the object would have been bound to by that symbol of its own. */
static void *bound_by(struct module *module, struct used used, const char *name)
{
	struct version version;
	bool has_version = version_of(module, used.symbol, &version);

	return resolve_in_scope(name, has_version ? &version : NULL, module);
}

/* ---- answers of dlsym ---- */

/* A stub that dlsym has returned, and the function that it stands for. */
static struct answer {
	uint32_t named; /* number of the symbol */
	void *real;
	const void *caller; /* dynamic section of the object that called dlsym */
} answers[ANSWERS_MAX];
static unsigned answer_count;

/* Whether the function is still there. */
static bool answer_holds(const struct answer *answer, const char *name)
{
	const struct module *module = module_of(answer->real);

	return module && module_symbol(module, name) == answer->real;
}

/* ---- candidates ---- */

/*
 * Reasons against a candidate: the taker has the address only for calls; the taker and the caller are not linked to
 * each other; the taker is a BLAS. A lower sum is more likely.
 */
enum likely { LIKELY_CALLS = 1, LIKELY_STRANGER = 2, LIKELY_BLAS = 4 };

/* A function that the call may mean. */
struct candidate {
	void *real;
	struct module *module;      /* the object that has it */
	const struct module *taker; /* the object that took the address; NULL: dlsym returned it */
	unsigned unlikely;          /* sum of enum likely */
};

static struct search {
	struct candidate list[CANDIDATES_MAX];
	unsigned count;
} search;

/* Adds a candidate; if the function is one already, the more likely taker counts. */
static void candidate_add(void *real, const struct module *taker, unsigned unlikely)
{
	for (unsigned i = 0; i < search.count; i++)
		if (search.list[i].real == real) {
			if (unlikely < search.list[i].unlikely) {
				search.list[i].unlikely = unlikely;
				search.list[i].taker = taker;
			}
			return;
		}
	if (search.count < CANDIDATES_MAX)
		search.list[search.count++] = (struct candidate){real, module_of(real), taker, unlikely};
}

/* Whether one of two objects needs the other, or both are one; false if one is NULL. */
static bool are_linked(struct module *one, struct module *other)
{
	return one && other && (one == other || module_needs(one, other) || module_needs(other, one));
}

/* Adds the functions of objects that have taken the address by a relocation. */
static void candidates_of_relocations(uint32_t named, const char *name, struct module *caller)
{
	struct module *module;

	for (unsigned i = 0; (module = module_at(i)); i++) {
		bool blas = module_is_blas(module, false);
		bool uses = blas || module_uses_blas(module);
		struct used used = uses ? module_use(module, entry_stub(named), module->flags & MODULE_START)
		                        : (struct used){USE_NONE, 0};
		void *real = used.use ? bound_by(module, used, name) : NULL;

		if (real)
			candidate_add(real, module,
			              (blas ? LIKELY_BLAS : 0) | (used.use == USE_CALLS ? LIKELY_CALLS : 0) |
			                      (are_linked(module, caller) ? 0 : LIKELY_STRANGER));
	}
}

/* Returns the object with this dynamic section, NULL if it is gone. */
static struct module *module_with(const void *dynamic)
{
	struct module *module;

	for (unsigned i = 0; (module = module_at(i)); i++)
		if (module->dynamic == dynamic)
			return module;
	return NULL;
}

/* Adds the functions for which dlsym has returned the stub. */
static void candidates_of_dlsym(uint32_t named, const char *name, struct module *caller)
{
	for (unsigned i = 0; i < answer_count; i++)
		if (answers[i].named == named && answer_holds(&answers[i], name))
			candidate_add(answers[i].real, NULL,
			              are_linked(module_with(answers[i].caller), caller) ? 0 : LIKELY_STRANGER);
}

/* Removes candidates whose taker is a BLAS, if there are others: a BLAS has the address for its own calls. */
static void candidates_narrow(void)
{
	unsigned kept = 0;
	bool others = false;

	for (unsigned i = 0; i < search.count; i++)
		others |= !(search.list[i].unlikely & LIKELY_BLAS);
	for (unsigned i = 0; i < search.count; i++)
		if (!others || !(search.list[i].unlikely & LIKELY_BLAS))
			search.list[kept++] = search.list[i];
	search.count = kept;
}

/* ---- the width of integers ---- */

static bool is_ilp64(const struct candidate *candidate)
{
	return candidate->module && candidate->module->flags & MODULE_ILP64;
}

static bool widths_differ(void)
{
	for (unsigned i = 1; i < search.count; i++)
		if (is_ilp64(&search.list[i]) != is_ilp64(&search.list[0]))
			return true;
	return false;
}

/*
 * Returns a candidate whose object's width of integers is unknown and may be found out by a probe; NULL if there is
 * none.
 */
static const struct candidate *candidate_unknown(void)
{
	for (unsigned i = 0; i < search.count; i++) {
		struct module *module = search.list[i].module;

		if (module && !(module->flags & MODULE_PROBED) && module_is_blas(module, false) &&
		    (!module_is_doubtful(module) || module->flags & MODULE_PLAUSIBLE))
			return &search.list[i];
	}
	return NULL;
}

enum width { WIDTH_OPEN, WIDTH_LP64, WIDTH_ILP64 };

/*
 * Says what the arguments show of the width of integers. An integer whose 64 bits are not a number of 32 bits has
 * only 32 bits, with something else behind them. If two integers at different addresses are small numbers in 64 bits,
 * they probably have 64.
 */
static enum width arguments_width(const struct form *form, entry_frame frame)
{
	uint64_t seen[2] = {0};
	unsigned count = 0;

	for (unsigned slot = 0; slot < ENTRY_GPR_COUNT; slot++) {
		uint64_t word = *entry_slot(frame, slot);
		int64_t value = (int64_t)word;

		if (!(form->integers >> slot & 1))
			continue;
		if (form->pointers >> slot & 1 && !guest_read((const void *)word, &value, sizeof(value)))
			return WIDTH_LP64; /* only 32 bits are there, at the end of a mapping */
		if (value != (int32_t)value)
			return WIDTH_LP64;
		if (form->pointers >> slot & 1 && count < 2 && word != seen[0])
			seen[count++] = word;
	}
	return count == 2 ? WIDTH_ILP64 : WIDTH_OPEN;
}

/* Removes the candidates of the other width. */
static void candidates_keep(bool ilp64)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < search.count; i++)
		if (is_ilp64(&search.list[i]) == ilp64)
			search.list[kept++] = search.list[i];
	search.count = kept;
}

/* ---- the choice ---- */

/*
 * Returns the most likely candidate. *open says whether another may be meant as well: one that is as likely or, if
 * the best was returned by dlsym, any whose address was not only taken for calls, since ctypes may call those, too.
 */
static const struct candidate *candidate_best(bool *open)
{
	const struct candidate *best = &search.list[0];

	for (unsigned i = 1; i < search.count; i++)
		if (search.list[i].unlikely < best->unlikely)
			best = &search.list[i];
	*open = false;
	for (unsigned i = 0; i < search.count; i++)
		if (&search.list[i] != best)
			*open |= search.list[i].unlikely == best->unlikely ||
			         (!best->taker && !(search.list[i].unlikely & LIKELY_CALLS));
	return best;
}

/*
 * Chooses a candidate, by the arguments if widths differ. If these do not decide, 32 bits are chosen: if that is
 * wrong, small numbers are still read correctly and too little is written. A wrong choice of 64 bits would write too
 * much.
 */
static const struct candidate *candidate_choose(const struct form *form, entry_frame frame, bool *open)
{
	enum width width = frame ? arguments_width(form, frame) : WIDTH_OPEN;
	const struct candidate *best;

	if (width == WIDTH_LP64)
		candidates_keep(false);
	best = candidate_best(open);
	if (*open && widths_differ()) {
		candidates_keep(width == WIDTH_ILP64);
		best = candidate_best(open);
		*open = true;
	}
	return best;
}

/* Returns the text of the note on a choice that is not certain. */
static const char *about_choice(const char *name, const struct candidate *chosen)
{
	static char about[ABOUT_SIZE]; /* under record_lock */
	size_t end = 0;

	guest_print(about, sizeof(about), &end, "%s: served by %s", name, chosen->module ? chosen->module->path : "?");
	return about;
}

/* Returns what a call means: the candidate that is chosen. There must be at least one. */
static struct meaning choose(uint32_t named, const char *name, entry_frame frame)
{
	const struct candidate *chosen = &search.list[0];
	const struct candidate *unknown = search.count > 1 ? candidate_unknown() : NULL;
	struct meaning meaning = {NULL, NULL, false, false};
	bool open = false;

	if (unknown)
		return (struct meaning){unknown->real, NULL, false, true};
	if (search.count > 1 && widths_differ()) {
		meaning.by_value = true;
		chosen = candidate_choose(&forms[named / SCHEME_COUNT], frame, &open);
	} else if (search.count > 1) {
		chosen = candidate_best(&open);
	}
	meaning.real = chosen->real;
	meaning.about = open ? about_choice(name, chosen) : NULL;
	return meaning;
}

struct meaning taken_meaning(uint32_t named, const char *name, struct module *caller, entry_frame frame)
{
	struct used used = {USE_NONE, 0};
	void *bound = NULL;

	if (caller) {
		module_trust(caller);
		used = module_use(caller, entry_stub(named), true);
		module_distrust();
	}
	if (used.use != USE_NONE)
		bound = bound_by(caller, used, name);
	if (bound)
		return (struct meaning){bound, NULL, false, false};
	search.count = 0;
	candidates_of_relocations(named, name, caller);
	candidates_of_dlsym(named, name, caller);
	candidates_narrow();
	if (!search.count)
		return (struct meaning){resolve(name, NULL, caller), NULL, false, false};
	return choose(named, name, frame);
}

/* ---- dlsym ---- */

/* Whether the stub could also mean another definition of the name: another object's, or another version. */
static bool is_defined_elsewhere(const char *name, const void *real)
{
	struct module *owner = module_of(real), *module;

	if (!owner || module_symbol(owner, name) != real)
		return true;

	for (unsigned i = 0; (module = module_at(i)); i++) {
		if (module == owner || module->flags & MODULE_SELF)
			continue;
		module_is_blas(module, true); /* fills in known_decorated and known_bare */
		if (!module->known_decorated && !module->known_bare)
			continue;
		if (module_symbol(module, name) && module_symbol(module, name) != real && !module_needs(owner, module))
			return true;
	}
	return false;
}

/* Whether the stub means this function to all objects that have its address. */
static bool is_only_meaning(uint32_t named, const char *name, void *real)
{
	search.count = 0;
	candidates_of_relocations(named, name, NULL);
	candidates_of_dlsym(named, name, NULL);
	candidates_narrow();
	if (!search.count)
		return !is_defined_elsewhere(name, real);
	for (unsigned i = 0; i < search.count; i++)
		if (search.list[i].real != real)
			return false;
	return true;
}

/* If dlsym returned the stub for this function before, it does so again. */
bool taken_by_dlsym(uint32_t named, const char *name, void *real, struct module *caller)
{
	const void *dynamic = caller ? caller->dynamic : NULL;
	bool answered = false;

	for (unsigned i = 0; i < answer_count; i++) {
		if (answers[i].named != named || answers[i].real != real || !answer_holds(&answers[i], name))
			continue;
		if (answers[i].caller == dynamic)
			return true;
		answered = true;
	}
	if (answer_count == ANSWERS_MAX)
		return answered;
	if (!answered && !is_only_meaning(named, name, real))
		return false;
	answers[answer_count++] = (struct answer){named, real, dynamic};
	return true;
}
