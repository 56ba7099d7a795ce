/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * python.c - the Python functions and lines that the calling thread is in.
 * It must never wait for the GIL: NumPy has released it, and whoever holds it may wait for this thread. It must never
 * call a function of the interpreter that does more than read a word, but for the flush of a process that ends. It
 * must never fault: the frames of this thread do not change while it is inside a BLAS call, and every word of the
 * first stack is read by the kernel, which answers with an error where a layout below is not the process's.
 * An object is taken for code only if its type is PyCode_Type, and for a name only if its type is PyUnicode_Type.
 */
#include "shim/stacks/python.h"

#include <stdint.h>
#include <string.h>

#include "shim/dump/dump.h"
#include "shim/guest/guest.h"
#include "shim/record/record.h"
#include "shim/resolve/resolve.h"
#include "shim/state/epoch.h"
#include "shim/state/state.h"
#include "names.h"

enum { FRAMES_MAX = 64, NAME_MAX_BYTES = 512, TABLE_MAX = 1 << 16 };

/*
 * How a code object keeps line numbers: in pairs of (bytes, lines) up to 3.9, in such pairs for ranges in 3.10, in a
 * table of locations from 3.11 on.
 */
enum line_format { LINES_PAIRS, LINES_RANGES, LINES_LOCATIONS };

/*
 * Offsets and sizes, in bytes, that a version's headers have for what is read here. Comments give the names that
 * CPython has.
 */
struct layout {
	unsigned minor;
	enum line_format lines;
	struct {
		uint16_t holder; /* in PyThreadState: pointer to the frame, or to its holder (cframe) */
		int16_t held;    /* in the holder: pointer to the frame (_PyCFrame.current_frame); or IS_THE_FRAME */
	} innermost;
	struct {
		uint16_t code;        /* f_code, f_executable */
		uint16_t previous;    /* f_back, previous */
		uint16_t instruction; /* an int, f_lasti, up to 3.10; then a pointer, prev_instr or instr_ptr */
		int16_t owner;        /* HAS_NO_OWNER before 3.12 */
	} frame;                      /* PyFrameObject; from 3.11 on _PyInterpreterFrame */
	struct {
		uint16_t first_line; /* co_firstlineno */
		uint16_t filename, name;
		uint16_t table;        /* co_lnotab, co_linetable */
		uint16_t instructions; /* co_code_adaptive; not used before 3.11 */
	} code;                        /* PyCodeObject */
	struct {
		uint16_t ascii, other; /* sizes of PyASCIIObject and PyCompactUnicodeObject */
	} text_header;
};

enum { IS_THE_FRAME = -1, HAS_NO_OWNER = -1 };

static const struct layout layouts[] = {
	{
		.minor = 9,
		.lines = LINES_PAIRS,
		.innermost = {.holder = 24, .held = IS_THE_FRAME},
		.frame = {.code = 32, .previous = 24, .instruction = 104, .owner = HAS_NO_OWNER},
		.code = {.first_line = 40, .filename = 104, .name = 112, .table = 120},
		.text_header = {.ascii = 48, .other = 72},
	},
	{
		.minor = 10,
		.lines = LINES_RANGES,
		.innermost = {.holder = 24, .held = IS_THE_FRAME},
		.frame = {.code = 32, .previous = 24, .instruction = 96, .owner = HAS_NO_OWNER},
		.code = {.first_line = 40, .filename = 104, .name = 112, .table = 120},
		.text_header = {.ascii = 48, .other = 72},
	},
	{
		.minor = 11,
		.lines = LINES_LOCATIONS,
		.innermost = {.holder = 56, .held = 8},
		.frame = {.code = 32, .previous = 48, .instruction = 56, .owner = HAS_NO_OWNER},
		.code = {.first_line = 72, .filename = 112, .name = 128, .table = 136, .instructions = 184},
		.text_header = {.ascii = 48, .other = 72},
	},
	{
		.minor = 12,
		.lines = LINES_LOCATIONS,
		.innermost = {.holder = 56, .held = 0},
		.frame = {.code = 0, .previous = 8, .instruction = 56, .owner = 70},
		.code = {.first_line = 68, .filename = 112, .name = 128, .table = 136, .instructions = 192},
		.text_header = {.ascii = 40, .other = 56},
	},
	{
		.minor = 13,
		.lines = LINES_LOCATIONS,
		.innermost = {.holder = 72, .held = IS_THE_FRAME},
		.frame = {.code = 0, .previous = 8, .instruction = 56, .owner = 70},
		.code = {.first_line = 68, .filename = 112, .name = 128, .table = 136, .instructions = 200},
		.text_header = {.ascii = 40, .other = 56},
	},
};

