/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dump.c - the dump file as memory: creation, growth, strings and tables.
 * It must never keep a descriptor (the program may close it and use its number again), and never let a full
 * disk reach the program as a signal.
 */
#include "shim/dump/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "shim/dump/lock.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/dump/path.h"
#include "price/price.h"
#include "shim/guest/speak.h"
#include "shim/state/state.h"
#include "version.h"

enum {
	PARTS_FIRST = 64,
	STRINGS_BYTES = 8192,
	STACKS_BYTES = 16384,
	ENTRIES_ALIGN = 128,
	FIRST_BYTES = 96 << 10, /* the header and the tables that nearly every process begins */
	LOG_MARGIN = 4 << 20,
	MESSAGES_MAX = 256,
};

/* Stands in until the dump is open, and for good where there is no memory for another. A page, as it is written out. */
static union {
	struct dump_header header;
	char page[DUMP_PAGE];
} nowhere;
struct dump_header *dump_header = &nowhere.header;

static struct {
	bool tried;        /* dump_open has run */
	bool has_file;
	bool said_no_file, said_full, said_unwritten, said_warnings; /* by this process or by one that forked it */
	bool written_out;  /* tables live in memory and are copied to the file */
	dev_t device;
	ino_t inode;
	uint64_t first_bytes; /* of the file's beginning are in memory behind the header; 0 where there was no room */
	uint64_t size;            /* of what is in use of the file */
	struct dump_part **parts; /* grows: only read under record_lock */
	uint32_t part_count, part_room;
	struct guest_pool pool;   /* of parts */
	struct dump_part *strings, *stacks;
	uint32_t messages; /* notes of them */
	uint64_t flushed_ns;
	uint64_t parent_ticks; /* of the process that forked this one */
	bool forked;
} dump;

#define TABLE(kind, record, size) {.type = kind, .entry_size = sizeof(struct record), .bytes = size}
#define TABLES                                                    \
	X(dump_meta, DUMP_META, dump_meta, 4096)                  \
	X(dump_modules, DUMP_MODULES, dump_module, 4096)          \
	X(dump_routines, DUMP_ROUTINES, dump_routine, 8192)       \
	X(dump_sites, DUMP_SITES, dump_site, 8192)                \
	X(dump_namespaces, DUMP_NAMESPACES, dump_namespace, 4096) \
	X(dump_limits, DUMP_LIMITS, dump_limit, 4096)             \
	X(dump_lanes, DUMP_LANES, dump_lane, 4096)                \
	X(dump_notes, DUMP_NOTES, dump_note, 4096)                \
	X(dump_samples, DUMP_SAMPLES, dump_sample, 4096)
#define X(name, kind, record, size) struct dump_table name = TABLE(kind, record, size);
TABLES
#undef X

bool dump_is_open(void) { return dump.tried; }
bool dump_is_cut(void) { return dump.has_file && dump_header->losses & DUMP_LOST_SPACE; }
const char *dump_path(void) { return dump.has_file ? path_shown() : NULL; }

/* ---- the file ---- */

/* The limit of the file's size shrank meanwhile, and this thread has a signal of it, which is blocked. */
static void signal_take_back(void)
{
	struct timespec none = {0, 0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	sigtimedwait(&set, NULL, &none);
}

/* Makes room up to `size` bytes. Errors as errno, never as a signal: signals are blocked under the lock. */
static int file_reserve(int file, uint64_t offset, uint64_t size)
{
	struct rlimit limit;
	int error;

	if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY && offset + size > limit.rlim_cur)
		return EFBIG;
	error = posix_fallocate(file, (off_t)offset, (off_t)size);
	if (error == EFBIG)
		signal_take_back();
	return error;
}

/*
 * Zeros into a part that is reserved. What was written is in memory and is mapped many pages at a time: a third of what
 * a call after the other waits for where each meets a page that must first be made. What fails here is left to them.
 */
