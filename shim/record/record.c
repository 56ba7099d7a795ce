/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.c - lanes, sites and rows.
 * It must never lose a call silently: what does not fit into a row of its own goes into a coarse one.
 */
#include "shim/record/record.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

#include "price/price.h"
#include "shim/charge/namespace.h"
#include "shim/charge/weights.h"
#include "shim/dump/dump.h"
#include "shim/guest/config.h"
#include "shim/guest/program.h"
#include "shim/guest/stack.h"
#include "shim/record/rows.h"
#include "shim/record/thunks.h"
#include "shim/resolve/doubt.h"
#include "shim/resolve/libc.h"
#include "shim/resolve/probe.h"
#include "shim/resolve/taken.h"
#include "shim/state/epoch.h"

enum {
	SITES_MAX = 1 << 20,
	SITES_CHUNK = 256,
	SITES_INDEX_FIRST = 1 << 10,
	ROWS_FIRST_BYTES = 1 << 14,
	ROWS_BLOCK_USUAL = 1 << 18, /* a lane with all its rows has 20 blocks */
	ROWS_BLOCK_MAX = 1 << 21,
	ROWS_USUAL = 20,
	INDEX_FIRST = 512,
	ROWS_KEPT = 64, /* for coarse ones, of a process that has given up the system calls by which blocks are made */
	ROUTINES_MAX = 8192,
	SYMBOL_TEXT = 128, /* bytes of a symbol's name */
};

/* A name and what goes with it, of work charged by hand. */
struct manual_site {
	uint64_t lengths;
	uint32_t check, number;
	bool used;
};

/* Of as many places so many are for names with details, and so many for those and names alone. */
enum {
	MANUAL_FIRST = 1 << 8, /* places to begin with */
	MANUAL_INDEX = 1 << 16,
	MANUAL_DETAILED = MANUAL_INDEX / 2,
	MANUAL_NAMED = MANUAL_INDEX / 8 * 5,
};

/* Read under no lock, and so never freed: the next one is twice as large. */
struct site_index {
	uint32_t mask;      /* places - 1 */
	uint32_t numbers[]; /* of the list, plus 1; 0 is empty */
};

/* What most programs do not outgrow is there from the start, so that it cannot be missing. */
static struct site first_sites[SITES_CHUNK];
static struct site_index first_index = {.mask = SITES_INDEX_FIRST - 1, .numbers = {[SITES_INDEX_FIRST - 1] = 0}};
static struct site *site_chunks[SITES_MAX / SITES_CHUNK] = {first_sites}; /* read under no lock, and so never moved */

static struct {
	struct site_index *index; /* of the sites by (caller, symbol) */
	uint32_t count;
} sites = {.index = &first_index};

static struct {
	struct manual_site *manual;
	uint32_t manual_count, manual_places;
	uint16_t routine_numbers[ROUTINES_MAX]; /* in the dump, plus 1 */
} records;

static struct site *site_at(uint32_t number) { return &site_chunks[number / SITES_CHUNK][number % SITES_CHUNK]; }

/* ---- lanes ---- */

static size_t index_bytes(uint64_t entries) { return sizeof(struct row_index) + entries * sizeof(uint64_t); }

static struct row_index *index_make(uint64_t entries)
{
	struct row_index *index = guest_pages(index_bytes(entries));

	if (!index)
		return NULL;
	guest_populate(index, index_bytes(entries));
	index->mask = entries - 1;
	return index;
}

static bool lane_make(struct thread *thread)
{
	struct row_index *index = index_make(INDEX_FIRST);
	struct dump_lane *lane;

	thread->rows = (struct lane_rows){.index = index, .factors = namespace_factors};
	lane = index ? dump_append(&dump_lanes, &thread->rows.lane) : NULL;
	if (lane) {
		dump_commit(&dump_lanes);
		thread->lane = lane;
	} else if (index) {
		guest_free(index, index_bytes(INDEX_FIRST));
	}
	return lane;
}

void record_begin(void)
{
	if (dump_is_open())
		return;
	dump_open();
	namespace_record();
}

void record_call_lost(void)
{
	guest_lock(&record_lock);
	record_begin();
	dump_header->lost_calls++;
	dump_lose(DUMP_LOST_CALLS);
	guest_unlock(&record_lock);
	dump_flush_due();
}