/* Offsets and bits that are the same in all of them. */
enum {
	OBJECT_TYPE = 8,     /* ob_type */
	OBJECT_LENGTH = 16,  /* ob_size, and the length of a string */
	BYTES_CONTENTS = 32, /* ob_sval */
	TEXT_STATE = 32,     /* of these bits */
	TEXT_STATE_WIDTH_SHIFT = 2,
	TEXT_STATE_WIDTH_MASK = 7, /* kind: bytes of a character */
	TEXT_STATE_COMPACT = 1 << 5,
	TEXT_STATE_ASCII = 1 << 6,
};

enum { OWNED_BY_C_STACK = 3 }; /* owner of a frame, from 3.12 on: it is one of the interpreter itself */

static struct {
	uint32_t epoch;              /* in which the rest was looked for */
	const struct layout *layout; /* NULL: no CPython, or a version without a layout here */
	unsigned minor;              /* of version 3; 0: not known */
	void *(*this_thread_state)(void);
	int (*is_finalizing)(void);
	uint64_t code_type, text_type, bytes_type;
	bool trusted; /* the layout is right for this process: a whole stack was read by it */
	bool ends;    /* the interpreter is being finalized */
} python;

/* ---- reading ---- */

/*
 * The cache lines that the last frames were read from. A large call leaves none of them in the caches. Read one after
 * the other, each for the address of the next, they would take longer than all the rest of a stack.
 */
enum { LINES_MAX = 128, LINE_BYTES = 64 };

static struct {
	unsigned count;
	uint64_t addresses[LINES_MAX];
} lines_read;

static void note_line(uint64_t address)
{
	uint64_t line = address & ~(uint64_t)(LINE_BYTES - 1);

	if (lines_read.count < LINES_MAX && (!lines_read.count || lines_read.addresses[lines_read.count - 1] != line))
		lines_read.addresses[lines_read.count++] = line;
}

void python_prefetch(void)
{
	for (unsigned i = 0; i < lines_read.count; i++)
		__builtin_prefetch((const void *)lines_read.addresses[i]);
	lines_read.count = 0;
}

/*
 * Reads by the kernel until a whole stack has proved to be laid out as expected, and directly from then on. While the
 * interpreter ends, it reads by the kernel again: the frames of threads that never come back from their calls are
 * freed.
 */
static bool read_bytes(uint64_t address, void *bytes, size_t size)
{
	if (!python.trusted || python.ends)
		return address && guest_read((const void *)address, bytes, size);
	if (address) {
		note_line(address);
		memcpy(bytes, (const void *)address, size);
	}
	return address != 0;
}

static uint64_t read_word(uint64_t address)
{
	uint64_t word = 0;

	read_bytes(address, &word, sizeof(word));
	return word;
}

static bool has_type(uint64_t object, uint64_t type) { return object && read_word(object + OBJECT_TYPE) == type; }

static void put_byte(char *text, size_t size, size_t *end, char byte)
{
	if (*end + 1 < size)
		text[(*end)++] = byte;
}

static void put_string(char *text, size_t size, size_t *end, const char *string)
{
	while (*string)
		put_byte(text, size, end, *string++);
}

static void put_number(char *text, size_t size, size_t *end, int number)
{
	char digits[12];
	unsigned count = 0, rest = number < 0 ? 0u - (unsigned)number : (unsigned)number;

	do
		digits[count++] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		put_byte(text, size, end, '-');
	while (count)
		put_byte(text, size, end, digits[--count]);
}

static void put_utf8(char *text, size_t size, size_t *end, uint32_t point)
{
	if (point < 0x80)
		put_byte(text, size, end, point == '\n' ? ' ' : (char)point);
	else if (point < 0x800)
		guest_print(text, size, end, "%c%c", (int)(0xc0 | point >> 6), (int)(0x80 | (point & 63)));
	else if (point < 0x10000)
		guest_print(text, size, end, "%c%c%c", (int)(0xe0 | point >> 12), (int)(0x80 | (point >> 6 & 63)),
		            (int)(0x80 | (point & 63)));
	else
		guest_print(text, size, end, "%c%c%c%c", (int)(0xf0 | point >> 18), (int)(0x80 | (point >> 12 & 63)),
		            (int)(0x80 | (point >> 6 & 63)), (int)(0x80 | (point & 63)));
}

