/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * got_oracle.c - a preload that checks the shim's resolver against the dynamic linker itself. It is linked with the
 * resolver of shim/resolve and interposes nothing but dlopen, so that under LD_BIND_NOW every slot of every global offset
 * table holds the definition that the shim has to find for a caller in that object.
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

struct config config; /* quiet or verbose: the resolver's helpers ask */

/* The resolver knows its own object by them: here, the object that it must never answer with. */
static const struct entry_places places __attribute__((section("flopshim_places"), used));

enum { SHOWN_MAX = 20 };

struct tally {
	FILE *out;
	long agree, disagree, undefined, objects;
};

/* One loaded object's dynamic section, as far as it is needed here. */
struct object {
	const char *path;
	uintptr_t bias;
	const void *code; /* an address that stands for a return address in this object */
	const ElfW(Sym) *symbols;
	const char *strings;
	struct relocations {
		const ElfW(Rela) *list;
		size_t count;
	} relocations[2];
};

void *(*libc_dlsym)(void *, const char *) = dlsym; /* RTLD_NEXT means behind this object, which stands where the shim would */

void epoch_next(void) {} /* nothing is remembered here that a change of the list of objects could make stale */
void speak(const char *line, size_t length)
{
	(void)line, (void)length;
	abort(); /* nor says anything */
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length > end && strcmp(name + length - end, suffix) == 0;
}

/* Taken generously: the resolver must be right for every name, but the C library's have versions. */
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

static bool is_function_slot(const ElfW(Rela) *relocation)
{
	switch (ELF64_R_TYPE(relocation->r_info)) {
#if defined(__x86_64__)
	case R_X86_64_JUMP_SLOT:
	case R_X86_64_GLOB_DAT:
	case R_X86_64_64:
		return true;
#elif defined(__aarch64__)
	case R_AARCH64_JUMP_SLOT:
	case R_AARCH64_GLOB_DAT:
	case R_AARCH64_ABS64:
		return true;
#endif
	default:
		return false;
	}
}

static const char *object_name(const void *address)
{
	Dl_info info;

	if (!address)
		return "nothing";
	return dladdr(address, &info) && info.dli_fname ? info.dli_fname : "no object";
}

static void check_slot(struct tally *tally, const struct object *object, const ElfW(Rela) *relocation)
{
	const ElfW(Sym) *symbol = &object->symbols[ELF64_R_SYM(relocation->r_info)];
	const char *name = object->strings + symbol->st_name;
	const void *bound, *found;

	/* COMMON blocks of Fortran have such names too; a copy relocation may have moved them. */
	if (!is_function_slot(relocation) || ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT || !looks_like_blas(name))
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
	/* The vDSO's pointers are not relocated, and it binds nothing. */
	if ((uintptr_t)object.strings < object.bias || !object.symbols || !object.code)
		return 0;
	tally->objects++;
	for (int table = 0; table < 2; table++)
		for (size_t i = 0; i < object.relocations[table].count; i++)
			check_slot(tally, &object, &object.relocations[table].list[i]);
	return 0;
}

static void *(*dlopen_real)(const char *, int);

static void __attribute__((constructor)) start(void)
{
	*(void **)&dlopen_real = dlsym(RTLD_NEXT, "dlopen");
	module_init();
	module_start();
}

/* As the shim's, by a jump: the C library must see the program as the caller. */
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
