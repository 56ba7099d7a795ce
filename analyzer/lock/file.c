/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file.c - reads and writes lockfiles.
 * It must never take a damaged file for a lock: every line must be one that lock_write writes, in its order, and the rows must
 * add up to the total.
 */
#include "analyzer/lock/file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, FIELDS_MAX = 6 };

#define MARK  "flopshim-lock"
#define SKIP  "skip"
#define ALLOW "allow"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* What lock_write puts before the rows of a lock that is new. */
static const char introduction[] =
	"# The work that this program may do, for 'flopshim-report check', which explains the rows in its manual.\n"
	"# Rows of shapes and sites are written by --update. Lines of #, allow and skip are yours, and are kept.\n";

/* The kinds of lines, in the order in which they stand in the file. */
enum line_kind { LINE_MARK, LINE_PRICES, LINE_BY, LINE_RAN, LINE_KEPT, LINE_SHAPE, LINE_SITE, LINE_TOTAL, LINE_KINDS };

static const struct {
	const char *word;
	unsigned fields; /* behind the word */
	const char *expected;
} kinds[LINE_KINDS] = {
	[LINE_MARK] = {MARK, 1, MARK " and its version"},
	[LINE_PRICES] = {"prices", 1, "prices and the version of the routine table"},
	[LINE_BY] = {"by", 1, "by and what decides: default, routine, namespace, shape or site"},
	[LINE_RAN] = {"ran", 2, "ran and the numbers of processes and ranks, or *"},
	[LINE_SHAPE] = {"shape", 5, "shape, namespace, routine, shape, calls and FLOPs"},
	[LINE_SITE] = {"site", 5, "site, function, namespace, routine, calls and FLOPs"},
	[LINE_TOTAL] = {"total", 2, "total, calls and FLOPs"},
};

/* ---- writing ---- */

/*
 * Adds a name without tabs, line ends and other control characters, so that it can be read back: \t, \n, \\ and \xHH. A name
 * that equals `reserved`, which may be NULL, has its first byte written as \xHH.
 */
static void add_name(struct text *text, const char *name, const char *reserved)
{
	const unsigned char *at = (const unsigned char *)name;

	if (reserved && !strcmp(name, reserved))
		text_format(text, "\\x%02x", *at++);
	while (*at) {
		unsigned length = utf8_length(at);

		if (*at == '\\')
			text_add(text, "\\\\");
		else if (*at == '\t')
			text_add(text, "\\t");
		else if (*at == '\n')
			text_add(text, "\\n");
		else if (!length || utf8_is_control(at, length))
			for (unsigned i = 0; i < (length ? length : 1); i++)
				text_format(text, "\\x%02x", at[i]);
		else
			text_add_bytes(text, at, length);
		at += length ? length : 1;
	}
}

static void add_tabbed(struct text *text, const char *name)
{
	text_add_byte(text, '\t');
	add_name(text, name, NULL);
}