static void file_fill(int file, uint64_t offset, uint64_t size)
{
	static const char zeros[DUMP_PAGE];
	static const struct iovec pages[64] = {[0 ... 63] = {(void *)zeros, sizeof(zeros)}};

	while (size >= DUMP_PAGE) {
		uint64_t count = size / DUMP_PAGE;
		ssize_t written = pwritev(file, pages, count < 64 ? (int)count : 64, (off_t)offset);

		if (written <= 0) {
			if (written < 0 && errno == EFBIG)
				signal_take_back();
			return;
		}
		offset += (uint64_t)written;
		size -= (uint64_t)written;
	}
}

/* Opens the dump again; -1 if its path now names something else. */
static int file_reopen(void)
{
	int file = path_open();
	struct stat status;

	if (file < 0)
		return -1;
	if (fstat(file, &status) || status.st_dev != dump.device || status.st_ino != dump.inode) {
		close(file);
		return -1;
	}
	return file;
}

/* Filesystems on which a reserved page of a shared mapping can always be written. */
static bool mapping_is_trusted(int file)
{
	struct statfs status;

	if (fstatfs(file, &status))
		return false;
	switch ((unsigned long)status.f_type) {
	case 0xef53:     /* ext2, ext3, ext4 */
	case 0x58465342: /* xfs */
	case 0x01021994: /* tmpfs */
	case 0x794c7630: /* overlay */
		return true;
	default:
		return false;
	}
}

/*
 * Zeroed pages that stand for this part of the file; NULL if there is no room for them in it. `at_once` says that all will
 * be needed.
 */
static void *file_pages(int file, uint64_t offset, uint64_t size, bool at_once)
{
	void *address;

	if (file_reserve(file, offset, size))
		return NULL;
	if (dump.written_out)
		return guest_pages(size);
	if (at_once)
		file_fill(file, offset, size);
	address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)offset);
	if (address == MAP_FAILED)
		return NULL;
	if (at_once)
		guest_populate(address, size);
	return address;
}

/* ---- blocks ---- */

/* Most processes have fewer blocks than there is room for from the start. */
static bool parts_have_room(void)
{
	static struct dump_part *first[PARTS_FIRST];
	struct dump_part **old = dump.parts, **list;

	if (!old) {
		dump.parts = first;
		dump.part_room = PARTS_FIRST;
	}
	if (dump.part_count < dump.part_room)
		return true;
	list = guest_pages(2 * dump.part_room * sizeof(*list));
	if (!list)
		return false;
	memcpy(list, old, dump.part_count * sizeof(*list));
	dump.parts = list;
	if (old != first)
		guest_free(old, dump.part_room * sizeof(*old));
	dump.part_room *= 2;
	return true;
}

static struct dump_part *part_take(void)
{
	static struct dump_part first[PARTS_FIRST];

	if (!dump.pool.size)
		dump.pool = (struct guest_pool){.size = sizeof(first[0]), .fresh = (char *)first,
						.fresh_end = (char *)first + sizeof(first)};
	return parts_have_room() ? guest_pool_take(&dump.pool) : NULL;
}

/* The record of calls must not take the last of the disk from the rows, which hold the totals. */
static bool log_has_room(int file, uint64_t size)
{
	struct statvfs status;

	if (fstatvfs(file, &status))
		return false;
	/* One that does not know how large it is says 0. */
	return !status.f_blocks || (uint64_t)status.f_bavail * status.f_frsize >= size + LOG_MARGIN;
}

static void *block_pages(enum dump_block_type type, uint64_t offset, uint64_t size, bool at_once, bool *in_file)
{
	void *pages = NULL;
	int file;

	*in_file = offset + size <= dump.first_bytes;
	if (*in_file)
		return (char *)dump_header + offset;
	if (dump.has_file && guest_confined) {
		if (type != DUMP_LOG)
			dump_lose(DUMP_LOST_SPACE);
		return NULL;
	}
	if (dump.has_file) {
		int saved = errno;

		file = file_reopen();
		if (file >= 0) {
			if (type != DUMP_LOG || log_has_room(file, size))
				pages = file_pages(file, offset, size, at_once);
			close(file);
		}
		errno = saved;
		*in_file = pages != NULL;
		if (!pages && !dump.said_full) {
			dump.said_full = true;
			guest_say("%s cannot grow: %s", path_told(),
				  type == DUMP_LOG ? "its record of calls ends here"
						   : "calls of new shapes are counted together from now on");
		}
		if (!pages && type == DUMP_LOG)
			return NULL;
		if (!pages)
			dump_lose(DUMP_LOST_SPACE);
	}
	return pages ? pages : guest_pages(size);
}

