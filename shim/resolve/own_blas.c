/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_blas.c - finds objects that contain routines of BLAS and call them directly, so that the shim cannot see the
 * calls.
 * It must never name an object that serves as a BLAS to others: their calls are counted, and calls inside it are
 * nested.
 *
 * A program's own definitions come before all others, the shim's too. A library's calls of its own routines stay
 * inside it if it was linked with -Bsymbolic (which its dynamic section says) or -Bsymbolic-functions (which leaves
 * no relocation for them), if the names are protected, or if the dynamic linker does not know them at all. Functions
 * of the last kind are found in the file, if that was not stripped.
 */
#include "shim/resolve/own_blas.h"

#include <elf.h>
#include <limits.h>
#include <link.h>
#include <string.h>

#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/resolve/blas_name.h"
#include "shim/resolve/file_symbols.h"
#include "shim/resolve/object.h"
#include "shim/resolve/relocations.h"
#include "shim/resolve/resolve.h"
#include "names.h"

enum { NAMES_MAX = 400 }; /* bytes of names in a message or note */

/* What was found out about one object. */
struct own {
	struct module *module;
	bool is_program;
	bool is_symbolic; /* linked with -Bsymbolic */
	unsigned open;    /* how many routines that the dynamic linker knows it defines */
	unsigned bound;   /* how many of these its own calls reach without the dynamic linker */
	unsigned inside;  /* how many routines that the dynamic linker does not know it has */
	bool is_more;     /* other objects can call something in it that is no routine, which may use the routines */
	bool is_blas;     /* one of the names in the last two is no ordinary word */
	unsigned shown;   /* how many names fit into `names` */
	char names[NAMES_MAX];
};

/* ---- which routines it contains ---- */

static bool is_served(const char *name) { return resolve_own_name(name) >= 0; }

/* Whether the table has this name, with an underscore or prefix: bare names such as dot are too common. */
static bool is_routine(const char *name)
{
	int32_t symbol = resolve_own_name(name);

	return symbol >= 0 && !symbol_is_bare((uint32_t)symbol);
}

/* Whether a name of the table is common for other functions, too. */
static bool is_ordinary(const char *name)
{
	uint32_t symbol = (uint32_t)resolve_own_name(name);

	return blas_name_is_ordinary(routines[forms[symbol / SCHEME_COUNT].routine].name);
}

/* Adds a name to those that are shown. Only the first ones fit: a whole BLAS has thousands. */
static void name_add(struct own *own, const char *name)
{
	size_t end = strlen(own->names);

	own->is_blas |= !is_ordinary(name);
	if (end + strlen(name) + sizeof(", ") > sizeof(own->names))
		return;
	guest_print(own->names, sizeof(own->names), &end, "%s%s", end ? ", " : "", name);
	own->shown++;
}

/* Whether a name is no routine's, not even one that the table excludes or lacks. */
static bool is_no_routine(const char *name)
{
	return !is_served(name) && !blas_name_is_excluded(name) && !blas_name_is_unserved(name, is_served);
}

/* Counts a routine that the dynamic linker knows, and adds its name if the object's own calls of it stay inside. */
static void take_open(const char *name, bool is_protected, void *context)
{
	struct own *own = context;

	if (!is_routine(name)) {
		own->is_more |= is_no_routine(name);
		return;
	}
	own->open++;
	if (!own->is_program && !own->is_symbolic && !is_protected)
		return;
	own->bound++;
	name_add(own, name);
}

/* Sets *context, a bool, if the name is that of a routine. */
static void take_any(const char *name, bool is_protected, void *context)
{
	(void)is_protected;
	*(bool *)context |= is_routine(name);
}

/* Adds a routine that the dynamic linker does not know. */
static void take_inside(const char *name, void *context)
{
	struct own *own = context;

	if (!is_routine(name) || module_symbol(own->module, name))
		return;
	own->inside++;
	name_add(own, name);
}

/*
 * Adds a routine of an object that was linked with -Bsymbolic-functions: none of its relocations names a routine of
 * its own.
 */
static void take_unreferenced(const char *name, bool is_protected, void *context)
{
	(void)is_protected;
	if (is_routine(name))
		name_add(context, name);
}

static void symbolic_visit(const ElfW(Dyn) * entry, void *context)
{
	*(bool *)context |=
		entry->d_tag == DT_SYMBOLIC || (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_SYMBOLIC);
}

/*
 * Whether the object was preloaded: it came with the program, which does not need it. A tracer, for instance, defines
 * routines to intercept them, and does not call them itself.
 */
static bool is_preloaded(const struct module *module)
{
	return module->flags & MODULE_START && !module_needs(module_at(0), module);
}

/*
 * Finds the routines that the object contains and calls directly. That no relocation names its routines also holds for
 * a BLAS whose routines do not call each other and which nobody uses: it must offer something else that may call them.
 */
static void find(struct own *own)
{
	struct module *module = own->module;

	object_each_dynamic(module->flags & MODULE_START, module, symbolic_visit, &own->is_symbolic);
	module_each_definition(module, take_open, own);
	if (own->open && own->is_more && !own->bound && !is_preloaded(module) &&
	    !relocations_name_own(module, is_routine)) {
		own->bound = own->open;
		module_each_definition(module, take_unreferenced, own);
	}
	file_symbols_each(module, take_inside, own);
}

