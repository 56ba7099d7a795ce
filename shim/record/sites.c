/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sites.c - call sites: which function each calls, and how its arguments are read.
 * It must never ask a library anything with record_lock held.
 */
#include "shim/record/record.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

#include "price/routines.h"
#include "shim/dump/dump.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/program.h"
#include "shim/guest/stack.h"
#include "shim/record/parts.h"
#include "shim/record/thunks.h"
#include "shim/resolve/doubt.h"
#include "shim/resolve/libc.h"
#include "shim/resolve/probe.h"
#include "shim/resolve/resolve.h"
#include "shim/resolve/taken.h"
#include "shim/state/entry.h"
#include "shim/state/epoch.h"

enum {
	SITES_MAX = 1 << 20,
	SITES_CHUNK = 256,
	SITES_INDEX_FIRST = 1 << 10,
	SYMBOL_TEXT = 128, /* bytes of a symbol's name */
};

/* It is read without a lock, and so never freed: the next one is twice as large. */
struct site_index {
	uint32_t mask;      /* number of elements - 1 */
	uint32_t numbers[]; /* of sites, plus 1; 0: free */
};

/* The first chunk and index are static. Most programs need no more, and so cannot run out of memory here. */
static struct site first_sites[SITES_CHUNK];
static struct site_index first_index = {.mask = SITES_INDEX_FIRST - 1, .numbers = {[SITES_INDEX_FIRST - 1] = 0}};
static struct site *site_chunks[SITES_MAX / SITES_CHUNK] = {first_sites}; /* read without a lock, and so never moved */

static struct {
	struct site_index *index; /* finds sites by (caller, symbol) */
	uint32_t count;
} sites = {.index = &first_index};

static struct site *site_at(uint32_t number) { return &site_chunks[number / SITES_CHUNK][number % SITES_CHUNK]; }

/* ---- what serves a call ---- */

/* Whether a routine is always a part of another one, whose own threads run it: it is never at top level. */
static bool is_always_nested(const struct form *form)
{
	const char *name = routines[form->routine].name;

	return strstr(name, "b2st_kernels") != NULL;
}

static bool is_batch(const struct form *form)
{
	const struct family *family = &families[routines[form->routine].family];
	const struct shape_arg *dims = &shape_args[form->shape + family->option_count];

	for (unsigned i = 0; i < family->dim_count; i++)
		if (dims[i].fetch == FETCH_INT_GROUPS)
			return true;
	return false;
}

static bool scheme_is_64(unsigned scheme)
{
	return scheme == SCHEME_64_ || scheme == SCHEME_64 || scheme == SCHEME_SCIPY_64_ || scheme == SCHEME_UPPER_64;
}

/* A question that a callee must be asked before the arguments of its calls can be read. */
struct question {
	void *function; /* what must be called; NULL: there is none */
	/* where a complex result goes (probe_hides_result); else the width of integers (probe_is_ilp64) */
	bool of_result;
};

/* Returns how to ask a callee for the width of its integers; `function` is NULL if that is known. */
static struct question width_question(struct module *callee, unsigned scheme)
{
	if (scheme_is_64(scheme))
		callee->flags |= MODULE_PROBED | MODULE_ILP64;
	return (struct question){module_probe(callee, scheme == SCHEME_SCIPY ? "scipy_isamax_" : "isamax_"), false};
}

/* Returns what a callee must be asked before the arguments of a site's calls can be read; `function` NULL: nothing. */
static struct question site_question(const struct site *site, unsigned scheme, struct module *callee)
{
	struct question question;

	if (scheme_is_64(scheme))
		callee->flags |= MODULE_PROBED | MODULE_ILP64;
	if (site->flags & SITE_DOUBTFUL && !(callee->flags & MODULE_PLAUSIBLE))
		return (struct question){NULL, false}; /* its functions may be anything */
	question = width_question(callee, scheme);
	if (question.function)
		return question;
	if (site->form->hidden && !(callee->flags & MODULE_RESULT_PROBED))
		return (struct question){site->real, true};
	return (struct question){NULL, false};
}

/*
 * Decides by the callee whether a site's calls are counted, and how their arguments are read. If the callee must be
 * asked something before that, returns the question; otherwise one whose `function` is NULL.
 */
static struct question site_judge(struct site *site, unsigned scheme, struct module *callee, struct module *caller)
{
	bool bare = symbol_is_bare(scheme);
	struct question question = {NULL, false};