/* The names of a row that stand for something else are not escaped: the lock holds them as they are. */
static void add_row(struct text *text, enum line_kind kind, const struct lock_row *row)
{
	char number[NUMBER_TEXT];

	text_add(text, kinds[kind].word);
	if (row->place)
		add_tabbed(text, row->place);
	text_add_byte(text, '\t');
	if (*row->space)
		add_name(text, row->space, LOCK_ROOT);
	else
		text_add(text, LOCK_ROOT);
	add_tabbed(text, row->routine);
	if (row->shape)
		add_tabbed(text, row->shape);
	text_format(text, "\t%" PRIu64 "\t%s\n", row->work.calls, number_exact(row->work.flops, number));
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Adds rows as lines, in the order of their bytes. */
static void add_rows(struct text *text, enum line_kind kind, const struct lock_rows *rows)
{
	char **lines = memory_new(rows->count, sizeof *lines);

	for (size_t i = 0; i < rows->count; i++) {
		struct text line = {0};

		add_row(&line, kind, &rows->rows[i]);
		lines[i] = line.bytes;
	}
	if (rows->count)
		qsort(lines, rows->count, sizeof *lines, compare_lines);
	for (size_t i = 0; i < rows->count; i++) {
		text_add(text, lines[i]);
		free(lines[i]);
	}
	free(lines);
}

static void add_ran(struct text *text, uint64_t count)
{
	if (count == LOCK_ANY)
		text_add(text, "\t" LOCK_ALL);
	else
		text_format(text, "\t%" PRIu64, count);
}

void lock_keep_skip(struct lock *lock, const char *pattern)
{
	struct text name = {0};

	if (!lock_add_skip(lock, pattern))
		return;
	if (!lock->kept.bytes)
		text_add(&lock->kept, introduction);
	text_add(&lock->kept, SKIP);
	text_add_byte(&lock->kept, ' ');
	add_name(&name, pattern, NULL);
	for (size_t i = 0; i < name.length; i++)
		if (name.bytes[i] == ' ')
			text_add(&lock->kept, "\\x20"); /* a blank would end the pattern */
		else
			text_add_byte(&lock->kept, name.bytes[i]);
	text_add_byte(&lock->kept, '\n');
	text_free(&name);
}

void lock_write(const struct lock *lock, struct text *text)
{
	char number[NUMBER_TEXT];

	text_format(text, MARK "\t%d\nprices\t%s\nby\t%s\nran", FORMAT, lock->prices, lock_by_name(lock->by));
	add_ran(text, lock->processes);
	add_ran(text, lock->ranks);
	text_add_byte(text, '\n');
	text_add(text, lock->kept.bytes ? lock->kept.bytes : introduction);
	add_rows(text, LINE_SHAPE, &lock->shapes);
	add_rows(text, LINE_SITE, &lock->sites);
	text_format(text, "total\t%" PRIu64 "\t%s\n", lock->total.calls, number_exact(lock->total.flops, number));
}

/* ---- reading ---- */

struct reader {
	struct lock *lock;
	struct lock_fault *fault;
	size_t line;
	enum line_kind reached; /* the kind of the last line */
	const char *last;       /* the last line of a row, up to its counts; NULL if there was none of its kind */
	size_t last_length;
	struct work shapes, sites; /* sums */
};

static bool __attribute__((format(printf, 2, 3))) fail(struct reader *reader, const char *format, ...)
{
	va_list arguments;
	char *why;

	va_start(arguments, format);
	why = memory_format_list(format, arguments);
	va_end(arguments);
	reader->fault->line = reader->line;
	text_clear(&reader->fault->why);
	text_add(&reader->fault->why, why);
	free(why);
	return false;
}

static int hex_digit(char digit)
{
	return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Reads what add_name has written, into a text that lives as long as the lock. NULL, after fail, if it is anything else. */
static const char *read_name(struct reader *reader, const char *from, size_t length)
{
	struct text name = {0};
	const char *kept = NULL;

	text_add(&name, "");
	for (size_t i = 0; i < length; i++) {
		if (from[i] != '\\') {
			text_add_byte(&name, from[i]);
			continue;
		}
		if (i + 1 < length && (from[i + 1] == '\\' || from[i + 1] == 't' || from[i + 1] == 'n')) {
			i++;
			text_add_byte(&name, from[i] == 't' ? '\t' : from[i] == 'n' ? '\n' : '\\');
		} else if (i + 3 < length && from[i + 1] == 'x' && hex_digit(from[i + 2]) >= 0 &&
		           hex_digit(from[i + 3]) >= 0 && (from[i + 2] != '0' || from[i + 3] != '0')) {
			text_add_byte(&name, (char)(hex_digit(from[i + 2]) << 4 | hex_digit(from[i + 3])));
			i += 3;
		} else {
			fail(reader, "a backslash begins no \\t, \\n, \\\\ or \\xHH");
			text_free(&name);
			return NULL;
		}
	}
	kept = lock_keep(reader->lock, name.bytes, name.length);
	text_free(&name);
	return kept;
}

/* Reads a whole number as number_exact writes it. */
static bool read_number(struct reader *reader, const char *from, size_t length, const char *what, u128 most,
                        u128 *number)
{
	u128 value = 0;

	if (!length || (length > 1 && *from == '0'))
		return fail(reader, "%s is '%.*s': expected a whole number", what, (int)length, from);
	for (size_t i = 0; i < length; i++) {
		unsigned digit = (unsigned)(from[i] - '0');

		if (from[i] < '0' || from[i] > '9')
			return fail(reader, "%s is '%.*s': expected a whole number", what, (int)length, from);
		if (value > most / 10 || value * 10 > most - digit)
			return fail(reader, "%s is '%.*s', which is too large", what, (int)length, from);
		value = value * 10 + digit;
	}
	*number = value;
	return true;
}

/* A field of a line. */
struct piece {
	const char *bytes;
	size_t length;
};

static bool is_word(const struct piece *piece, const char *word)
{
	return piece->length == strlen(word) && !memcmp(piece->bytes, word, piece->length);
}

static bool read_work(struct reader *reader, const struct piece *fields, struct work *work)
{
	u128 calls;

	if (!read_number(reader, fields[0].bytes, fields[0].length, "the number of calls", UINT64_MAX, &calls) ||
	    !read_number(reader, fields[1].bytes, fields[1].length, "the number of FLOPs", U128_MAX, &work->flops))
		return false;
	work->calls = (uint64_t)calls;
	return true;
}

/* Checks that a row follows the last one of its kind in the order of bytes. `names` is the line up to its counts. */
static bool check_order(struct reader *reader, const char *names, size_t length, bool first)
{
	size_t shared = length < reader->last_length ? length : reader->last_length;
	int order = first ? -1 : memcmp(reader->last, names, shared);

	if (!first && !order)
		order = reader->last_length < length ? -1 : reader->last_length > length;
	reader->last = names;
	reader->last_length = length;
	if (!order)
		return fail(reader, "this row stands here twice; write the lock anew with --update");
	return order < 0 ||
	       fail(reader, "the rows are not in order, as after a merge by hand; write the lock anew with "
	                    "--update");
}

static bool read_row(struct reader *reader, enum line_kind kind, const struct piece *fields, bool first)
{
	const char *names[3];
	struct lock_row row = {0};
	struct work *sum = kind == LINE_SHAPE ? &reader->shapes : &reader->sites;

	for (unsigned i = 0; i < 3; i++) {
		if (!fields[i].length)
			return fail(reader, "a name is missing: expected %s", kinds[kind].expected);
		names[i] = read_name(reader, fields[i].bytes, fields[i].length);
		if (!names[i])
			return false;
	}
	if (kind == LINE_SHAPE)
		row = (struct lock_row){.space = names[0], .routine = names[1], .shape = names[2]};
	else
		row = (struct lock_row){.place = names[0], .space = names[1], .routine = names[2]};
	if (fields[kind == LINE_SITE].length == strlen(LOCK_ROOT) && !strcmp(row.space, LOCK_ROOT))
		row.space = "";
	if (strcmp(row.space, LOCK_ALL) != 0 && lock_skips(reader->lock, row.space))
		return fail(reader,
		            "a line of skip leaves the namespace of this row out: write the lock anew with --update");
	if (!read_work(reader, fields + 3, &row.work) ||
	    !check_order(reader, fields[0].bytes, (size_t)(fields[3].bytes - fields[0].bytes), first))
		return false;
	*sum = work_add(*sum, row.work);
	lock_add(kind == LINE_SHAPE ? &reader->lock->shapes : &reader->lock->sites, &row);
	return true;
}

static bool read_total(struct reader *reader, const struct piece *fields)
{
	static const char *const kinds_of_rows[] = {"shapes", "sites"};
	const struct work *sums[] = {&reader->shapes, &reader->sites};
	struct work total;

	if (!read_work(reader, fields, &total))
		return false;
	reader->lock->total = total;
	for (unsigned i = 0; i < 2; i++)
		if (sums[i]->calls != total.calls || sums[i]->flops != total.flops)
			return fail(reader,
			            "the rows of %s do not add up to this total, as after a merge by hand; write the "
			            "lock anew with --update",
			            kinds_of_rows[i]);
	return true;
}

/* Reads a number of processes or ranks. */
static bool read_ran(struct reader *reader, const struct piece *field, const char *what, uint64_t *count)
{
	u128 number = LOCK_ANY;

	if (!is_word(field, LOCK_ALL) && !read_number(reader, field->bytes, field->length, what, LOCK_ANY - 1, &number))
		return false;
	*count = (uint64_t)number;
	return true;
}

static bool read_head(struct reader *reader, enum line_kind kind, const struct piece *fields)
{
	struct lock *lock = reader->lock;
	u128 number = 0;
	char *name;

	switch (kind) {
	case LINE_MARK:
		if (!read_number(reader, fields->bytes, fields->length, "the version", UINT64_MAX, &number))
			return false;
		return number == FORMAT || fail(reader,
		                                "this lock is of version %.*s, and this flopshim-report reads version "
		                                "%d: update flopshim, or write the lock anew",
		                                (int)fields->length, fields->bytes, FORMAT);
	case LINE_PRICES:
		if (!fields->length)
			return fail(reader, "expected %s", kinds[kind].expected);
		lock->prices = read_name(reader, fields->bytes, fields->length);
		return lock->prices != NULL;
	case LINE_BY:
		name = memory_text(fields->bytes, fields->length);
		lock->by = lock_by_find(name);
		free(name);
		return lock->by < LOCK_BY_COUNT || fail(reader, "expected %s", kinds[kind].expected);
	default:
		if (!read_ran(reader, &fields[0], "the number of processes", &lock->processes) ||
		    !read_ran(reader, &fields[1], "the number of ranks", &lock->ranks))
			return false;
		return (lock->processes == LOCK_ANY) == (lock->ranks == LOCK_ANY) ||
		       fail(reader, "expected two numbers, or * for both");
	}
}

/* ---- tolerances ---- */

static bool fail_amount(struct reader *reader, const struct piece *word, const char *why)
{
	return fail(reader, "'%.*s' is no tolerance: %s", (int)word->length, word->bytes, why);
}

/* Reads "5", or "2%" and "0.5%". */
static bool read_amount(struct reader *reader, const struct piece *word, struct lock_allow *allow)
{
	static const char expected[] = "expected a whole number, or a percentage such as 2%";
	uint64_t unit = LOCK_PERCENT, value = 0;
	bool point = false, digits = false;

	allow->is_percent = word->length && word->bytes[word->length - 1] == '%';
	for (size_t i = 0; i < word->length - allow->is_percent; i++) {
		unsigned digit = (unsigned)(word->bytes[i] - '0');

		if (word->bytes[i] == '.' && !point && allow->is_percent) {
			point = true;
			continue;
		}
		if (word->bytes[i] < '0' || word->bytes[i] > '9')
			return fail_amount(reader, word, expected);
		if (point && unit == 1)
			return fail_amount(reader, word, "a percentage has at most 6 digits behind the point");
		if (value > (UINT64_MAX - digit) / 10)
			return fail_amount(reader, word, "it is too large");
		digits = true;
		if (point)
			unit /= 10;
		value = value * 10 + digit;
	}
	if (!digits)
		return fail_amount(reader, word, expected);
	if (allow->is_percent && value > UINT64_MAX / unit)
		return fail_amount(reader, word, "it is too large");
	allow->amount = allow->is_percent ? value * unit : value;
	return true;
}

/* Splits a line at blanks and tabs into at most `most` words, and returns how many there are, counting one more. */
static unsigned split_words(const char *line, size_t length, struct piece *words, unsigned most)
{
	unsigned count = 0;

	for (size_t at = 0; at < length;) {
		size_t end = at;

		while (end < length && line[end] != ' ' && line[end] != '\t')
			end++;
		if (end > at) {
			if (count == most)
				return most + 1;
			words[count++] = (struct piece){line + at, end - at};
		}
		at = end + 1;
	}
	return count;
}

static bool read_allow(struct reader *reader, const char *line, size_t length)
{
	struct piece words[4];
	struct lock *lock = reader->lock;
	struct lock_allow allow = {.line = reader->line};

	if (split_words(line, length, words, 4) != 4 || !is_word(&words[0], ALLOW) ||
	    (!is_word(&words[2], "flops") && !is_word(&words[2], "calls")))
		return fail(reader, "expected allow, a routine or NAMESPACE/ROUTINE, flops or calls, and a number or a "
		                    "percentage: allow forward/* flops 2%%");
	allow.metric = is_word(&words[2], "flops") ? LOCK_FLOPS : LOCK_CALLS;
	allow.pattern = read_name(reader, words[1].bytes, words[1].length);
	if (!allow.pattern || !read_amount(reader, &words[3], &allow))
		return false;
	lock->allows = memory_grow(lock->allows, lock->allow_count, &lock->allow_capacity, sizeof *lock->allows);
	lock->allows[lock->allow_count++] = allow;
	return true;
}

/* ---- lines ---- */

static bool read_skip(struct reader *reader, const char *line, size_t length)
{
	struct piece words[2];
	const char *pattern;

	if (split_words(line, length, words, 2) != 2 || !is_word(&words[0], SKIP))
		return fail(reader, "expected skip and the pattern of a namespace: skip fixtures.*");
	pattern = read_name(reader, words[1].bytes, words[1].length);
	if (pattern)
		lock_add_skip(reader->lock, pattern);
	return pattern != NULL;
}

/* Whether a line begins with a word. */
static bool begins(const char *line, size_t length, const char *word)
{
	return length >= strlen(word) && !memcmp(line, word, strlen(word));
}

/* Keeps a line for the next writing; an empty one is none. */
static bool read_kept(struct reader *reader, const char *line, size_t length)
{
	if (begins(line, length, ALLOW) && !read_allow(reader, line, length))
		return false;
	if (begins(line, length, SKIP) && !read_skip(reader, line, length))
		return false;
	text_add_bytes(&reader->lock->kept, line, length);
	text_add_byte(&reader->lock->kept, '\n');
	return true;
}

/* Whether a line is one of those by which git marks a conflict. */
static bool is_conflict(const char *line, size_t length)
{
	static const char *const marks[] = {"<<<<<<<", "|||||||", "=======", ">>>>>>>"};

	for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++)
		if (length >= 7 && !memcmp(line, marks[i], 7))
			return true;
	return false;
}

static unsigned split_tabs(const char *line, size_t length, struct piece *fields)
{
	unsigned count = 0;

	for (size_t at = 0; at <= length;) {
		const char *tab = memchr(line + at, '\t', length - at);
		size_t end = tab ? (size_t)(tab - line) : length;

		if (count == FIELDS_MAX)
			return FIELDS_MAX + 1;
		fields[count++] = (struct piece){line + at, end - at};
		at = end + 1;
	}
	return count;
}

/* The kind of the lines that begin with a word; LINE_KINDS for no such word. */
static enum line_kind kind_of(const struct piece *word)
{
	enum line_kind kind = 0;

	while (kind < LINE_KINDS && (!kinds[kind].word || !is_word(word, kinds[kind].word)))
		kind++;
	return kind;
}

/* Says what is wrong with a line that begins with no word of a lock before its first tab. */
static bool fail_word(struct reader *reader, const struct piece *word, enum line_kind next)
{
	struct piece to_blank = {word->bytes, 0};

	while (to_blank.length < word->length && word->bytes[to_blank.length] != ' ')
		to_blank.length++;
	if (to_blank.length < word->length && kind_of(&to_blank) < LINE_KINDS)
		return fail(reader, "blanks stand where a lock has tabs, as an editor may have made them: take the "
		                    "file from git again, and have the editor keep tabs");
	if (reader->line == 1)
		return fail(reader, "this is no lock: it does not begin with " MARK);
	return fail(reader, "'%.*s' begins no line of a lock: expected %s",
	            (int)(word->length < 40 ? word->length : 40), word->bytes,
	            next < LINE_KEPT ? kinds[next].expected : "shape, site, total, allow, skip or #");
}

static bool read_fields(struct reader *reader, const char *line, size_t length)
{
	struct piece fields[FIELDS_MAX] = {0};
	unsigned count = split_tabs(line, length, fields);
	enum line_kind kind = kind_of(&fields[0]), next = reader->line == 1 ? LINE_MARK : reader->reached + 1;
	bool first;

	if (kind == LINE_KINDS || (reader->line == 1 && kind != LINE_MARK))
		return fail_word(reader, &fields[0], next);
	if (next < LINE_KEPT && kind != next)
		return fail(reader, "expected %s", kinds[next].expected);
	if (reader->line > 1 && (kind < reader->reached || (kind < LINE_SHAPE && kind == reader->reached)))
		return fail(reader, "a line of '%s' stands behind one of '%s'; write the lock anew with --update",
		            kinds[kind].word, kinds[reader->reached].word);
	if (count != kinds[kind].fields + 1)
		return fail(reader, "expected %s, with a tab between them", kinds[kind].expected);
	first = reader->reached != kind;
	reader->reached = kind;
	if (kind == LINE_TOTAL)
		return read_total(reader, fields + 1);
	return kind < LINE_KEPT ? read_head(reader, kind, fields + 1) : read_row(reader, kind, fields + 1, first);
}

static bool read_line(struct reader *reader, const char *line, size_t length)
{
	if (reader->line == 1 && begins(line, length, BYTE_ORDER_MARK))
		return fail(reader, "a byte order mark stands before the text, as an editor may have put it there: "
		                    "save the file as UTF-8 without one");
	if (reader->line == 1 && (begins(line, length, "\xff\xfe") || begins(line, length, "\xfe\xff")))
		return fail(reader, "the file is in UTF-16, as an editor may have saved it: save it as UTF-8 without a "
		                    "byte order mark");
	if (length && line[length - 1] == '\r')
		return fail(reader, "it ends in CR LF: let git keep the lock as it is, by '*.lock text eol=lf' in "
		                    ".gitattributes");
	if (is_conflict(line, length))
		return fail(reader, "a merge conflict: take the lock of either side (git checkout --ours or --theirs), "
		                    "and write it anew with --update");
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < 0x20 && line[i] != '\t')
			return fail(reader, "a control character, \\x%02x", (unsigned char)line[i]);
	if (reader->reached == LINE_TOTAL)
		return fail(reader, "the total is not the last line");
	if (reader->reached >= LINE_RAN && reader->line > 1 &&
	    (!length || *line == '#' || begins(line, length, ALLOW) || begins(line, length, SKIP)))
		return read_kept(reader, line, length);
	return read_fields(reader, line, length);
}