/* ---- whether it serves as a BLAS to others ---- */

/* Whether a file's name is that of a known BLAS or LAPACK. */
static bool is_known_blas(const char *path)
{
	static const char *const names[] = {
		"libblas",  "liblapack", "libcblas",     "libf77blas",        "libptf77blas", "libptcblas",
		"libatlas", "libtatlas", "libsatlas",    "libopenblas",       "libgoto",      "libscipy_openblas",
		"libblis",  "libflame",  "libflexiblas", "libblastrampoline", "libmkl_",      "libarmpl",
		"libnvpl_", "libsci_",   "libessl",      "libgslcblas",       "libRblas",     "libRlapack",
		"libaocl",  "libtmglib",
	};
	const char *name = base_name(path);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

/* A search for a routine that object `by` would find in object `of`. */
struct asked {
	const struct module *of;
	struct module *by;
	bool found;
};

/* Looks whether a name that one object refers to is bound to the other. */
static void asked_visit(const char *name, void *context)
{
	struct asked *asked = context;
	uintptr_t real = !asked->found && is_routine(name) ? (uintptr_t)resolve_in_scope(name, NULL, asked->by) : 0;

	asked->found |= real >= asked->of->start && real < asked->of->end;
}

/* Whether it defines routines that other objects may call, also by dlsym or after being opened later. */
static bool has_open(struct module *module)
{
	bool found = false;

	if (!(module->flags & MODULE_OPEN_COUNTED)) {
		module_each_definition(module, take_any, &found);
		module->flags |= MODULE_OPEN_COUNTED | (found ? MODULE_OPEN : 0);
	}
	return module->flags & MODULE_OPEN;
}

/* Whether it has served calls, or another object's references to routines are bound to it. */
static bool serves_others(const struct module *of)
{
	struct asked asked = {.of = of, .found = (of->flags & (MODULE_SERVES | MODULE_ASKED | MODULE_REFUTED)) != 0};

	for (unsigned i = 0; !asked.found && (asked.by = module_at(i)); i++)
		if (asked.by != of && !(asked.by->flags & MODULE_SELF) && module_uses_blas(asked.by))
			module_each_import(asked.by, asked_visit, &asked);
	return asked.found;
}

/* ---- messages ---- */

/* Appends how many names are not shown. */
static void others_print(const struct own *own, char *text, size_t size, size_t *end)
{
	unsigned others = own->bound + own->inside - own->shown;

	if (others)
		guest_print(text, size, end, " and %u more", others);
}

/* Notes the object's routines in the dump. */
static void note(const struct own *own)
{
	static char text[NAMES_MAX + PATH_MAX + 64]; /* under record_lock */
	size_t end = 0;

	guest_print(text, sizeof(text), &end, "%s", own->names);
	others_print(own, text, sizeof(text), &end);
	guest_print(text, sizeof(text), &end, " in %s", module_file(own->module));
	dump_note(own->is_program ? DUMP_NOTE_OWN_PROGRAM : DUMP_NOTE_OWN_LIBRARY, text, 0);
}

static void sentence_print(const struct own *own, char *sentence, size_t size)
{
	char others[32] = "";
	size_t end = 0;

	others_print(own, others, sizeof(others), &end);
	end = 0;
	guest_print(sentence, size, &end,
	            "%s has a BLAS of its own (%s%s): calls of these are out of reach, neither counted nor limited; %s",
	            module_file(own->module), own->names, others,
	            own->is_program
	                    ? "no library can replace a program's own functions: link the program to a shared BLAS"
	            : own->bound ? "link it to a shared BLAS, or without -Bsymbolic"
	                         : "link it to a shared BLAS instead of a static one");
}

/* Notes the object in the dump and prints the message to `sentence`, each once. Returns whether `sentence` has it. */
static bool tell(struct own *own, char *sentence, size_t size)
{
	struct module *module = own->module;

	if (dump_is_open() && !(module->flags & MODULE_OWN_NOTED)) {
		note(own);
		module->flags |= MODULE_OWN_NOTED;
	}
	if (!sentence || module->flags & MODULE_OWN_SAID)
		return false;
	sentence_print(own, sentence, size);
	module->flags |= MODULE_OWN_SAID;
	return true;
}

bool own_blas_look_at(struct module *module, bool is_last, char *sentence, size_t size)
{
	static struct own own; /* under record_lock */
	bool is_told =
		(!dump_is_open() || module->flags & MODULE_OWN_NOTED) && (!sentence || module->flags & MODULE_OWN_SAID);

	if (module->flags & (MODULE_SELF | MODULE_OWN_NONE) || is_told)
		return false;
	own = (struct own){.module = module, .is_program = !*module->path && module == module_at(0)};
	if (!own.is_program && is_known_blas(*module->soname ? module->soname : module->path)) {
		module->flags |= MODULE_OWN_NONE;
		return false;
	}
	/* Its file is read only now, and once: an object that may serve as a BLAS to others comes here often. */
	if (!own.is_program && has_open(module) && (!is_last || serves_others(module)))
		return false;
	find(&own);
	if (!own.is_blas) {
		module->flags |= MODULE_OWN_NONE;
		return false;
	}
	return tell(&own, sentence, size);
}
