/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * start.c - has an executable that is linked on a new system start on an old one, too.
 * It must never be linked into a shared library, which the C library does not start.
 *
 * The compiler's start file calls __libc_start_main, which has another version since glibc 2.34. The linker gives us that call
 * (--wrap), and we call the first version. The new one takes no `init` and `fini`, which the old one called only if they were
 * there: an executable that is linked on a new system has no constructors on an old one, and ours have none.
 */
#include "libc/versions.h"

typedef int main_function(int count, char **arguments, char **environment);

int __wrap___libc_start_main(main_function *main, int count, char **arguments, void (*init)(void), void (*fini)(void),
                             void (*end)(void), void *stack);
int first_start(main_function *main, int count, char **arguments, void (*init)(void), void (*fini)(void),
                void (*end)(void), void *stack);

LIBC_OLDEST(first_start, __libc_start_main);

int __wrap___libc_start_main(main_function *main, int count, char **arguments, void (*init)(void), void (*fini)(void),
                             void (*end)(void), void *stack)
{
	return first_start(main, count, arguments, init, fini, end, stack);
}