/* Appends a Python string as UTF-8. False if the object is none. */
static bool print_text(char *text, size_t size, size_t *end, uint64_t object)
{
	_Alignas(uint32_t) uint8_t bytes[NAME_MAX_BYTES];
	uint64_t length;
	uint32_t state = 0;
	unsigned width, header;

	if (!has_type(object, python.text_type) || !read_bytes(object + TEXT_STATE, &state, sizeof(state)))
		return false;
	length = read_word(object + OBJECT_LENGTH);
	width = state >> TEXT_STATE_WIDTH_SHIFT & TEXT_STATE_WIDTH_MASK;
	if (!(state & TEXT_STATE_COMPACT) || (width != 1 && width != 2 && width != 4))
		return false; /* not the compact form that names have */
	if (length * width > sizeof(bytes))
		length = sizeof(bytes) / width;
	header = state & TEXT_STATE_ASCII ? python.layout->text_header.ascii : python.layout->text_header.other;
	if (!read_bytes(object + header, bytes, length * width))
		return !length;
	for (uint64_t i = 0; i < length; i++)
		put_utf8(text, size, end,
		         width == 1   ? bytes[i]
		         : width == 2 ? ((const uint16_t *)bytes)[i]
		                      : ((const uint32_t *)bytes)[i]);
	return true;
}

/* ---- lines ---- */

/*
 * Copies the contents of a bytes object to `table`, of TABLE_MAX bytes. Returns how many bytes that were, 0 if it is
 * none.
 */
static size_t read_table(uint64_t object, uint8_t *table)
{
	uint64_t length;

	if (!has_type(object, python.bytes_type))
		return 0;
	length = read_word(object + OBJECT_LENGTH);
	if (length > TABLE_MAX)
		length = TABLE_MAX;
	return read_bytes(object + BYTES_CONTENTS, table, length) ? length : 0;
}

/*
 * The location table of 3.11 and later: see Objects/locations.md of CPython. Numbers of several bytes have six bits
 * in each.
 */
enum {
	ENTRY_BEGINS = 128, /* only the first byte of an entry has this bit */
	ENTRY_KIND_SHIFT = 3,
	ENTRY_KIND_MASK = 15,
	ENTRY_LENGTH_MASK = 7, /* of its instructions, less one */
	ONE_LINE_0 = 10,
	ONE_LINE_2 = 12, /* kinds: kind - ONE_LINE_0 is how many lines further */
	NO_COLUMNS = 13,
	LONG_FORM = 14, /* kinds: a signed number of lines follows */
	NUMBER_BITS = 6,
	NUMBER_MASK = 63,
	NUMBER_GOES_ON = 64,
};

static unsigned read_varint(const uint8_t *table, size_t size, size_t *at)
{
	unsigned value = 0;

	for (unsigned shift = 0; *at < size && shift < 30; shift += NUMBER_BITS) {
		uint8_t byte = table[(*at)++];

		value |= (unsigned)(byte & NUMBER_MASK) << shift;
		if (!(byte & NUMBER_GOES_ON))
			break;
	}
	return value;
}

static int read_signed_varint(const uint8_t *table, size_t size, size_t *at)
{
	unsigned value = read_varint(table, size, at);

	return value & 1 ? -(int)(value >> 1) : (int)(value >> 1);
}

/* The line of an instruction. Each entry of the table covers some instructions. */
static int line_of_locations(const uint8_t *table, size_t size, int line, uint64_t instruction)
{
	uint64_t covered = 0;

	for (size_t at = 0; at < size;) {
		uint8_t head = table[at++];
		unsigned kind = head >> ENTRY_KIND_SHIFT & ENTRY_KIND_MASK;

		if (kind >= ONE_LINE_0 && kind <= ONE_LINE_2)
			line += (int)kind - ONE_LINE_0;
		else if (kind == NO_COLUMNS || kind == LONG_FORM)
			line += read_signed_varint(table, size, &at);
		covered += (head & ENTRY_LENGTH_MASK) + 1u;
		if (covered > instruction)
			return line;
		while (at < size && !(table[at] & ENTRY_BEGINS))
			at++; /* columns */
	}
	return line;
}

enum { NO_LINE = -128 };

