/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file_symbols.c - reads the functions in the symbol table of an object's file.
 * It must never map the file, since it may be truncated meanwhile, nor follow a number in it that leads outside of it.
 */
#include "shim/resolve/file_symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "shim/guest/guest.h"
#include "shim/resolve/module.h"

enum {
	SECTIONS_AT_ONCE = 16,
	SYMBOLS_AT_ONCE = 256,
	HEADERS_MAX = 64,
	NAMES_MAX = 64 << 20, /* bytes of names; a file with more is not read */
};

/* Buffers that are too large for a small stack; under record_lock. `loaded` are program headers in memory. */
static struct {
	ElfW(Phdr) headers[HEADERS_MAX], loaded[HEADERS_MAX];
	ElfW(Shdr) sections[SECTIONS_AT_ONCE];
	ElfW(Sym) symbols[SYMBOLS_AT_ONCE];
} scratch;

static bool read_at(int file, void *to, size_t size, uint64_t offset)
{
	return pread(file, to, size, (off_t)offset) == (ssize_t)size;
}

/*
 * Opens the object's file; -1 if it has none. The program's own is opened by /proc/self/exe, which works even if the
 * file was renamed or removed.
 */
static int file_open(const struct module *module)
{
	const char *path = *module->path ? module_file(module) : "/proc/self/exe";

	return !strchr(path, '/') ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* Whether the file is the one that was loaded: it has the same program headers. */
static bool is_loaded(int file, const ElfW(Ehdr) * header, const struct module *module)
{
	size_t size = module->header_count * sizeof(ElfW(Phdr));

	return !memcmp(header->e_ident, ELFMAG, SELFMAG) && header->e_phnum == module->header_count &&
	       module->header_count <= HEADERS_MAX && header->e_shentsize == sizeof(ElfW(Shdr)) &&
	       read_at(file, scratch.headers, size, header->e_phoff) &&
	       module_peek(module, module->headers, scratch.loaded, size) &&
	       !memcmp(scratch.headers, scratch.loaded, size);
}

/* Finds the header of the section with the symbol table. */
static bool symbols_find(int file, const ElfW(Ehdr) * header, ElfW(Shdr) * table)
{
	for (unsigned at = 0, room; at < header->e_shnum; at += room) {
		room = header->e_shnum - at < SECTIONS_AT_ONCE ? header->e_shnum - at : SECTIONS_AT_ONCE;
		if (!read_at(file, scratch.sections, room * sizeof(*table), header->e_shoff + at * sizeof(*table)))
			return false;
		for (unsigned i = 0; i < room; i++)
			if (scratch.sections[i].sh_type == SHT_SYMTAB) {
				*table = scratch.sections[i];
				return true;
			}
	}
	return false;
}

/* Calls `visit` with each function that the table defines. `names` has `size` bytes and a 0 behind them. */
static void symbols_visit(int file, const ElfW(Shdr) * table, const char *names, size_t size, file_symbol_visit *visit,
                          void *context)
{
	uint64_t count = table->sh_size / sizeof(ElfW(Sym));

	for (uint64_t at = 0, room; at < count; at += room) {
		room = count - at < SYMBOLS_AT_ONCE ? count - at : SYMBOLS_AT_ONCE;
		if (!read_at(file, scratch.symbols, room * sizeof(ElfW(Sym)),
		             table->sh_offset + at * sizeof(ElfW(Sym))))
			return;
		for (uint64_t i = 0; i < room; i++) {
			const ElfW(Sym) *symbol = &scratch.symbols[i];

			if (symbol->st_shndx != SHN_UNDEF && symbol->st_name < size &&
			    (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC ||
			     ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC))
				visit(names + symbol->st_name, context);
		}
	}
}

/* Reads the names of the symbol table, and visits its functions. */
static void names_read(int file, const ElfW(Ehdr) * header, file_symbol_visit *visit, void *context)
{
	ElfW(Shdr) table, strings;
	char *names;

	if (!symbols_find(file, header, &table) || table.sh_link >= header->e_shnum ||
	    !read_at(file, &strings, sizeof(strings), header->e_shoff + table.sh_link * sizeof(strings)) ||
	    !strings.sh_size || strings.sh_size > NAMES_MAX)
		return;
	names = guest_pages(strings.sh_size + 1);
	if (!names)
		return;
	if (read_at(file, names, strings.sh_size, strings.sh_offset))
		symbols_visit(file, &table, names, strings.sh_size, visit, context);
	guest_free(names, strings.sh_size + 1);
}

void file_symbols_each(const struct module *module, file_symbol_visit *visit, void *context)
{
	int file = module->headers ? file_open(module) : -1;
	ElfW(Ehdr) header;

	if (file < 0)
		return;
	if (read_at(file, &header, sizeof(header), 0) && is_loaded(file, &header, module))
		names_read(file, &header, visit, context);
	close(file);
}
