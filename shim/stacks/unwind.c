/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unwind.c - return addresses by libunwind.
 * It must never be linked to libunwind: its _Unwind_ functions would take the place of libgcc's in the program, and
 * make a C++ exception cost thirteen times as much. And it must never let libunwind keep a descriptor: if the program
 * has closed that number and opened a file of its own with it, libunwind would read, write and close that file.
 */
#include "shim/stacks/unwind.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "shim/guest/page.h"
#include "shim/resolve/libc.h"
#include "shim/resolve/module.h"

enum { OWN_FRAMES = 16 }; /* frames of the shim, below the caller's */

static int (*backtrace_function)(void **, int);
static const char *problem; /* why no stack can be taken */

const char *unwind_problem(void) { return problem; }

/* ---- libunwind without its pipe ---- */

/*
 * libunwind tests whether an address can be read by writing what is there to a pipe that it keeps open. Instead of the
 * pipe it gets a number that is no descriptor, and functions that know this number and ask the kernel in another way.
 */
enum { NO_PIPE = 0x7ffffff0 };

static int pipe_instead(int ends[2], int flags)
{
	(void)flags;
	ends[0] = ends[1] = NO_PIPE;
	return 0;
}

static ssize_t read_instead(int file, void *bytes, size_t size)
{
	if (file != NO_PIPE)
		return read(file, bytes, size);
	errno = EAGAIN;
	return -1;
}

static ssize_t write_instead(int file, const void *bytes, size_t size)
{
	if (file != NO_PIPE)
		return write(file, bytes, size);
	if (guest_can_read(bytes))
		return (ssize_t)size;
	errno = EFAULT;
	return -1;
}

/* libunwind writes by syscall(), past any write() that the program has defined. */
static long syscall_instead(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == SYS_write && a == NO_PIPE)
		return write_instead(NO_PIPE, (const void *)b, (size_t)c);
	return machine_syscall(number, a, b, c, d, e, f);
}

static int close_instead(int file) { return file == NO_PIPE ? 0 : close(file); }

/* The thread pointer of the thread whose stack is being taken, under record_lock; NULL: no stack is. */
static void *volatile unwinding;

/*
 * Lists the loaded objects. The dynamic linker's function would wait for a lock: that may be held by a thread that
 * waits for this one, or by one that a forked child does not have. It is called all the same for a program that uses
 * this libunwind itself.
 */
static int iterate_instead(int (*callback)(struct dl_phdr_info *, size_t, void *), void *context)
{
	if (unwinding != machine_thread_pointer())
		return dl_iterate_phdr(callback, context);
	return module_iterate(callback, context);
}

static void *instead_of(const char *name)
{
	static const struct {
		const char *name;
		void *function;
	} functions[] = {
		{"pipe2", pipe_instead},      {"read", read_instead},   {"write", write_instead},
		{"syscall", syscall_instead}, {"close", close_instead}, {"dl_iterate_phdr", iterate_instead},
	};

	for (unsigned i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (!strcmp(name, functions[i].name))
			return functions[i].function;
	return NULL;
}

/* Sets an entry of the GOT, which may be in memory that was made read-only after its relocation. */
static void got_entry_set(void **entry, void *function, const struct dl_phdr_info *info)
{
	uintptr_t page = page_begin((uintptr_t)entry), start, end;
	bool is_read_only = false;

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		end = page_begin(start + info->dlpi_phdr[i].p_memsz);
		is_read_only |= info->dlpi_phdr[i].p_type == PT_GNU_RELRO && (uintptr_t)entry >= start &&
		                (uintptr_t)entry < end;
	}
	if (is_read_only && mprotect((void *)page, page_size(), PROT_READ | PROT_WRITE))
		return;
	*entry = function;
	if (is_read_only)
		mprotect((void *)page, page_size(), PROT_READ);
}

struct relocations {
	const ElfW(Rela) * list;
	size_t bytes;
};

static void got_entries_set(const struct relocations *relocations, const ElfW(Sym) * symbols, const char *names,
                            const struct dl_phdr_info *info)
{
	for (size_t i = 0; i < relocations->bytes / sizeof(ElfW(Rela)); i++) {
		const ElfW(Rela) *entry = &relocations->list[i];
		void *function = instead_of(names + symbols[ELF64_R_SYM(entry->r_info)].st_name);

		if (function)
			got_entry_set((void **)(info->dlpi_addr + entry->r_offset), function, info);
	}
}

/* libunwind, as the linker has loaded it. dlinfo would tell the same, but is in another library before glibc 2.34. */
static struct {
	uintptr_t within; /* the address of one of its functions */
	void *dynamic;    /* its dynamic section; NULL if it was not found */
	size_t storage;   /* the number of its thread-local storage; 0 if it has none */
} object;

/* Takes the object that has the address object.within. A callback of dl_iterate_phdr. */
static int take_object(struct dl_phdr_info *info, size_t size, void *context)
{
	void *dynamic = NULL;
	bool found = false;

	(void)size;
	(void)context;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		found |= part->p_type == PT_LOAD && object.within - (info->dlpi_addr + part->p_vaddr) < part->p_memsz;
		if (part->p_type == PT_DYNAMIC)
			dynamic = (void *)(info->dlpi_addr + part->p_vaddr);
	}
	if (!found)
		return 0;
	object.dynamic = dynamic;
	object.storage = info->dlpi_tls_modid;
	return 1;
}