bool record_lane_take(struct thread *thread)
{
	dump_unseal();
	record_begin();
	if (!thread->lane && !lane_make(thread))
		return false;
	thread->lane->tid = program_thread();
	thread->lane->threads++;
	thread->lane->depth = 0;
	return true;
}

void record_lane_blind(struct thread *thread)
{
	static struct dump_lane lane;
	static struct dump_row rows[ROW_KINDS];

	memset(&lane, 0, sizeof(lane));
	for (unsigned kind = 0; kind < ROW_KINDS; kind++)
		rows[kind] = (struct dump_row){.site = DUMP_NONE, .kind = (uint8_t)kind, .flags = DUMP_ROW_COARSE};
	thread->lane = &lane;
	thread->rows.block_count = 0;
	thread->rows.overflow = rows;
	memset(thread->rows.index->entries, 0, (thread->rows.index->mask + 1) * sizeof(thread->rows.index->entries[0]));
}

void record_lane_rest(struct thread *thread)
{
	thread->lane->tid = 0;
	thread->lane->depth = 0;
}

/* ---- names ---- */

void record_symbol_name(uint32_t symbol, char *name, size_t size)
{
	static const struct { const char *before, *after_fortran, *after_c; } schemes[SCHEME_COUNT] = {
		[SCHEME_PLAIN] = {"", "_", ""},
		[SCHEME_64_] = {"", "_64_", "64_"},
		[SCHEME_64] = {"", "_64", "_64"},
		[SCHEME_SCIPY] = {"scipy_", "_", ""},
		[SCHEME_SCIPY_64_] = {"scipy_", "_64_", "64_"},
		[SCHEME_UPPER_64] = {"", "_64", "_64"},
		[SCHEME_BARE] = {"", "", ""},
		[SCHEME_BARE_UPPER] = {"", "", ""},
	};
	unsigned scheme = symbol % SCHEME_COUNT;
	const struct form *form = &forms[symbol / SCHEME_COUNT];
	bool fortran = form->interface == FORM_FORTRAN;
	const char *parts[] = {
		schemes[scheme].before,
		fortran ? "" : form->interface == FORM_CBLAS ? "cblas_" : "LAPACKE_",
		routines[form->routine].name,
		form->interface == FORM_LAPACKE_WORK ? "_work" : form->result_pointer ? "_sub" : "",
		fortran ? schemes[scheme].after_fortran : schemes[scheme].after_c,
	};
	size_t end = 0;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const char *at = parts[i]; *at && end + 1 < size; at++)
			name[end++] = *at;
	name[end] = 0;
	if (scheme == SCHEME_UPPER_64 || scheme == SCHEME_BARE_UPPER)
		for (char *at = name; *at; at++)
			*at = (char)toupper(*at);
}

static uint64_t string_of(const char *text) { return dump_string(text, strlen(text)); }

static uint32_t routine_record(uint16_t routine)
{
	const struct family *family = &families[routines[routine].family];
	struct dump_routine *entry;
	uint32_t number;

	if (records.routine_numbers[routine])
		return records.routine_numbers[routine] - 1u;
	entry = dump_append(&dump_routines, &number);
	if (!entry)
		return DUMP_NONE;
	entry->name = string_of(routines[routine].name);
	entry->type = routines[routine].type;
	entry->kind = family->kind;
	entry->option_count = family->option_count;
	entry->dim_count = family->dim_count;
	for (unsigned i = 0; i < family->option_count; i++)
		entry->options[i] = string_of(family->shape_names[i]);
	for (unsigned i = 0; i < family->dim_count; i++)
		entry->dims[i] = string_of(family->shape_names[family->option_count + i]);
	dump_commit(&dump_routines);
	records.routine_numbers[routine] = (uint16_t)(number + 1);
	if (family->kind == PRICE_NONE)
		dump_note(DUMP_NOTE_OUTER_UNPRICED, routines[routine].name, 0);
	return number;
}

static uint32_t module_record(struct module *module)
{
	struct dump_module *entry;
	const char *path;

	if (!module)
		return DUMP_NONE;
	if (module->dump_number == DUMP_NONE) {
		entry = dump_append(&dump_modules, &module->dump_number);
		if (!entry)
			return module->dump_number = DUMP_NONE;
		path = *module->path ? module->path : program_path();
		entry->path = string_of(path);
		entry->start = module->start;
		entry->end = module->end;
		entry->bias = module->bias;
		entry->build_id_size = module->build_id_size;
		memcpy(entry->build_id, module->build_id, module->build_id_size);
		dump_commit(&dump_modules);
		module->dump_entry = entry;
	}
	if (module->dump_entry) {
		dump_unseal();
		module->dump_entry->flags |= (module->flags & MODULE_SERVES ? DUMP_MODULE_SERVES : 0) |
					     (module->flags & MODULE_ILP64 ? DUMP_MODULE_ILP64 : 0) |
					     (module_is_blas(module, false) ? DUMP_MODULE_BLAS : 0);
	}
	return module->dump_number;
}