	if (!callee || !module_is_blas(callee, bare) || (bare && !config.bare_names) ||
	    doubt_is_refuted(site->real, callee)) {
		site->flags |= SITE_PASS;
		if (callee && (!bare || config.bare_names))
			dump_note(DUMP_NOTE_NOT_BLAS, module_file(callee), 0);
		return question;
	}
	if (!bare && module_is_doubtful(callee))
		site->flags |= SITE_DOUBTFUL;
	question = site_question(site, scheme, callee);
	if (question.function)
		return question;
	if (callee->flags & MODULE_ILP64)
		site->flags |= SITE_ILP64;
	if (site->form->hidden && callee->flags & MODULE_HIDDEN_RESULT)
		site->form = &hidden_forms[site->form->hidden - 1];
	if (!(callee->flags & MODULE_SERVES) && (!(site->flags & SITE_DOUBTFUL) || callee->flags & MODULE_PLAUSIBLE)) {
		callee->flags |= MODULE_SERVES;
		epoch_next(); /* calls out of it are nested from now on */
	}
	if (caller && caller->flags & MODULE_SERVES)
		site->flags |= SITE_CALLER_SERVES;
	if (site->form->info != INFO_NONE && !site->form->info_after_work)
		site->flags |= SITE_INFO;
	if (is_always_nested(site->form))
		site->flags |= SITE_NESTED;
	else if (site->form->query_count)
		site->flags |= SITE_QUERIES;
	else if (is_batch(site->form))
		site->flags |= SITE_BATCH;
	return question;
}

static uint32_t site_place(uint64_t caller, uint32_t symbol)
{
	return (uint32_t)((caller ^ (uint64_t)symbol << 32) * 0x9e3779b97f4a7c15u >> 32);
}

/* The place in the index where this site is, or is to be put. */
static uint32_t *site_find(uint64_t caller, uint32_t symbol, const void *real)
{
	struct site_index *index = sites.index;
	uint32_t at = site_place(caller, symbol) & index->mask;

	for (; index->numbers[at]; at = (at + 1) & index->mask) {
		const struct site *site = site_at(index->numbers[at] - 1);

		if (site->caller == caller && site->symbol == symbol && site->real == real)
			break;
	}
	return &index->numbers[at];
}

/* Keeps half of the index empty; without memory for a larger one no more sites are kept. */
static bool site_index_has_room(void)
{
	struct site_index *index;
	uint64_t places = 2 * ((uint64_t)sites.index->mask + 1);

	if (sites.count < places / 4)
		return true;
	index = guest_pages(sizeof(*index) + places * sizeof(index->numbers[0]));
	if (!index)
		return false;
	index->mask = (uint32_t)places - 1;
	for (uint32_t i = 0; i < sites.count; i++) {
		uint32_t at = site_place(site_at(i)->caller, site_at(i)->symbol) & index->mask;

		while (index->numbers[at])
			at = (at + 1) & index->mask;
		index->numbers[at] = i + 1;
	}
	__atomic_store_n(&sites.index, index, __ATOMIC_RELEASE);
	return true;
}

static bool sites_have_room(void)
{
	struct site **chunk = &site_chunks[sites.count / SITES_CHUNK];

	if (sites.count == SITES_MAX)
		return false;
	if (!*chunk)
		*chunk = guest_pages(SITES_CHUNK * sizeof(struct site));
	return *chunk && site_index_has_room();
}

