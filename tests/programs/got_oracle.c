/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * got_oracle.c - a preloaded object that compares the shim's resolver with the dynamic linker itself. It is linked with
 * the resolver of shim/resolve and interposes nothing but dlopen, so that under LD_BIND_NOW every entry of every global
 * offset table holds the definition that the resolver has to find for a caller in that object.
 *
 * At the end of the process it appends a line "AGREE DISAGREE UNDEFINED OBJECTS", and one for each disagreement,
 * to the file GOT_ORACLE_OUT. It must never print anywhere else.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/guest/config.h"
#include "shim/resolve/libc.h"
#include "shim/resolve/resolve.h"
#include "shim/guest/speak.h"
#include "shim/state/entry.h"

struct config config; /* the resolver's helpers read whether the user wants few or many messages */

/* By these the resolver knows its own object, which it must never return as the meaning of a name. */
static const struct entry_places places __attribute__((section("flopshim_places"), used));

enum { SHOWN_MAX = 20 };

struct tally {
	FILE *out;
	long agree, disagree, undefined, objects;
};

/* What is needed of the dynamic section of a loaded object. */
struct object {
	const char *path;
	uintptr_t bias;
	const void *code; /* an address that stands for a return address in this object */
	const ElfW(Sym) * symbols;
	const char *strings;
	struct relocations {
		const ElfW(Rela) * list;
		size_t count;
	} relocations[2];
};

void *(*libc_dlsym)(void *,
                    const char *) = dlsym; /* RTLD_NEXT searches behind this object, which is where the shim would be */

void epoch_next(void) {} /* the resolver remembers nothing here that a change of the loaded objects makes stale */
void speak(const char *line, size_t length)
{
	(void)line, (void)length;
	abort(); /* the resolver must not print a message here */
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length > end && strcmp(name + length - end, suffix) == 0;
}

/*
 * Returns whether a name may be a BLAS routine. More names than these would do too, but those of the C library have
 * versions.
 */
static bool looks_like_blas(const char *name)
{
	if (!strncmp(name, "scipy_", 6))
		name += 6;
	if (!strncmp(name, "cblas_", 6) || !strncmp(name, "LAPACKE_", 8))
		return true;
	if (!strchr("sdczi", *name) || has_suffix(name, "__") || strlen(name) < 4)
		return false;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
		return false;
	return has_suffix(name, "_") || has_suffix(name, "_64");
}

static bool is_function_entry(const ElfW(Rela) * relocation)
{
	switch (ELF64_R_TYPE(relocation->r_info)) {
#if defined(__x86_64__)
	case R_X86_64_JUMP_SLOT:
	case R_X86_64_GLOB_DAT:
	case R_X86_64_64: return true;
#elif defined(__aarch64__)
	case R_AARCH64_JUMP_SLOT:
	case R_AARCH64_GLOB_DAT:
	case R_AARCH64_ABS64: return true;
#endif
	default: return false;
	}
}

static const char *object_name(const void *address)
{
	Dl_info info;

	if (!address)
		return "nothing";
	return dladdr(address, &info) && info.dli_fname ? info.dli_fname : "no object";
}

static void check_entry(struct tally *tally, const struct object *object, const ElfW(Rela) * relocation)
{
	const ElfW(Sym) *symbol = &object->symbols[ELF64_R_SYM(relocation->r_info)];
	const char *name = object->strings + symbol->st_name;
	const void *bound, *found;

	/* Symbols of data are skipped: Fortran's COMMON blocks, too, which a copy relocation may have moved. */
	if (!is_function_entry(relocation) || ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT || !looks_like_blas(name))
		return;
	bound = *(const void *const *)(object->bias + relocation->r_offset);
	found = resolve_as_caller(name, object->code);
	if (!bound && !found)
		tally->undefined++;
	else if (bound == found)
		tally->agree++;
	else if (++tally->disagree <= SHOWN_MAX)
		fprintf(tally->out, "# %s of %s: the linker took %s, the resolver %s\n", name, object->path,
		        object_name(bound), object_name(found));
}

static int check_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct object object = {.path = info->dlpi_name, .bias = info->dlpi_addr};
	const ElfW(Dyn) *dynamic = NULL;
	struct tally *tally = context;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_DYNAMIC)
			dynamic = (const ElfW(Dyn) *)(info->dlpi_addr + segment->p_vaddr);
		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X)
			object.code = (const void *)(info->dlpi_addr + segment->p_vaddr);
	}
	for (; dynamic && dynamic->d_tag; dynamic++) {
		ElfW(Addr) value = dynamic->d_un.d_ptr;

		switch (dynamic->d_tag) {
		case DT_STRTAB: object.strings = (const char *)value; break;
		case DT_SYMTAB: object.symbols = (const ElfW(Sym) *)value; break;
		case DT_JMPREL: object.relocations[0].list = (const ElfW(Rela) *)value; break;
		case DT_PLTRELSZ: object.relocations[0].count = value / sizeof(ElfW(Rela)); break;
		case DT_RELA: object.relocations[1].list = (const ElfW(Rela) *)value; break;
		case DT_RELASZ: object.relocations[1].count = value / sizeof(ElfW(Rela)); break;
		}
	}
	/* The vDSO is skipped: it binds no symbol, and the pointers in its dynamic section are not relocated. */
	if ((uintptr_t)object.strings < object.bias || !object.symbols || !object.code)
		return 0;
	tally->objects++;
	for (int table = 0; table < 2; table++)
		for (size_t i = 0; i < object.relocations[table].count; i++)
			check_entry(tally, &object, &object.relocations[table].list[i]);
	return 0;
}

static void *(*dlopen_real)(const char *, int);

static void __attribute__((constructor)) start(void)
{
	*(void **)&dlopen_real = dlsym(RTLD_NEXT, "dlopen");
	module_init();
	module_start();
}

/* dlopen, by a jump like the shim's, so that the C library sees the program as the caller. */
__attribute__((visibility("default"), optimize("O2"))) void *dlopen(const char *path, int flags)
{
	if (!dlopen_real)
		start();
	module_opened(path, flags);
	return dlopen_real(path, flags);
}

static void __attribute__((destructor)) compare(void)
{
	const char *path = getenv("GOT_ORACLE_OUT");
	struct tally tally = {.out = path ? fopen(path, "ae") : NULL};

	if (!tally.out)
		return;
	dl_iterate_phdr(check_object, &tally);
	fprintf(tally.out, "%ld %ld %ld %ld\n", tally.agree, tally.disagree, tally.undefined, tally.objects);
	fclose(tally.out);
}