/* The sums of rows over what both kinds of rows tell apart. */
static struct lock_rows sums_of(const struct lock *lock, const struct lock_rows *rows)
{
	bool no_space = lock->by == LOCK_BY_ROUTINE || lock->by == LOCK_BY_SHAPE;
	struct lock_rows sums = {0};

	for (size_t i = 0; i < rows->count; i++)
		lock_add(&sums,
		         &(struct lock_row){.space = no_space ? LOCK_ALL : rows->rows[i].space,
		                            .routine = lock->by == LOCK_BY_NAMESPACE ? LOCK_ALL : rows->rows[i].routine,
		                            .work = rows->rows[i].work});
	lock_settle(&sums);
	return sums;
}

/* Whether the rows of sites have the work of those of shapes, routine by routine. */
static bool check_sums(struct reader *reader)
{
	struct lock_rows shapes = sums_of(reader->lock, &reader->lock->shapes);
	struct lock_rows sites = sums_of(reader->lock, &reader->lock->sites);
	bool same = shapes.count == sites.count;

	for (size_t i = 0; same && i < shapes.count; i++)
		same = !lock_compare(&shapes.rows[i], &sites.rows[i]) &&
		       shapes.rows[i].work.calls == sites.rows[i].work.calls &&
		       shapes.rows[i].work.flops == sites.rows[i].work.flops;
	free(shapes.rows);
	free(sites.rows);
	return same ||
	       fail(reader,
	            "the rows of sites do not add up to those of shapes, as after a merge by hand; write the lock "
	            "anew with --update");
}

bool lock_read(struct lock *lock, const char *bytes, size_t length, struct lock_fault *fault)
{
	struct reader reader = {.lock = lock, .fault = fault};
	const char *at = bytes, *end = bytes + length;

	if (!length)
		return fail(&reader, "the file is empty");
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		reader.line++;
		if (!line_end)
			return fail(&reader, "the last line has no end: the file is cut");
		if (!read_line(&reader, at, (size_t)(line_end - at)))
			return false;
		at = line_end + 1;
	}
	if (reader.reached != LINE_TOTAL)
		return fail(&reader, "the total is missing: the file is cut");
	lock_settle(&lock->shapes);
	lock_settle(&lock->sites);
	return check_sums(&reader);
}
