/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inject.c - an object that is preloaded after the shim, and makes calls fail that the shim makes of the C library; it
 * must never affect the program's own. INJECT=NAME:K makes the K-th call of NAME fail, INJECT=NAME:K+ this one and all
 * later ones. INJECT_COUNT=FILE counts the calls of NAME, by writing a byte to FILE for each. With INJECT_ASKS each
 * call also opens a library, looks up symbols and starts a thread, since libraries that interpose such functions may do
 * so when they are first called.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
	uintptr_t start, end; /* addresses of the shim's code */
	char name[32];
	int place;
	bool later;
	const char *count_file;
	bool asks;
	_Atomic int count;
} injected;

static int find_shim(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	if (!strstr(info->dlpi_name, "libflopshim.so"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
			injected.start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			injected.end = injected.start + info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

/* This runs before the shim's constructor, since preloaded objects are initialized from the last to the first. */
static __attribute__((constructor)) void begin(void)
{
	const char *value = getenv("INJECT"), *colon = value ? strchr(value, ':') : NULL;

	if (!colon || (size_t)(colon - value) >= sizeof(injected.name))
		return;
	memcpy(injected.name, value, (size_t)(colon - value));
	injected.place = atoi(colon + 1);
	injected.later = strchr(colon, '+') != NULL;
	injected.count_file = getenv("INJECT_COUNT");
	injected.asks = getenv("INJECT_ASKS");
	dl_iterate_phdr(find_shim, NULL);
}

static void count_one(void)
{
	long file = syscall(SYS_openat, AT_FDCWD, injected.count_file, O_WRONLY | O_CREAT | O_APPEND, 0600);

	syscall(SYS_write, file, ".", 1);
	syscall(SYS_close, file);
}

static void *nothing(void *unused) { return unused; }

static void ask(void)
{
	void *library = dlopen("libc.so.6", RTLD_NOLOAD | RTLD_LAZY);
	pthread_t thread;

	if (!library || !dlsym(library, "mmap"))
		abort();
	dlsym(RTLD_DEFAULT, "dgemm_");
	dlclose(library);
	injected.asks = false; /* the calls that the C library makes for the new thread must not start another one */
	if (!pthread_create(&thread, NULL, nothing, NULL))
		pthread_join(thread, NULL);
	injected.asks = true;
}

static bool fails(const char *name, const void *caller)
{
	int number;

	if ((uintptr_t)caller < injected.start || (uintptr_t)caller >= injected.end || strcmp(name, injected.name))
		return false;
	if (injected.count_file)
		count_one();
	if (injected.asks)
		ask();
	number = ++injected.count;
	return injected.later ? number >= injected.place : number == injected.place;
}

#define FAILS(name) fails(#name, __builtin_return_address(0))

static long failed(int error)
{
	errno = error;
	return -1;
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
	return (void *)(FAILS(mmap) ? failed(ENOMEM)
	                            : syscall(SYS_mmap, address, size, protection, flags, file, offset));
}

int munmap(void *address, size_t size)
{
	return (int)(FAILS(munmap) ? failed(ENOMEM) : syscall(SYS_munmap, address, size));
}

int madvise(void *address, size_t size, int advice)
{
	return (int)(FAILS(madvise) ? failed(ENOMEM) : syscall(SYS_madvise, address, size, advice));
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return (int)(FAILS(open) ? failed(EMFILE) : syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

int ftruncate(int file, off_t size)
{
	return (int)(FAILS(ftruncate) ? failed(ENOSPC) : syscall(SYS_ftruncate, file, size));
}

int posix_fallocate(int file, off_t offset, off_t size)
{
	if (FAILS(posix_fallocate))
		return ENOSPC;
	return syscall(SYS_fallocate, file, 0, offset, size) ? errno : 0;
}

int fstat(int file, struct stat *status)
{
	return (int)(FAILS(fstat) ? failed(EIO) : syscall(SYS_fstat, file, status));
}

int fstatfs(int file, struct statfs *status)
{
	return (int)(FAILS(fstatfs) ? failed(EIO) : syscall(SYS_fstatfs, file, status));
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset)
{
	return FAILS(pwritev) ? failed(ENOSPC) : syscall(SYS_pwritev, file, parts, count, offset, 0);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
	return FAILS(pwrite) ? failed(ENOSPC) : syscall(SYS_pwrite64, file, bytes, size, offset);
}

char *getcwd(char *path, size_t size)
{
	return FAILS(getcwd) ? (failed(ENOENT), NULL) : syscall(SYS_getcwd, path, size) > 0 ? path : NULL;
}

ssize_t readlink(const char *path, char *target, size_t size)
{
	return FAILS(readlink) ? failed(EACCES) : syscall(SYS_readlink, path, target, size);
}

int mkdir(const char *path, mode_t mode)
{
	return (int)(FAILS(mkdir) ? failed(EACCES) : syscall(SYS_mkdir, path, mode));
}

/* These functions are no system calls, and the C library's own must be called. */
#define REAL(name)                     \
	static __typeof__(&name) real; \
	if (!real)                     \
	real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	REAL(pthread_key_create);
	return FAILS(pthread_key_create) ? EAGAIN : real(key, destructor);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
	REAL(pthread_create);
	/*
	 * Threads of the program come through the shim too, and have an argument: only the shim's own threads have
	 * none.
	 */
	return argument == NULL && FAILS(pthread_create) ? EAGAIN : real(thread, attributes, start, argument);
}