/* Fills in a site that others may be reading: what they copy counts only if the epoch was the same before and after. */
static void site_store(struct site *place, const struct site *site)
{
	atomic_store_explicit(&place->epoch, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	place->caller = site->caller;
	place->symbol = site->symbol;
	place->number = site->number;
	place->flags = site->flags;
	place->form = site->form;
	place->real = site->real;
	atomic_store_explicit(&place->epoch, flopshim_epoch, memory_order_release);
}

/* Finds a site that any thread has resolved in this epoch. Takes no lock. */
static bool site_known(uint64_t caller, uint32_t symbol, struct site *site)
{
	const struct site_index *index = __atomic_load_n(&sites.index, __ATOMIC_ACQUIRE);
	uint32_t at = site_place(caller, symbol), number, epoch = flopshim_epoch;

	for (; (number = __atomic_load_n(&index->numbers[at & index->mask], __ATOMIC_ACQUIRE)); at++) {
		struct site *known = site_at(number - 1);

		if (atomic_load_explicit(&known->epoch, memory_order_acquire) != epoch || known->caller != caller ||
		    known->symbol != symbol || known->flags & SITE_BY_VALUE)
			continue;
		*site = (struct site){.caller = caller,
		                      .symbol = symbol,
		                      .number = known->number,
		                      .flags = known->flags,
		                      .form = known->form,
		                      .real = known->real};
		atomic_thread_fence(memory_order_acquire);
		return atomic_load_explicit(&known->epoch, memory_order_relaxed) == epoch && epoch == flopshim_epoch;
	}
	return false;
}

/*
 * The symbol that was asked for: a thunk's, and then *thunk is that thunk; otherwise `symbol` itself, and *thunk is
 * NULL.
 */
static uint32_t symbol_named(uint32_t symbol, const struct thunk **thunk)
{
	*thunk = symbol >= THUNK_FIRST ? thunk_at(symbol - THUNK_FIRST) : NULL;
	return *thunk ? (*thunk)->symbol : symbol;
}

/*
 * Where on the stack this thread is asking a library a question, 0 if it is not; and the routine that it asks, NULL
 * for isamax.
 */
static __thread uint64_t probing __attribute__((tls_model("initial-exec")));
static __thread const struct routine *probing_by __attribute__((tls_model("initial-exec")));

bool record_caller_is_blas(uint64_t caller)
{
	struct module *module;
	bool is_blas;

	guest_lock(&record_lock);
	module = module_of((const void *)caller);
	is_blas = module && module_is_blas(module, false);
	guest_unlock(&record_lock);
	return is_blas;
}

/* A signal handler that comes meanwhile may call BLAS, and its calls are the program's. */
bool record_is_probing(uint64_t slot, uint64_t caller, uint32_t symbol)
{
	const struct routine *routine;
	const struct thunk *thunk;

	if (slot >= probing)
		probing = 0; /* a signal handler has left the question by longjmp */
	if (likely(!probing))
		return false;
	routine = &routines[forms[symbol_named(symbol, &thunk) / SCHEME_COUNT].routine];
	return routine == probing_by || !strcmp(routine->name, "isamax") || record_caller_is_blas(caller);
}

/* Keeps a site in the list, if there is room, and gives it the number that it has there. */
static void site_keep(struct site *site)
{
	bool has_room = sites_have_room();
	uint32_t *found = site_find(site->caller, site->symbol, site->real);

	site->number = *found ? site_at(*found - 1)->number : DUMP_NONE;
	if (!*found && has_room) {
		site_store(site_at(sites.count++), site);
		__atomic_store_n(found, sites.count, __ATOMIC_RELEASE);
	}
	if (*found)
		site_store(site_at(*found - 1), site);
}

/*
 * Finds the function that a call means. If nothing defines it, the answer is false and site->real is NULL. If the
 * object that holds site->real must first be asked for the width of its integers, the answer is false too.
 */
static bool site_resolve(uint64_t caller, uint32_t symbol, struct module *caller_module, entry_frame frame,
                         struct site *site)
{
	struct meaning meaning;
	const struct thunk *thunk;
	uint32_t named = symbol_named(symbol, &thunk);
	static char name[SYMBOL_TEXT];

	record_symbol_name(named, name, sizeof(name));
	*site = (struct site){.caller = caller, .symbol = symbol, .form = &forms[named / SCHEME_COUNT]};
	if (thunk) {
		site->real = thunk->real;
		return true;
	}
	meaning = taken_meaning(named, name, caller_module, frame);
	site->real = meaning.real;
	if (meaning.by_value)
		site->flags |= SITE_BY_VALUE;
	if (meaning.about && dump_is_open())
		dump_note(DUMP_NOTE_ADDRESS, meaning.about, 0);
	return site->real && !meaning.asks;
}

/*
 * Resolves a site; false if nothing defines the symbol. If its callee must be asked something first, that is in
 * *question; its function is NULL otherwise.
 */
static bool site_make(uint64_t caller, uint32_t symbol, void *enclosing, entry_frame frame, struct site *site,
                      struct question *question)
{
	const struct thunk *thunk;
	unsigned scheme = symbol_named(symbol, &thunk) % SCHEME_COUNT;
	struct module *caller_module;

	module_refresh();
	caller_module = module_of(enclosing ? enclosing : (const void *)caller);
	while (!site_resolve(caller, symbol, caller_module, frame, site)) {
		if (!site->real)
			return false;
		*question = width_question(module_of(site->real), scheme);
		if (question->function)
			return true;
	}
	*question = site_judge(site, scheme, module_of(site->real), caller_module);
	if (!question->function)
		site_keep(site);
	return true;
}

/*
 * The arguments of site_make, and its result. It runs on a stack of the shim's: finding a symbol takes more than a
 * call may have.
 */
struct making {
	uint64_t caller;
	void *enclosing;
	entry_frame frame;
	struct site *site;
	struct question *question;
	uint32_t symbol;
	bool made;
};

static void site_make_there(void *argument)
{
	struct making *making = argument;

	making->made = site_make(making->caller, making->symbol, making->enclosing, making->frame, making->site,
	                         making->question);
}

/* Asks the question, and notes the answer for the module that serves the site. */
static RARE void site_ask(const struct site *site, struct question question)
{
	/* not 0 where a signal handler's call interrupts this same question */
	uint64_t outer = probing;
	const struct routine *outer_by = probing_by;
	struct module *module;
	uint32_t learned;

	probing_by = question.of_result ? &routines[site->form->routine] : NULL;
	probing = (uint64_t)__builtin_frame_address(0);
	if (question.of_result)
		learned = MODULE_RESULT_PROBED | (probe_hides_result(question.function) ? MODULE_HIDDEN_RESULT : 0);
	else
		learned = MODULE_PROBED | (probe_is_ilp64(question.function) ? MODULE_ILP64 : 0);
	probing = outer;
	probing_by = outer_by;
	guest_lock(&record_lock);
	module = module_of(site->real);
	if (module)
		module->flags |= learned;
	guest_unlock(&record_lock);
}

/* The dump's number for the same file, if it was loaded elsewhere before; DUMP_NONE if not. */
static uint32_t module_twin(const struct module *module)
{
	if (!module->build_id_size || module->flags & MODULE_START)
		return DUMP_NONE;
	for (uint32_t i = dump_modules.count; i--;) {
		const struct dump_module *entry = dump_entry_numbered(DUMP_MODULES, i);

		if (entry && entry->build_id_size == module->build_id_size &&
		    !memcmp(entry->build_id, module->build_id, module->build_id_size) &&
		    dump_text_is(entry->path, module_file(module)))
			return i;
	}
	return DUMP_NONE;
}

/* Whether a site of the dump is at this address of `module`, which the dump knows by `number`. */
static bool is_place_in(const struct dump_site *entry, const struct module *module, uint32_t number, uint64_t address)
{
	const struct dump_module *known = dump_entry_numbered(DUMP_MODULES, number);

	return entry->caller_module == number && known && entry->caller - known->bias == address - module->bias;
}

/*
 * The number of the same site in the dump, if its library was unloaded, and is now loaded elsewhere; DUMP_NONE for a
 * new site. So a library that is loaded a thousand times has its sites once.
 */
static uint32_t site_before(const struct site *site, const char *name)
{
	const struct module *caller = module_of((const void *)site->caller), *callee = module_of(site->real);
	uint32_t caller_number, callee_number;

	if (!caller || !callee || (caller->dump_number != DUMP_NONE && callee->dump_number != DUMP_NONE))
		return DUMP_NONE;
	caller_number = caller->dump_number != DUMP_NONE ? caller->dump_number : module_twin(caller);
	callee_number = callee->dump_number != DUMP_NONE ? callee->dump_number : module_twin(callee);
	if (caller_number == DUMP_NONE || callee_number == DUMP_NONE)
		return DUMP_NONE;
	for (uint32_t i = dump_sites.count; i--;) {
		const struct dump_site *entry = dump_entry_numbered(DUMP_SITES, i);

		if (entry && entry->callee_module == callee_number &&
		    is_place_in(entry, caller, caller_number, site->caller) && dump_text_is(entry->symbol, name))
			return i;
	}
	return DUMP_NONE;
}

static bool site_add(struct site *site, const char *name)
{
	struct dump_site *entry = dump_append(&dump_sites, &site->number);

	if (!entry)
		return false;
	entry->caller = site->caller;
	entry->symbol = names_string(name);
	entry->routine = names_routine(site->form->routine);
	entry->caller_module = names_module(module_of((const void *)site->caller));
	entry->callee_module = names_module(module_of(site->real));
	dump_commit(&dump_sites);
	return true;
}

/* Sites of nested calls, which are many, never come here, and so are not in the dump. */
void record_site_number(struct site *site)
{
	static char name[SYMBOL_TEXT]; /* under record_lock */
	const struct thunk *thunk;

	guest_lock(&record_lock);
	record_symbol_name(symbol_named(site->symbol, &thunk), name, sizeof(name));
	site->number = site_before(site, name);
	if (site->number != DUMP_NONE || site_add(site, name)) {
		uint32_t *found = site_find(site->caller, site->symbol, site->real);

		if (*found)
			site_store(site_at(*found - 1), site);
	} else {
		site->number = DUMP_NONE;
		dump_lose(DUMP_LOST_SITES);
	}
	guest_unlock(&record_lock);
}

static RARE void __attribute__((noreturn)) fail_as_the_linker(uint32_t symbol, uint64_t caller)
{
	struct module *module = module_of((const void *)caller);
	char name[SYMBOL_TEXT];

	record_symbol_name(symbol, name, sizeof(name));
	guest_die_of_symbol(program_path(), module && *module->path ? module->path : program_path(), name);
}

/*
 * Asks the dynamic linker, where the list of modules has nothing. The list lacks something only in a process without
 * memory.
 */
static RARE void *real_of_linker(uint32_t symbol, uint64_t caller)
{
	const struct thunk *thunk;
	char name[SYMBOL_TEXT];
	void *real;

	record_symbol_name(symbol_named(symbol, &thunk), name, sizeof(name));
	libc_find(); /* the call may come before any constructor */
	real = libc_dlsym(RTLD_NEXT, name);
	if (!real)
		fail_as_the_linker(symbol, caller);
	return real;
}

bool record_site(uint64_t caller, uint32_t symbol, void *enclosing, entry_frame frame, struct site *site)
{
	struct question question;
	struct making making = {caller, enclosing, frame, site, &question, symbol, false};

	if (!enclosing && site_known(caller, symbol, site))
		return true;
	do {
		question.function = NULL;
		guest_lock(&record_lock);
		stack_run(site_make_there, &making);
		guest_unlock(&record_lock);
		if (question.function)
			site_ask(site, question);
	} while (question.function);
	if (!making.made)
		real_of_linker(symbol, caller); /* does not return if nobody defines it */
	return making.made;
}

void *record_callee_unlocked(uint64_t caller, uint32_t symbol)
{
	struct site site;

	return site_known(caller, symbol, &site) ? site.real : real_of_linker(symbol, caller);
}

void *record_callee(uint64_t caller, uint32_t symbol, entry_frame frame)
{
	struct site site;
	bool found;

	guest_lock(&record_lock);
	module_refresh();
	/* A question is not asked here: the arguments of the call are not read. */
	found = site_resolve(caller, symbol, module_of((const void *)caller), frame, &site) || site.real;
	guest_unlock(&record_lock);
	return found ? site.real : real_of_linker(symbol, caller);
}

bool record_module_bounds(uint64_t address, uint64_t *start, uint64_t *size)
{
	const struct module *module;

	guest_lock(&record_lock);
	module = module_of((const void *)address);
	if (module) {
		*start = module->start;
		*size = module->end - module->start;
	}
	guest_unlock(&record_lock);
	return module != NULL;
}

void record_operation(uint32_t site, char *name, size_t size)
{
	const struct dump_site *entry = dump_entry_numbered(DUMP_SITES, site);
	const struct dump_routine *routine = NULL;
	size_t end = 0;

	if (!entry) {
		guest_print(name, size, &end, "other");
		return;
	}
	if (entry->routine != DUMP_NONE)
		routine = dump_entry_numbered(DUMP_ROUTINES, entry->routine);
	dump_text_copy(routine ? routine->name : entry->symbol, name, size);
}

void sites_forked(void)
{
	sites.count = 0;
	/* Cleared in place: a search that a signal handler has interrupted in order to fork finds nothing then. */
	memset(sites.index->numbers, 0, ((uint64_t)sites.index->mask + 1) * sizeof(sites.index->numbers[0]));
}
