/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * names.h - functions on names and texts that the shim, the launcher and flopshim-report share. It is not installed.
 * It must never need more than string.h, since the shim includes it.
 */
#ifndef FLOPSHIM_NAMES_H
#define FLOPSHIM_NAMES_H

#include <stdint.h>
#include <string.h>

/* Returns the part of a path behind the last slash. */
static inline const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

enum {
	NAME_COMPARED_MAX = 64,   /* bytes of a name that name_distance compares */
	NAME_DISTANCE_FAR = 1000, /* result of name_distance if one of the names is longer */
};

/*
 * Returns how many edits turn `name` into `known`, without regard to case: an edit inserts, deletes or replaces a byte,
 * or swaps two neighbours. `name` has `length` bytes and need not be terminated.
 */
static inline unsigned name_distance(const char *name, size_t length, const char *known)
{
	unsigned rows[3][NAME_COMPARED_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];
	size_t width = strlen(known);

	if (length > NAME_COMPARED_MAX || width > NAME_COMPARED_MAX)
		return NAME_DISTANCE_FAR;
	for (unsigned j = 0; j <= width; j++)
		last[j] = j;
	for (unsigned i = 1; i <= length; i++) {
		unsigned *spare = before;

		now[0] = i;
		for (unsigned j = 1; j <= width; j++) {
			char a = name[i - 1] & ~32, b = known[j - 1] & ~32;
			unsigned best = last[j - 1] + (a != b);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a == (known[j - 2] & ~32) && (name[i - 2] & ~32) == b &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[width];
}

/*
 * Returns the state of a process or thread, a letter: field 3 of `stat`, the text of its /proc/PID/stat. 0 if absent.
 */
static inline char stat_state(const char *stat)
{
	const char *name_end = strrchr(stat, ')'); /* field 2 may contain blanks and parentheses itself */

	return name_end && name_end[1] == ' ' ? name_end[2] : 0;
}

/* Returns field `wanted` (3 or more) of `stat`, the text of a /proc/PID/stat; 0 if it is absent or not a number. */
static inline uint64_t stat_number(const char *stat, int wanted)
{
	const char *at = strrchr(stat, ')');
	uint64_t number = 0;

	for (int field = 2; at && field < wanted; field++)
		at = strchr(at + 1, ' ');
	for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return number;
}

/*
 * Whether the process of `stat` runs. One whose first thread has ended by pthread_exit has the state of a zombie, and runs as
 * long as it has other threads: field 20 is their number.
 */
static inline int stat_runs(const char *stat)
{
	char state = stat_state(stat);

	return state && state != 'X' && state != 'x' && (state != 'Z' || stat_number(stat, 20) > 1);
}

/* Returns the parent of a process: field 4. */
static inline uint32_t stat_parent(const char *stat) { return (uint32_t)stat_number(stat, 4); }

/* Returns when a process began, in clock ticks since the machine was started: field 22. */
static inline uint64_t stat_start_ticks(const char *stat) { return stat_number(stat, 22); }

/* A frame of Python, "function (file:line)", as its parts, which lie in the text that it was split from. */
struct python_frame {
	const char *function, *file;         /* `file` is NULL where it was left out, as on a redacted page */
	size_t function_length, file_length; /* in bytes */
	unsigned line;                       /* 0 if there is none, as behind [site-packages] on a redacted page */
};

/* Splits a frame of `length` bytes. The function ends before the first " (", and the line is what follows the last colon. */
static inline struct python_frame python_frame_split(const char *text, size_t length)
{
	struct python_frame frame = {text, NULL, length, 0, 0};
	size_t end = length, digits;
	unsigned line = 0;

	for (size_t i = 0; i + 1 < length && !frame.file; i++)
		if (text[i] == ' ' && text[i + 1] == '(') {
			frame.function_length = i;
			frame.file = text + i + 2;
		}
	if (!frame.file)
		return frame;
	if (text[end - 1] == ')')
		end--;
	frame.file_length = (size_t)(text + end - frame.file);
	digits = frame.file_length;
	while (digits && frame.file[digits - 1] >= '0' && frame.file[digits - 1] <= '9')
		digits--;
	if (!digits || digits == frame.file_length || frame.file[digits - 1] != ':')
		return frame;
	for (size_t i = digits; i < frame.file_length; i++)
		line = 10 * line + (unsigned)(frame.file[i] - '0');
	frame.line = line;
	frame.file_length = digits - 1;
	return frame;
}

/*
 * Returns whether the name of a Python file, of `length` bytes, is that of generated code, such as <__array_function__ internals>
 * or <frozen importlib._bootstrap>, which no user has ever seen. Code that a user typed, or gave to python -c, has a file name
 * in angle brackets too, but counts as the user's.
 */
static inline int python_file_is_made(const char *file, size_t length)
{
	static const char *const typed[] = {"<stdin>",       "<string>", "<console>", "<input>",
	                                    "<python-input", "<ipython", "<doctest"};

	if (!length || *file != '<')
		return 0;
	for (unsigned i = 0; i < sizeof typed / sizeof *typed; i++)
		if (length >= strlen(typed[i]) && !strncmp(file, typed[i], strlen(typed[i])))
			return 0;
	return 1;
}

/* Returns whether a Python frame belongs to generated code. */
static inline int python_frame_is_made(const char *text)
{
	struct python_frame frame = python_frame_split(text, strlen(text));

	return frame.file && python_file_is_made(frame.file, frame.file_length);
}

/*
 * Returns how many bytes the UTF-8 character at `text` has, of which `length` bytes are left; 1 for a byte that begins
 * none.
 */
static inline size_t character_size(const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t size = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc0 ? 2 : 1;

	for (size_t i = 1; i < size; i++)
		if (i >= length || (at[i] & 0xc0) != 0x80)
			return 1;
	return size;
}

/*
 * Returns whether the character of `size` bytes is a control character. Those of C1 are among them, which a terminal
 * may take as one byte too.
 */
static inline int character_is_control(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned character = size == 2 ? (unsigned)(at[0] & 0x1f) << 6 | (at[1] & 0x3fu) : at[0];

	return size <= 2 && (character < 0x20 || (character >= 0x7f && character < 0xa0));
}

/*
 * Replaces control characters by question marks, so that names of files and arguments can be printed on a terminal.
 */
static inline void make_printable(char *text, size_t length)
{
	for (size_t i = 0, size; i < length; i += size) {
		size = character_size(text + i, length - i);
		if (character_is_control(text + i, size))
			memset(text + i, '?', size);
	}
}

/* A whole number in decimal digits alone, from 0 to `most`; -1 for any other text. */
static inline int64_t whole_number(const char *text, int64_t most)
{
	int64_t number = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		int digit = *text - '0';

		if (digit < 0 || digit > 9 || number > most / 10 || number * 10 > most - digit)
			return -1;
		number = number * 10 + digit;
	}
	return number;
}

#endif