/* Calls write to these entries: each is to take as few cache lines as can be. */
static bool is_for_calls(enum dump_block_type type) { return type == DUMP_ROWS || type == DUMP_LANES; }
_Static_assert(sizeof(struct dump_row) % 64 == 0 && sizeof(struct dump_lane) % 64 == 0, "whole cache lines");

struct dump_part *dump_block_add(enum dump_block_type type, uint32_t entry_size, uint64_t bytes, uint32_t lane,
				 uint32_t first)
{
	uint64_t size = (bytes + DUMP_PAGE - 1) / DUMP_PAGE * DUMP_PAGE, offset = dump.size;
	uint16_t begin = is_for_calls(type) ? ENTRIES_ALIGN : sizeof(struct dump_block);
	struct dump_part *part = part_take();
	struct dump_block *block;
	bool in_file;

	if (!part)
		return NULL;
	/* A lane's first rows may be its only ones. */
	block = block_pages(type, offset, size, type == DUMP_LOG || (type == DUMP_ROWS && first), &in_file);
	if (!block) {
		guest_pool_give(&dump.pool, part);
		return NULL;
	}
	*block = (struct dump_block){
		.magic = DUMP_BLOCK_MAGIC,
		.type = (uint16_t)type,
		.header_size = begin,
		.offset = offset,
		.size = size,
		.address = (uint64_t)block,
		.entry_size = entry_size,
		.first = first,
		.lane = lane,
	};
	block->header_check = dump_check(block, offsetof(struct dump_block, header_check));
	*part = (struct dump_part){
		.block = block,
		.entries = (char *)block + begin,
		.capacity = (size - begin) / (entry_size ? entry_size : 1),
		.entry_size = entry_size,
		.first = first,
		.offset = offset,
		.size = size,
		.type = type,
		.in_file = in_file,
	};
	dump.parts[dump.part_count++] = part;
	dump_unseal();
	/* Blocks that are only in memory leave no gap in the file: nobody else knows their offset. */
	if (in_file || !dump.has_file) {
		dump.size = offset + size;
		__atomic_store_n(&dump_header->size, dump.size, __ATOMIC_RELEASE);
	}
	return part;
}

void *dump_append(struct dump_table *table, uint32_t *number)
{
	if (!table->part || table->part->used == table->part->capacity) {
		struct dump_part *part =
			dump_block_add(table->type, table->entry_size, table->bytes, DUMP_NONE, table->count);

		if (!part)
			return NULL;
		table->part = part;
		if (table->bytes < 1u << 20)
			table->bytes *= 2;
	}
	if (number)
		*number = table->count;
	return dump_entry(table->part, table->part->used);
}

void dump_commit(struct dump_table *table)
{
	dump_unseal();
	table->count++;
	dump_part_use(table->part, table->part->used + 1);
}

/* Room for `size` bytes in the last block of a chain of entries that vary in size. */
static void *varied_append(struct dump_part **part, enum dump_block_type type, uint64_t bytes, uint64_t size)
{
	if (!*part || (*part)->used + size > (*part)->capacity) {
		uint64_t needed = size + sizeof(struct dump_block);
		struct dump_part *added = dump_block_add(type, 0, needed > bytes ? needed : bytes, DUMP_NONE, 0);

		if (!added)
			return NULL;
		*part = added;
	}
	return (*part)->entries + (*part)->used;
}

static uint64_t varied_commit(struct dump_part *part, uint64_t size)
{
	uint64_t place = part->offset + (uint64_t)(part->entries - (char *)part->block) + part->used;

	dump_unseal();
	dump_part_use(part, part->used + size);
	return place;
}

uint64_t dump_string(const char *text, uint64_t length)
{
	uint64_t size = (sizeof(struct dump_string) + length + 1 + 7) & ~(uint64_t)7;
	struct dump_string *string = varied_append(&dump.strings, DUMP_STRINGS, STRINGS_BYTES, size);

	if (!string)
		return 0;
	string->length = (uint32_t)length;
	memcpy(string->text, text, length);
	return varied_commit(dump.strings, size);
}