static int line_of_pairs(const uint8_t *table, size_t size, int line, uint64_t byte, bool ranges)
{
	uint64_t address = 0;

	for (size_t at = 0; at + 1 < size; at += 2) {
		int step = (int8_t)table[at + 1];

		address += table[at];
		if (ranges) {
			line += step == NO_LINE ? 0 : step;
			if (address > byte)
				break;
		} else {
			if (address > byte)
				break;
			line += step;
		}
	}
	return line;
}

static int frame_line(uint64_t frame, uint64_t code)
{
	static uint8_t table[TABLE_MAX]; /* under record_lock */
	const struct layout *layout = python.layout;
	size_t size = read_table(read_word(code + layout->code.table), table);
	uint64_t instruction = read_word(frame + layout->frame.instruction);
	uint32_t first = 0;

	read_bytes(code + layout->code.first_line, &first, sizeof(first));
	if (layout->lines == LINES_LOCATIONS)
		return line_of_locations(table, size, (int)first,
		                         (instruction - (code + layout->code.instructions)) / 2);
	instruction = (uint32_t)instruction;
	return line_of_pairs(table, size, (int)first, layout->lines == LINES_RANGES ? instruction * 2 : instruction,
	                     layout->lines == LINES_RANGES);
}

/* ---- frames ---- */

static const void *symbol_anywhere(const char *name)
{
	struct module *module;

	for (unsigned i = 0; (module = module_at(i)); i++) {
		const void *found = module_symbol(module, name);

		if (found)
			return found;
	}
	return NULL;
}

/* The minor version by Py_GetVersion, "3.9.2 (default, ...", for versions that have no Py_Version. */
static unsigned old_minor_version(void)
{
	const char *(*get_version)(void) = (const char *(*)(void))symbol_anywhere("Py_GetVersion");
	const char *text = get_version ? get_version() : "";
	unsigned minor = 0;

	if (text[0] != '3' || text[1] != '.')
		return 0;
	for (text += 2; *text >= '0' && *text <= '9'; text++)
		minor = minor * 10 + (unsigned)(*text - '0');
	return minor;
}

/* Py_IsFinalizing is public since 3.13, and only reads a word. */
static int (*finalizing_function(void))(void)
{
	const void *found = symbol_anywhere("Py_IsFinalizing");

	return (int (*)(void))(found ? found : symbol_anywhere("_Py_IsFinalizing"));
}

/* Looks for CPython among the loaded objects. With record_lock held. */
static void look_for_python(void)
{
	const unsigned long *version;

	python.epoch = flopshim_epoch;
	python.layout = NULL;
	python.trusted = python.ends = false;
	python.minor = 0;
	python.this_thread_state = (void *(*)(void))symbol_anywhere("PyGILState_GetThisThreadState");
	if (!python.this_thread_state)
		return;
	python.code_type = (uint64_t)symbol_anywhere("PyCode_Type");
	python.text_type = (uint64_t)symbol_anywhere("PyUnicode_Type");
	python.bytes_type = (uint64_t)symbol_anywhere("PyBytes_Type");
	version = symbol_anywhere("Py_Version");
	python.is_finalizing = finalizing_function();
	python.minor = version ? (unsigned)(*version >> 16 & 255) : old_minor_version();
	for (unsigned i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].minor == python.minor && (!version || *version >> 24 == 3))
			python.layout = &layouts[i];
}

static uint64_t innermost_frame(uint64_t state)
{
	uint64_t frame;

	python.ends = python.is_finalizing && python.is_finalizing();
	frame = read_word(state + python.layout->innermost.holder);
	return python.layout->innermost.held == IS_THE_FRAME
	               ? frame
	               : read_word(frame + (uint16_t)python.layout->innermost.held);
}

static bool print_frame(char *text, size_t size, size_t *end, uint64_t frame)
{
	const struct layout *layout = python.layout;
	uint64_t code = read_word(frame + layout->frame.code);
	size_t before = *end;

	if (!has_type(code, python.code_type))
		return false;
	if (*end)
		put_byte(text, size, end, '\n');
	if (!print_text(text, size, end, read_word(code + layout->code.name))) {
		*end = before;
		return false;
	}
	put_string(text, size, end, " (");
	if (!print_text(text, size, end, read_word(code + layout->code.filename))) {
		*end = before;
		return false;
	}
	put_byte(text, size, end, ':');
	put_number(text, size, end, frame_line(frame, code));
	put_byte(text, size, end, ')');
	return true;
}

