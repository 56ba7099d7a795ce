/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * names.c - the names of errors and signals, which glibc gives in English only since 2.32.
 * It must never allocate, nor ask for the language of the program.
 */
#include <errno.h>
#include <signal.h>

#define NAMELESS "an error that has no name"

const char *oldest_error_name(int error)
{
	switch (error) {
#define ERROR(name, text) \
	case name:        \
		return #name;
#include "libc/errors.def"
#undef ERROR
	default: return NAMELESS;
	}
}

const char *oldest_error_text(int error)
{
	switch (error) {
#define ERROR(name, text) \
	case name:        \
		return text;
#include "libc/errors.def"
#undef ERROR
	default: return NAMELESS;
	}
}

const char *oldest_signal_name(int number)
{
	switch (number) {
#define SIGNAL(name)    \
	case SIG##name: \
		return #name;
#include "libc/signals.def"
#undef SIGNAL
	default: return NULL;
	}
}