uint64_t dump_stack_add(const uint64_t *addresses, uint32_t count, uint64_t python)
{
	uint32_t size = (uint32_t)sizeof(struct dump_stack) + 8 * count;
	struct dump_stack *stack = varied_append(&dump.stacks, DUMP_STACKS, STACKS_BYTES, size);

	if (!stack)
		return 0;
	stack->size = size;
	stack->count = count;
	stack->python = python;
	memcpy(stack->addresses, addresses, 8 * (size_t)count);
	return varied_commit(dump.stacks, size);
}

void dump_each_row(void (*visit)(const struct dump_row *, uint64_t place, void *), void *context)
{
	uint64_t place = 0;

	for (uint32_t i = 0; i < dump.part_count; i++) {
		const struct dump_part *part = dump.parts[i];

		/* Room counts, not use: a row keeps its place when more come. */
		for (uint64_t j = 0; part->type == DUMP_ROWS && j < part->capacity; j++, place++)
			if (j < part->used)
				visit(dump_entry(part, j), place, context);
	}
}

void *dump_entry_numbered(enum dump_block_type type, uint32_t number)
{
	for (uint32_t i = 0; i < dump.part_count; i++) {
		const struct dump_part *part = dump.parts[i];

		if (part->type == type && number >= part->first && number - part->first < part->used)
			return dump_entry(part, number - part->first);
	}
	return NULL;
}

/* Where the text at a place begins, and how many bytes there are at most: it may have lost its end. */
static const char *text_at(uint64_t place, uint64_t *room)
{
	for (uint32_t i = 0; i < dump.part_count; i++) {
		const struct dump_part *part = dump.parts[i];
		uint64_t begin = part->offset + (uint64_t)(part->entries - (char *)part->block);

		if (part->type != DUMP_STRINGS || place < begin || place >= part->offset + part->size)
			continue;
		*room = part->offset + part->size - place;
		if (*room <= sizeof(struct dump_string))
			break;
		*room -= sizeof(struct dump_string);
		return (const char *)part->block + (place - part->offset) + sizeof(struct dump_string);
	}
	*room = 0;
	return "";
}

bool dump_text_is(uint64_t place, const char *text)
{
	uint64_t room, length = strlen(text);
	const char *found = text_at(place, &room);

	return length < room && !memcmp(found, text, length) && !found[length];
}

void dump_text_copy(uint64_t place, char *text, size_t size)
{
	uint64_t room;
	const char *found = text_at(place, &room);
	size_t length = 0;

	for (; length < room && length + 1 < size && found[length]; length++)
		text[length] = found[length];
	text[length] = 0;
}

/* ---- what a dump begins with ---- */

static void meta_add(const char *key, const char *value, size_t length)
{
	struct dump_meta *meta = dump_append(&dump_meta, NULL);

	if (!meta)
		return;
	meta->key = dump_string(key, strlen(key));
	meta->value = dump_string(value, length);
	dump_commit(&dump_meta);
}

static void meta_fill(void)
{
	static char buffer[16384];
	ssize_t length = readlink("/proc/self/exe", buffer, sizeof(buffer));
	int file;

	if (length > 0)
		meta_add("program", buffer, (size_t)length);
	file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	if (file >= 0) {
		length = read(file, buffer, sizeof(buffer) - 1);
		close(file);
		buffer[length > 0 ? length : 0] = 0;
		for (char *at = buffer; at < buffer + length; at += strlen(at) + 1)
			meta_add("argument", at, strlen(at));
	}
	meta_add("directory", config.directory, strlen(config.directory));
	for (char **entry = environ; entry && *entry; entry++)
		if (!strncmp(*entry, "FLOPSHIM_", 9))
			meta_add("environment", *entry, strlen(*entry));
	for (char *line = config.warnings; *line;) {
		char *end = strchr(line, '\n');

		*end = 0;
		dump_note(DUMP_NOTE_ENVIRONMENT, line, 1);
		*end = '\n';
		line = end + 1;
	}
}