void record_address(uint64_t address)
{
	struct module *module = module_of((const void *)address);

	if (!module && module_refresh()) {
		epoch_next();
		module = module_of((const void *)address);
	}
	module_record(module);
}

/* ---- sites ---- */

/* Parts of a routine that its own threads run: never at top level. */
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

/* A question to a callee, without an answer to which the arguments of its calls cannot be read. */
struct question {
	void *function; /* what must be called; NULL: there is none */
	bool of_result; /* where a complex result goes, probe_hides_result; else the width of integers, probe_is_ilp64 */
};

/* The width is known when there is nothing to ask. */
static struct question width_question(struct module *callee, unsigned scheme)
{
	if (scheme_is_64(scheme))
		callee->flags |= MODULE_PROBED | MODULE_ILP64;
	return (struct question){module_probe(callee, scheme == SCHEME_SCIPY ? "scipy_isamax_" : "isamax_"), false};
}

/* What must be asked before the arguments of a call can be read. */
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

/* What serves the call decides how its arguments are read, and whether they are. Returns what it must be asked first. */
static struct question site_judge(struct site *site, unsigned scheme, struct module *callee, struct module *caller)
{
	bool bare = symbol_is_bare(scheme);
	struct question question = {NULL, false};

	if (!callee || !module_is_blas(callee, bare) || (bare && !config.bare_names) ||
	    doubt_is_refuted(site->real, callee)) {
		site->flags |= SITE_PASS;
		if (callee && (!bare || config.bare_names))
			dump_note(DUMP_NOTE_NOT_BLAS, *callee->path ? callee->path : program_path(), 0);
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
		epoch_next(); /* calls from inside it look different now */
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

/* Others may be reading: what they copy counts only if the epoch was the same before and after. */
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

/* Another thread, or this one before it forgot, has resolved it in this epoch. Takes no lock. */
static bool site_known(uint64_t caller, uint32_t symbol, struct site *site)
{
	const struct site_index *index = __atomic_load_n(&sites.index, __ATOMIC_ACQUIRE);
	uint32_t at = site_place(caller, symbol), number, epoch = flopshim_epoch;

	for (; (number = __atomic_load_n(&index->numbers[at & index->mask], __ATOMIC_ACQUIRE)); at++) {
		struct site *known = site_at(number - 1);

		if (atomic_load_explicit(&known->epoch, memory_order_acquire) != epoch || known->caller != caller ||
		    known->symbol != symbol || known->flags & SITE_BY_VALUE)
			continue;
		*site = (struct site){.caller = caller, .symbol = symbol, .number = known->number, .flags = known->flags,
				      .form = known->form, .real = known->real};
		atomic_thread_fence(memory_order_acquire);
		return atomic_load_explicit(&known->epoch, memory_order_relaxed) == epoch && epoch == flopshim_epoch;
	}
	return false;
}

/* The symbol that was asked for, where a thunk stands for it; *thunk is NULL where none does. */
static uint32_t symbol_named(uint32_t symbol, const struct thunk **thunk)
{
	*thunk = symbol >= THUNK_FIRST ? thunk_at(symbol - THUNK_FIRST) : NULL;
	return *thunk ? (*thunk)->symbol : symbol;
}

/* Where on the stack this thread asks a library a question, by which routine; 0: it does not. */
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

/* A signal handler may call BLAS meanwhile, and its calls are the program's. */
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
 * Who calls which function; that it is there at all. False with site->real where the object around that must be asked for
 * its integers first.
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

/* Resolves a site. Where its callee must be asked first, *question says what; its function is NULL otherwise. */
static bool site_make(uint64_t caller, uint32_t symbol, void *enclosing, entry_frame frame, struct site *site,
		      struct question *question)
{
	const struct thunk *thunk;
	unsigned scheme = symbol_named(symbol, &thunk) % SCHEME_COUNT;
	struct module *caller_module;

	if (module_refresh())
		epoch_next();
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

/* What site_make is given, and whether it has made the site: finding a symbol takes stack that a call may not have. */
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
	/* Not 0 where a signal handler's call interrupts this same question. */
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

/* The number in the dump of the same file, if it was loaded elsewhere before; DUMP_NONE if not. */
static uint32_t module_twin(const struct module *module)
{
	if (!module->build_id_size || module->flags & MODULE_START)
		return DUMP_NONE;
	for (uint32_t i = dump_modules.count; i--;) {
		const struct dump_module *entry = dump_entry_numbered(DUMP_MODULES, i);

		if (entry && entry->build_id_size == module->build_id_size &&
		    !memcmp(entry->build_id, module->build_id, module->build_id_size) &&
		    dump_text_is(entry->path, module->path))
			return i;
	}
	return DUMP_NONE;
}

/* Whether it is this place of `module`, which the dump knows by `number`. */
static bool is_place_in(const struct dump_site *entry, const struct module *module, uint32_t number, uint64_t address)
{
	const struct dump_module *known = dump_entry_numbered(DUMP_MODULES, number);

	return entry->caller_module == number && known && entry->caller - known->bias == address - module->bias;
}

/*
 * The number of the same site, if its library was loaded and unloaded, and is now elsewhere: what a program loads a
 * thousand times has the sites that it has once. DUMP_NONE for a new one.
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
	entry->symbol = string_of(name);
	entry->routine = routine_record(site->form->routine);
	entry->caller_module = module_record(module_of((const void *)site->caller));
	entry->callee_module = module_record(module_of(site->real));
	dump_commit(&dump_sites);
	return true;
}

/* Sites of nested calls, which are many, never come here: they are not in the dump. */
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

/* What the linker says, where the list of modules has nothing: only a process without memory has no whole list. */
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
		real_of_linker(symbol, caller); /* or nobody defines it */
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
	if (module_refresh())
		epoch_next();
	/* What would have to be asked is not: there is no time for questions here. */
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

/* ---- rows ---- */

/* Without memory the old one gets slower, until it is full. */
static void index_grow(struct lane_rows *rows)
{
	struct row_index *old = rows->index, *index;

	guest_lock(&record_lock);
	index = rows->index == old ? index_make((old->mask + 1) * 2) : NULL;
	for (uint64_t i = 0; index && i <= old->mask; i++)
		if (old->entries[i])
			row_index_put(index, row_of_entry(old->entries[i]), row_entry_tag(old->entries[i]));
	if (index)
		rows->index = index;
	else if (rows->index == old && rows->count >= old->mask / 4 * 3)
		rows->coarse = true;
	guest_unlock(&record_lock);
}

/*
 * The rows that all new shapes share from now on, one for each kind, so that what was refused does not count as done: totals
 * stay exact, what they were is lost.
 */
static void overflow_begin(struct lane_rows *rows, struct dump_part *block)
{
	struct dump_row *first = row_at(block, row_block_room(block));

	for (unsigned kind = 0; kind < ROW_KINDS; kind++)
		first[kind] = (struct dump_row){.site = DUMP_NONE, .kind = (uint8_t)kind, .flags = DUMP_ROW_COARSE};
	rows->overflow = first;
	row_block_publish(rows, block);
}

/*
 * Each block is made at once, so that one much larger than what is needed costs more than to make another. Beyond the rows
 * that a lane may have only coarse ones and what is charged by hand come, and nobody knows how many.
 */
static uint64_t block_next_size(const struct lane_rows *rows, const struct dump_part *last)
{
	if (!last)
		return ROWS_FIRST_BYTES;
	if (last->size == ROWS_BLOCK_MAX || (last->size == ROWS_BLOCK_USUAL && rows->block_count < ROWS_USUAL))
		return last->size;
	return last->size * 2;
}

/* Another block; NULL if there is none to be had, and then there may be overflow rows. */
static struct dump_part *block_next(struct lane_rows *rows, struct dump_part *last)
{
	struct dump_part *block = NULL;

	guest_lock(&record_lock);
	if (rows->block_count && rows->blocks[rows->block_count - 1] != last)
		block = rows->blocks[rows->block_count - 1];
	else if (!rows->overflow && rows->block_count < ROW_BLOCKS_MAX)
		block = dump_block_add(DUMP_ROWS, sizeof(struct dump_row), block_next_size(rows, last), rows->lane,
				       last ? last->first + (uint32_t)last->capacity : 0);
	if (last && !rows->overflow && (!block || dump_is_cut())) {
		overflow_begin(rows, last);
		block = NULL;
	}
	if (block && block != (rows->block_count ? rows->blocks[rows->block_count - 1] : NULL))
		rows->blocks[rows->block_count++] = block;
	guest_unlock(&record_lock);
	return block;
}

/*
 * Of calls whose lane has no memory for any row. Coarse, so that each brings its own price, and limits hold; many threads
 * write what nobody reads.
 */
static struct dump_row row_lost = {.site = DUMP_NONE, .flags = DUMP_ROW_COARSE};

/* Where the index cannot grow any more; some of it must be free for a search to end. */
static bool index_is_full(const struct lane_rows *rows) { return rows->count >= rows->index->mask / 8 * 7; }

/* A call that runs without a row: what was refused did not run, and what was rejected has been lost before. */
static void row_lose(struct thread *thread, enum dump_row_kind kind)
{
	if (kind == DUMP_ROW_REFUSED || kind == DUMP_ROW_REJECTED)
		return;
	thread->lane->lost_calls++;
	dump_lose_unlocked(DUMP_LOST_CALLS);
}

/*
 * A new row, zeroed, to be filled and given to row_finish with *block, where it is. Where *block is NULL, it is a row that
 * stands in for all that have none, and complete.
 */
static struct dump_row *row_place_new(struct thread *thread, enum dump_row_kind kind, struct dump_part **block)
{
	struct lane_rows *rows = &thread->rows;
	struct dump_part *last = rows->block_count ? rows->blocks[rows->block_count - 1] : NULL;
	struct dump_row *row;

	*block = NULL;
	if (index_is_full(rows)) { /* nobody would find it */
		if (!rows->overflow)
			overflow_begin(rows, last);
		return &rows->overflow[kind];
	}
	while (!last || !(row = row_take(last))) {
		last = rows->overflow ? NULL : block_next(rows, last);
		if (!last && rows->overflow)
			return &rows->overflow[kind];
		if (!last) {
			row_lose(thread, kind);
			return &row_lost;
		}
	}
	*block = last;
	return row;
}

/* How many rows the last block takes yet. */
static uint64_t rooms_left(const struct lane_rows *rows)
{
	const struct dump_part *block = rows->block_count ? rows->blocks[rows->block_count - 1] : NULL;

	return block && block->taken < row_block_room(block) ? row_block_room(block) - block->taken : 0;
}

static void row_finish(struct lane_rows *rows, struct dump_part *block, struct dump_row *row, uint64_t hash)
{
	row_end(rows, block, row, hash, row->flags & DUMP_ROW_COARSE);
	if (rows->count * 2 > rows->index->mask)
		index_grow(rows);
}

/* The price of a row's calls. */
static void row_price(struct dump_row *row, const struct routine *routine, struct shape *shape, uint32_t namespace_id)
{
	struct price price;

	row->charged = weights_price_inline(routine, shape, families[routine->family].option_count, namespace_id, &price);
	row->flops = price.flops;
	row->words = price.words;
	row->flags |= price.saturated ? DUMP_ROW_SATURATED : 0;
}

/* A row that the index has not got. A coarse one has no price: each call brings its own. */
static inline __attribute__((always_inline)) struct dump_row *
row_add(struct thread *thread, const struct site *site, struct shape *shape, uint64_t hash, uint32_t namespace_id,
	enum dump_row_kind kind, uint8_t flags)
{
	const struct routine *routine = &routines[site->form->routine];
	struct dump_part *block;
	struct dump_row *row = row_place_new(thread, kind, &block);

	if (!block)
		return row;
	row->site = site->number;
	row->namespace_id = namespace_id;
	row->kind = (uint8_t)kind;
	row->flags = flags;
	row->options = shape->options;
	for (unsigned i = 0; i < families[routine->family].dim_count; i++)
		row->dims[i] = shape->dims[i];
	if (kind != DUMP_ROW_QUERY && kind != DUMP_ROW_REJECTED && !(flags & DUMP_ROW_COARSE))
		row_price(row, routine, shape, namespace_id);
	row_finish(&thread->rows, block, row, hash);
	return row;
}

/* Of a lane that has all the rows that it may have. */
static RARE struct dump_row *row_coarse(struct thread *thread, const struct site *site, const struct shape *shape,
					uint32_t namespace_id, enum dump_row_kind kind, uint8_t flags)
{
	unsigned dims = families[routines[site->form->routine].family].dim_count;
	uint64_t place = row_place(site->number, namespace_id), hash;
	struct dump_row *row;
	struct shape key;

	hash = shape_coarsen(shape, dims, place, &key);
	flags |= DUMP_ROW_COARSE;
	dump_lose_unlocked(DUMP_COARSE_SHAPES);
	row = row_find(thread->rows.index, hash, place, row_sort(kind, flags), &key, dims);
	return row ? row : row_add(thread, site, &key, hash, namespace_id, kind, flags);
}

/* Whether its price fits is not known before it is found. */
static RARE struct dump_row *row_known(const struct row_index *index, uint64_t hash, uint64_t place, uint32_t sort,
				       const struct shape *shape, unsigned dims)
{
	struct dump_row *row = row_find(index, hash, place, sort, shape, dims);

	return row ? row : row_find(index, hash, place, sort | row_sort(0, DUMP_ROW_SATURATED), shape, dims);
}

struct dump_row *record_row(struct thread *thread, const struct site *site, struct shape *shape,
			    uint32_t namespace_id, enum dump_row_kind kind, uint8_t flags)
{
	unsigned dims = families[routines[site->form->routine].family].dim_count;
	uint64_t place = row_place(site->number, namespace_id), hash = shape_hash(shape, dims, place);
	struct dump_row *row = row_known(thread->rows.index, hash, place, row_sort(kind, flags), shape, dims);

	if (row)
		return row;
	if (thread->rows.overflow && kind == DUMP_ROW_CALL)
		return thread->rows.overflow;
	if (guest_confined && rooms_left(&thread->rows) <= ROWS_KEPT)
		thread->rows.coarse = true;
	if (thread->rows.coarse)
		return row_coarse(thread, site, shape, namespace_id, kind, flags);
	return row_add(thread, site, shape, hash, namespace_id, kind, flags);
}

struct dump_row *record_row_like(struct thread *thread, const struct dump_row *row, const struct form *form,
				 enum dump_row_kind kind, uint8_t flags)
{
	struct site site = {.number = row->site, .form = form};
	struct shape shape = {.options = row->options};
	uint32_t namespace_id = __atomic_load_n(&row->namespace_id, __ATOMIC_RELAXED);

	/* What stands in the dump may have been written by anybody. */
	namespace_id = namespace_id < namespace_count() ? namespace_id : 0;
	kind = (uint32_t)kind < ROW_KINDS ? kind : DUMP_ROW_CALL;
	memcpy(shape.dims, row->dims, sizeof(shape.dims));
	return record_row(thread, &site, &shape, namespace_id, kind, flags);
}

uint32_t record_row_number(const struct thread *thread, const struct dump_row *row)
{
	for (uint32_t i = thread->rows.block_count; i--;) {
		const struct dump_part *block = thread->rows.blocks[i];
		uint64_t distance = (uint64_t)row - (uint64_t)block->entries;

		if (distance < block->capacity * sizeof(struct dump_row) && distance % sizeof(struct dump_row) == 0)
			return block->first + (uint32_t)(distance / sizeof(struct dump_row));
	}
	return DUMP_NONE;
}

void record_saturated(void)
{
	__atomic_fetch_add(&dump_header->saturated, 1, __ATOMIC_SEQ_CST);
	dump_unseal_unlocked();
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

void record_rows_priced(struct lane_rows *rows)
{
	if (rows->factors == namespace_factors)
		return;
	rows->factors = namespace_factors;
	memset(rows->index->entries, 0, (rows->index->mask + 1) * sizeof(rows->index->entries[0]));
}

/* ---- work charged by hand ---- */

/* Where the pair with this check word and these lengths is, or is to be put. */
static struct manual_site *manual_place(uint32_t check, uint64_t lengths)
{
	uint32_t at = check % records.manual_places;

	while (records.manual[at].used && (records.manual[at].check != check || records.manual[at].lengths != lengths))
		at = (at + 1) % records.manual_places;
	return &records.manual[at];
}

/* Keeps half of the places empty, or an eighth where there is no memory for more. */
static bool manual_has_room(void)
{
	struct manual_site *old = records.manual;
	uint32_t places = records.manual_places, larger = old ? 2 * places : MANUAL_FIRST;

	if (old && (records.manual_count < places / 2 || places == MANUAL_INDEX))
		return true;
	records.manual = guest_pages(larger * sizeof(struct manual_site));
	if (!records.manual) {
		records.manual = old;
		return old && records.manual_count < places - places / 8;
	}
	records.manual_places = larger;
	for (uint32_t i = 0; i < places; i++)
		if (old[i].used)
			*manual_place(old[i].check, old[i].lengths) = old[i];
	if (old)
		guest_free(old, places * sizeof(*old));
	return true;
}

/* Found, or made if fewer than `most` are there. */
static struct manual_site *manual_find(const char *operation, const char *detail, uint32_t most)
{
	uint32_t check = dump_check(operation, strlen(operation)) ^ dump_check(detail, strlen(detail)) * 31;
	uint64_t lengths = strlen(operation) << 32 | strlen(detail);
	bool has_room = manual_has_room();
	struct dump_site *entry;
	struct manual_site *site;

	if (!records.manual)
		return NULL;
	site = manual_place(check, lengths);
	if (site->used)
		return site;
	if (!has_room || records.manual_count >= most)
		return NULL;
	entry = dump_append(&dump_sites, &site->number);
	if (!entry)
		return NULL;
	entry->symbol = string_of(operation);
	entry->detail = *detail ? string_of(detail) : 0;
	entry->routine = entry->caller_module = entry->callee_module = DUMP_NONE;
	dump_commit(&dump_sites);
	site->check = check;
	site->lengths = lengths;
	site->used = true;
	records.manual_count++;
	return site;
}

/* What has no place of its own is charged without its details, and then without its name. */
static struct manual_site *manual_site(const char *operation, const char *detail)
{
	struct manual_site *site = manual_find(operation, detail, MANUAL_DETAILED);

	if (site || !records.manual)
		return site;
	dump_lose(DUMP_COARSE_SHAPES);
	site = manual_find(operation, "", MANUAL_NAMED);
	return site ? site : manual_find("others", "", MANUAL_INDEX - 1);
}

uint64_t record_manual_price(uint64_t flops, uint32_t namespace_id, bool *saturated)
{
	return weights_apply(NULL, namespace_multiplier(namespace_id), flops, saturated);
}

struct dump_row *record_manual_row(struct thread *thread, const char *operation, const char *detail, uint64_t flops,
				   uint32_t namespace_id, enum dump_row_kind kind, uint8_t flags)
{
	struct shape key = {.dims = {(int64_t)flops}};
	struct dump_row filled = {.namespace_id = namespace_id, .kind = (uint8_t)kind, .flags = flags, .flops = flops};
	const struct manual_site *site;
	struct dump_part *block;
	struct dump_row *row;
	uint64_t hash, place;
	bool saturated = false;

	guest_lock(&record_lock);
	site = manual_site(operation, detail);
	filled.site = site ? site->number : DUMP_NONE;
	guest_unlock(&record_lock);
	if (!site)
		return NULL;
	filled.charged = record_manual_price(flops, namespace_id, &saturated);
	filled.flags |= saturated ? DUMP_ROW_SATURATED : 0;
	place = row_place(filled.site, namespace_id);
	hash = shape_hash(&key, 1, place);
	row = row_find(thread->rows.index, hash, place, row_sort(kind, filled.flags), &key, 1);
	if (row)
		return row;
	if (thread->rows.coarse) {
		key.dims[0] = dim_coarsen((int64_t)flops);
		hash = shape_hash(&key, 1, place);
		filled.flags |= DUMP_ROW_COARSE;
		filled.flops = filled.charged = 0;
		dump_lose_unlocked(DUMP_COARSE_SHAPES);
		row = row_find(thread->rows.index, hash, place, row_sort(kind, filled.flags), &key, 1);
		if (row)
			return row;
	}
	filled.dims[0] = key.dims[0];
	row = row_place_new(thread, kind, &block);
	if (block) {
		*row = filled;
		row_finish(&thread->rows, block, row, hash);
	}
	return row;
}

void record_forked(void)
{
	memset(records.routine_numbers, 0, sizeof(records.routine_numbers));
	module_forked();
	sites.count = 0;
	/* In place, even if it was a signal handler that forked in the middle of a read: that finds nothing then. */
	memset(sites.index->numbers, 0, ((uint64_t)sites.index->mask + 1) * sizeof(sites.index->numbers[0]));
	if (records.manual)
		memset(records.manual, 0, records.manual_places * sizeof(struct manual_site));
	records.manual_count = 0;
}