/* Notes in the dump that one more stack lacks frames that were there, and Python's version. */
static void note_left_out(void)
{
	char text[64];
	size_t end = 0;

	guest_print(text, sizeof(text), &end, "CPython 3.%u", python.minor);
	dump_note(DUMP_NOTE_PYTHON, text, 1);
}

/* The thread's PyThreadState, 0 if it is not a thread of Python's. */
static uint64_t thread_state(void)
{
	if (python.epoch != flopshim_epoch)
		look_for_python();
	return python.this_thread_state ? (uint64_t)python.this_thread_state() : 0;
}

static bool is_interpreters_own(uint64_t frame)
{
	uint8_t owner = 0;

	if (python.layout->frame.owner != HAS_NO_OWNER)
		read_bytes(frame + (uint16_t)python.layout->frame.owner, &owner, 1);
	return owner == OWNED_BY_C_STACK;
}

static uint64_t first_frame(void)
{
	uint64_t state = thread_state();

	return state && python.layout ? innermost_frame(state) : 0;
}

struct python_place python_place(const void *code)
{
	uint64_t frame = first_frame();

	if (!frame || read_word(frame + python.layout->frame.code) != (uint64_t)code)
		return (struct python_place){0};
	return (struct python_place){frame, thread_state(), python.layout->innermost.holder,
	                             python.layout->innermost.held};
}

size_t python_caller(char *text, size_t size)
{
	uint64_t frame = first_frame();
	size_t end = 0;

	text[0] = 0;
	for (unsigned count = 0; frame && count < FRAMES_MAX; count++) {
		end = 0;
		if (!is_interpreters_own(frame)) {
			if (!print_frame(text, size, &end, frame))
				end = 0;
			text[end < size ? end : size - 1] = 0;
			if (!strstr(text, "/flopshim/__init__.py:") && !python_frame_is_made(text))
				return end;
		}
		frame = read_word(frame + python.layout->frame.previous);
	}
	return 0;
}

size_t python_frames(char *text, size_t size)
{
	uint64_t state = thread_state(), frame = first_frame();
	bool left_out = state && !python.layout;
	unsigned count = 0;
	size_t end = 0;

	text[0] = 0;
	while (frame && count < FRAMES_MAX) {
		if (!is_interpreters_own(frame) && !print_frame(text, size, &end, frame)) {
			left_out = true;
			break;
		}
		frame = read_word(frame + python.layout->frame.previous);
		count++;
	}
	python.trusted |= !frame && count;
	if (left_out)
		note_left_out();
	text[end < size ? end : size - 1] = 0;
	return end;
}

/* ---- the end ---- */

struct interpreter {
	int (*ensure)(void);
	void (*release)(int);
	int (*is_finalizing)(void);
	void *(*get_object)(const char *);
	void *(*call_method)(void *, const char *, const char *, ...);
	void (*forget)(void *);
	void (*clear_error)(void);
};

static bool find_interpreter(struct interpreter *found)
{
	void *thread_state = NULL;

	guest_lock(&record_lock);
	look_for_python();
	if (python.this_thread_state)
		thread_state = python.this_thread_state();
	*(const void **)&found->ensure = symbol_anywhere("PyGILState_Ensure");
	*(const void **)&found->release = symbol_anywhere("PyGILState_Release");
	found->is_finalizing = finalizing_function();
	*(const void **)&found->get_object = symbol_anywhere("PySys_GetObject");
	*(const void **)&found->call_method = symbol_anywhere("PyObject_CallMethod");
	*(const void **)&found->forget = symbol_anywhere("Py_DecRef");
	*(const void **)&found->clear_error = symbol_anywhere("PyErr_Clear");
	guest_unlock(&record_lock);
	return thread_state && found->ensure && found->release && found->is_finalizing && found->get_object &&
	       found->call_method && found->forget && found->clear_error && !found->is_finalizing();
}

void python_flush(void)
{
	static const char *const streams[] = {"stdout", "stderr"};
	struct interpreter interpreter;
	int held;

	if (!find_interpreter(&interpreter))
		return;
	held = interpreter.ensure();
	for (unsigned i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		void *stream = interpreter.get_object(streams[i]);
		void *result = stream ? interpreter.call_method(stream, "flush", NULL) : NULL;

		if (result)
			interpreter.forget(result);
		else
			interpreter.clear_error();
	}
	interpreter.release(held);
}