/* Field 22 of /proc/self/stat; the name in field 2 may hold anything. */
static uint64_t process_start_ticks(void)
{
	static char buffer[1024]; /* under record_lock */
	char *at;
	int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t length;
	uint64_t ticks = 0;

	if (file < 0)
		return 0;
	length = read(file, buffer, sizeof(buffer) - 1);
	close(file);
	buffer[length > 0 ? length : 0] = 0;
	at = strrchr(buffer, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	for (at = at ? at + 1 : NULL; at && *at >= '0' && *at <= '9'; at++)
		ticks = ticks * 10 + (uint64_t)(*at - '0');
	return ticks;
}

static int rank_number(void)
{
	const char *text = path_rank();
	int rank = 0;

	if (!text || *text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9' && rank < 100000000; text++)
		rank = rank * 10 + (*text - '0');
	return rank;
}

static void header_fill(struct dump_header *header)
{
	struct timespec now;
	size_t end = 0;

	memcpy(header->magic, DUMP_MAGIC, sizeof(header->magic));
	header->version = DUMP_VERSION;
	header->byte_order = DUMP_BYTE_ORDER;
	header->pid = (uint32_t)getpid();
	header->parent_pid = (uint32_t)getppid();
	header->start_ticks = process_start_ticks();
	clock_gettime(CLOCK_REALTIME, &now);
	header->start_realtime_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	header->start_monotonic_ns = guest_clock();
	header->fork_parent_ticks = dump.parent_ticks;
	header->multiplier = config.multiplier;
	header->rank = rank_number();
	header->exit_status = -1;
	memcpy(header->table_version, table_version, strnlen(table_version, sizeof(header->table_version) - 1));
	guest_print(header->shim_version, sizeof(header->shim_version), &end, "%s", FLOPSHIM_VERSION);
	path_host(header->host, sizeof(header->host));
	end = 0;
	guest_print(header->job, sizeof(header->job), &end, "%s", path_job() ? path_job() : "");
	header->records_mode = config.records_calls;
	header->stacks_mode = (uint32_t)config.stacks;
	header->time_mode = (uint32_t)config.time;
	header->stack_threshold = nowhere.header.stack_threshold; /* see dump_header */
	header->header_check = dump_header_check(header);
	/* What changes is taken as 0 by the check, so it comes after. */
	header->size = dump.size = DUMP_PAGE;
	header->state = DUMP_RUNNING;
}

static void say_no_file(const char *reason)
{
	if (!dump.said_no_file)
		guest_say("cannot write %s (%s): counting without a file", path_told(), reason);
	dump.said_no_file = true;
}

static void say_warnings(void)
{
	if (!dump.said_warnings && !config.quiet && speak_is_heard()) /* the dump has them already */
		for (const char *line = config.warnings; *line; line = strchr(line, '\n') + 1)
			guest_say("%.*s", (int)(strchr(line, '\n') - line), line);
	dump.said_warnings = true;
}

/* In memory: where no file can be, or where it cannot be mapped. */
static struct dump_header *header_in_memory(void)
{
	struct dump_header *header = guest_pages(DUMP_PAGE);

	return header ? header : &nowhere.header;
}

/* The header in the file that has just been made; NULL if there is no room for it there. */
static struct dump_header *header_in_file(int file)
{
	struct dump_header *header = NULL;

	dump.written_out = !mapping_is_trusted(file);
	/* A dozen blocks that are reserved and mapped one after the other would take half a millisecond. */
	if (!dump.written_out)
		header = file_pages(file, 0, FIRST_BYTES, true);
	dump.first_bytes = header ? FIRST_BYTES : 0;
	if (!header && !dump.written_out)
		header = file_pages(file, 0, DUMP_PAGE, false);
	if (header || file_reserve(file, 0, DUMP_PAGE))
		return header;
	dump.written_out = true; /* there is room, but no memory to map it */
	return header_in_memory();
}

static struct dump_header *header_pages(void)
{
	struct dump_header *header = NULL;
	const char *fault = NULL;
	struct stat status;
	int file = path_create(dump.forked, &fault);

	if (file >= 0 && !fstat(file, &status)) {
		dump.device = status.st_dev;
		dump.inode = status.st_ino;
		header = header_in_file(file);
		if (!header)
			say_no_file("no room for it");
	} else {
		say_no_file(file < 0 ? fault : strerrorname_np(errno));
	}
	dump.has_file = header;
	dump.written_out &= dump.has_file;
	if (file >= 0 && !header)
		path_remove();
	if (file >= 0)
		close(file);
	return header ? header : header_in_memory();
}

static void write_out(void);

void dump_open(void)
{
	struct dump_header *header;
	int saved = errno;

	if (dump.tried)
		return;
	dump.tried = true;
	header = header_pages();
	header_fill(header);
	if (header != &nowhere.header) { /* calls may have been lost before */
		header->losses = nowhere.header.losses;
		header->lost_calls = nowhere.header.lost_calls;
	}
	if (dump.written_out)
		header->losses |= DUMP_NOT_DURABLE;
	dump_header = header;
	meta_fill();
	if (dump.written_out)
		write_out(); /* or a process that ends within the first second leaves a file that is no dump */
	say_warnings();
	guest_say_verbose("writing %s", dump.has_file ? path_told() : "no dump");
	errno = saved;
}

void dump_note(enum dump_note_kind kind, const char *text, uint64_t count)
{
	struct dump_note *note;

	if (!dump.tried)
		return;
	for (uint32_t i = 0; i < dump.part_count; i++) {
		const struct dump_part *part = dump.parts[i];

		if (part->type != DUMP_NOTES)
			continue;
		for (uint64_t j = 0; j < part->used; j++) {
			note = dump_entry(part, j);
			if (note->kind == kind && note->check == dump_check(text, strlen(text))) {
				dump_unseal();
				note->count += count;
				return;
			}
		}
	}
	note = dump_append(&dump_notes, NULL);
	if (!note)
		return;
	note->kind = kind;
	note->check = dump_check(text, strlen(text));
	note->text = dump_string(text, strlen(text));
	note->count = count;
	dump_commit(&dump_notes);
}

/* ---- writing out, closing, forking ---- */

static bool write_all(int file, const void *bytes, uint64_t size, uint64_t offset)
{
	const char *at = bytes;

	while (size) {
		ssize_t written = pwrite(file, at, size, (off_t)offset);

		if (written <= 0)
			return false;
		at += written;
		offset += (uint64_t)written;
		size -= (uint64_t)written;
	}
	return true;
}

/* The header comes last: it tells how far the file goes, and what is missing. */
static bool write_blocks(int file)
{
	bool written = true;

	for (uint32_t i = 0; i < dump.part_count; i++) {
		const struct dump_part *part = dump.parts[i];

		if (part->in_file)
			written &= write_all(file, part->block, part->size, part->offset);
	}
	if (!written)
		dump_lose(DUMP_LOST_SPACE);
	return write_all(file, dump_header, DUMP_PAGE, 0) && written;
}

/* Its blocks have room in the file, which is a promise on some file systems, and not on others. */
static void write_out(void)
{
	int saved = errno, file;
	bool written = false;

	if (guest_confined)
		return;
	file = file_reopen();
	errno = ENOENT;
	if (file >= 0) {
		written = write_blocks(file);
		if (!written && errno == EFBIG)
			signal_take_back();
		close(file);
	}
	if (!written && !dump.said_unwritten) {
		dump.said_unwritten = true;
		guest_say("%s cannot be written (%s): what came since may be missing", path_told(), strerrorname_np(errno));
	}
	errno = saved;
}

/* A program with many limits has a message for each: beyond some the notes would be searched for long. */
static void note_messages(void)
{
	static char sentence[SPEAK_LINE_MAX]; /* under record_lock: stacks may be small */

	while (dump.tried && speak_take(sentence, sizeof(sentence)))
		dump_note(DUMP_NOTE_MESSAGE, dump.messages++ < MESSAGES_MAX ? sentence : "more messages like these", 1);
}

void dump_flush_due(void)
{
	uint64_t now;

	if (unlikely(speak_keeps())) {
		guest_lock(&record_lock);
		note_messages();
		guest_unlock(&record_lock);
	}
	if (!dump.written_out)
		return;
	now = guest_clock();
	if (now - __atomic_load_n(&dump.flushed_ns, __ATOMIC_RELAXED) < 1000000000u)
		return;
	guest_lock(&record_lock);
	if (dump.has_file && now - dump.flushed_ns >= 1000000000u) {
		__atomic_store_n(&dump.flushed_ns, now, __ATOMIC_RELAXED);
		write_out();
	}
	guest_unlock(&record_lock);
}

void dump_prepare_confined(void)
{
	guest_lock(&record_lock);
	if (dump.has_file && dump.written_out)
		write_out();
	guest_unlock(&record_lock);
}

static bool is_written_by_threads(const struct dump_part *part)
{
	return part->type == DUMP_ROWS || part->type == DUMP_LANES || part->type == DUMP_LOG ||
	       part->type == DUMP_SAMPLES || part->type == DUMP_LIMITS || part->type == DUMP_NAMESPACES;
}

static void write_checks(bool quiet)
{
	for (uint32_t i = 0; i < dump.part_count; i++) {
		const struct dump_part *part = dump.parts[i];
		uint64_t used = part->used; /* threads may add to it meanwhile */

		if (quiet || !is_written_by_threads(part))
			part->block->content_check = dump_content_check(DUMP_CONTENT_SEED ^ used, part->entries,
									used * (part->entry_size ? part->entry_size : 1));
	}
	dump_header->close_check =
		dump_content_check(DUMP_CONTENT_SEED, dump_header, offsetof(struct dump_header, close_check));
}

void dump_unseal(void)
{
	if (!dump_header->close_check)
		return;
	dump_header->close_check = 0;
	for (uint32_t i = 0; i < dump.part_count; i++)
		dump.parts[i]->block->content_check = 0;
}

void dump_unseal_unlocked(void)
{
	if (__atomic_load_n(&dump_header->state, __ATOMIC_SEQ_CST) != DUMP_CLOSED)
		return;
	guest_lock(&record_lock);
	dump_unseal();
	guest_unlock(&record_lock);
}

/* One atomic operation: calls note losses under no lock. */
static void losses_add(enum dump_loss loss)
{
	if (!(__atomic_load_n(&dump_header->losses, __ATOMIC_RELAXED) & loss))
		__atomic_fetch_or(&dump_header->losses, (uint32_t)loss, __ATOMIC_SEQ_CST);
}

void dump_lose(enum dump_loss loss)
{
	dump_unseal();
	losses_add(loss);
}

void dump_lose_unlocked(enum dump_loss loss)
{
	losses_add(loss);
	dump_unseal_unlocked();
}

void dump_close(enum dump_state state, int exit_status, bool quiet)
{
	note_messages();
	if (!dump.tried || dump_header->close_check)
		return;
	dump_header->end_monotonic_ns = guest_clock();
	dump_header->exit_status = exit_status;
	/* Before the header is checked: who changes it later under no lock sees that it was closed. */
	__atomic_store_n(&dump_header->state, (uint32_t)state, __ATOMIC_SEQ_CST);
	write_checks(quiet);
	if (dump.written_out)
		write_out();
}

void dump_forked(void)
{
	if (dump.tried)
		dump.parent_ticks = dump_header->start_ticks;
	dump.forked = true;
	for (uint32_t i = 0; i < dump.part_count; i++) {
		guest_free(dump.parts[i]->block, dump.parts[i]->size);
		guest_pool_give(&dump.pool, dump.parts[i]);
	}
	if (dump_header != &nowhere.header)
		guest_free(dump_header, dump.first_bytes ? dump.first_bytes : DUMP_PAGE);
	memset(&nowhere, 0, sizeof(nowhere));
	dump_header = &nowhere.header;
	dump.part_count = 0;
	dump.first_bytes = 0;
	dump.messages = 0;
	speak_forked();
	dump.tried = guest_confined; /* then there will be none */
	dump.has_file = dump.written_out = false;
	dump.strings = dump.stacks = NULL;
#define X(name, kind, record, size) name = (struct dump_table)TABLE(kind, record, size);
	TABLES
#undef X
}