/* Sets the functions of the object whose dynamic section is `wanted`. A callback of dl_iterate_phdr. */
static int take_pipe(struct dl_phdr_info *info, size_t size, void *wanted)
{
	struct relocations plt = {0}, data = {0};
	const ElfW(Sym) *symbols = NULL;
	const char *names = NULL;
	bool found = false;

	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		found |= info->dlpi_phdr[i].p_type == PT_DYNAMIC &&
		         info->dlpi_addr + info->dlpi_phdr[i].p_vaddr == (uintptr_t)wanted;
	if (!found)
		return 0;
	for (const ElfW(Dyn) *entry = wanted; entry->d_tag; entry++)
		switch (entry->d_tag) {
		case DT_JMPREL: plt.list = (const void *)entry->d_un.d_ptr; break;
		case DT_PLTRELSZ: plt.bytes = entry->d_un.d_val; break;
		case DT_RELA: data.list = (const void *)entry->d_un.d_ptr; break;
		case DT_RELASZ: data.bytes = entry->d_un.d_val; break;
		case DT_SYMTAB: symbols = (const void *)entry->d_un.d_ptr; break;
		case DT_STRTAB: names = (const void *)entry->d_un.d_ptr; break;
		}
	if (symbols && names && plt.list)
		got_entries_set(&plt, symbols, names, info);
	if (symbols && names && data.list)
		got_entries_set(&data, symbols, names, info);
	return 1;
}

static void without_pipe(void)
{
	if (object.dynamic)
		dl_iterate_phdr(take_pipe, object.dynamic);
}

/* ---- stacks ---- */

/*
 * libunwind has thread-local storage, which the C library allocates when a thread first uses it. That must not happen
 * while a stack is taken: the call may come from a signal handler that has interrupted malloc, and without memory the C
 * library ends the process. So each thread uses it once where it starts, and a thread that has not done so takes no
 * stack.
 */
static struct {
	void *(*address_of)(void *);
	struct {
		unsigned long module, offset;
	} place;
	void *(*allocate)(size_t); /* found by dlsym, since the shim imports no function that allocates */
	void (*release)(void *);
} storage;

enum { STORAGE_ROOM = 4096 }; /* more than libunwind's storage needs */

static __thread bool has_storage __attribute__((tls_model("initial-exec")));

void unwind_thread_start(void)
{
	void *room;

	if (!storage.place.module || has_storage || guest_confined)
		return;
	room = storage.allocate(STORAGE_ROOM);
	if (!room)
		return;
	storage.release(room);
	storage.address_of(&storage.place);
	has_storage = true;
}

/*
 * Has the C library decide where the storage is, which it does in the first thread that uses it, under a lock of the
 * linker's.
 */
static void storage_settle(void)
{
	*(void **)&storage.address_of = libc_dlsym(RTLD_DEFAULT, "__tls_get_addr");
	*(void **)&storage.allocate = libc_dlsym(RTLD_DEFAULT, "malloc");
	*(void **)&storage.release = libc_dlsym(RTLD_DEFAULT, "free");
	if (!storage.address_of || !storage.allocate || !storage.release || !object.storage)
		storage.place.module = 0;
	else
		storage.place.module = object.storage;
	has_storage = !storage.place.module;
	unwind_thread_start();
}

void unwind_start(void)
{
	void *library;

	if (config.stacks != STACKS_AUTO && config.stacks != STACKS_ALL)
		return;
	/*
	 * libunwind keeps a cache for each thread until the last round of the destructors of thread-specific data. By
	 * then ThreadSanitizer has taken apart its own state of the thread, and it intercepts the mutex that
	 * libunwind locks: the program crashes. Without the cache TSan reports libunwind's own races.
	 */
	problem = "libunwind.so.8 is not used under ThreadSanitizer";
	if (libc_dlsym(RTLD_DEFAULT, "__tsan_init"))
		return;
	problem = "libunwind.so.8 cannot be loaded";
	library = libc_dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return;
	backtrace_function = (int (*)(void **, int))libc_dlsym(library, "unw_backtrace");
	object.within = (uintptr_t)backtrace_function;
	dl_iterate_phdr(take_object, NULL);
	without_pipe();
	storage_settle();
	problem = backtrace_function ? NULL : "libunwind.so.8 lacks unw_backtrace";
}

unsigned unwind_from(uint64_t caller, uint64_t *addresses)
{
	static void *all[UNWIND_MAX + OWN_FRAMES]; /* under record_lock */
	int count, first = 0;
	uint64_t before;

	if (!backtrace_function || (storage.place.module && !has_storage))
		return 0;
	module_refresh();
	unwinding = machine_thread_pointer();
	count = backtrace_function(all, UNWIND_MAX + OWN_FRAMES);
	unwinding = NULL;
	/* libunwind before 1.5 gives the last byte of each call, and later ones the address after it. */
	while (first < count && (uint64_t)all[first] != caller && (uint64_t)all[first] + 1 != caller)
		first++;
	before = first < count && (uint64_t)all[first] != caller;
	for (int i = first; i < count && i - first < UNWIND_MAX; i++)
		addresses[i - first] = (uint64_t)all[i] + before;
	count -= first;
	return count > UNWIND_MAX ? UNWIND_MAX : (unsigned)(count > 0 ? count : 0);
}

void unwind_forked(void)
{
	if (unwinding)
		backtrace_function = NULL;
	unwinding = NULL;
}
