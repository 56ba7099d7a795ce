/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * analyzer.c - measures how fast flopshim-report is, on large dumps that it writes itself.
 * It must write them by flopshim_dump.h alone, never with code of the shim.
 */
#include <elf.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "flopshim_dump.h"

extern char **environ;

enum { PAGE = DUMP_PAGE_LEAST, ROWS_IN_BLOCK = 16000, SITES_MAX = 10000, MODULE_ADDRESS = 0x10000000 };

/* ---- writing ---- */

struct sheet {
	FILE *file;
	struct dump_header header;
	uint64_t strings_at; /* where in `strings` the next one begins */
	char strings[8192];
};

/* Appends a block to the file. `bytes` is the size of `entries`; an `entry_size` of 0 makes a block of plain bytes. */
static void block_write(struct sheet *sheet, enum dump_block_type type, uint32_t entry_size, uint32_t first,
                        uint32_t lane, const void *entries, uint64_t bytes)
{
	static const char zeros[PAGE];
	uint64_t whole = (sizeof(struct dump_block) + bytes + PAGE - 1) / PAGE * PAGE;
	struct dump_block block = {
		.magic = DUMP_BLOCK_MAGIC,
		.type = (uint16_t)type,
		.header_size = sizeof(block),
		.offset = sheet->header.size,
		.size = whole,
		.entry_size = entry_size,
		.first = first,
		.lane = lane,
		.used = entry_size ? bytes / entry_size : bytes,
	};

	block.header_check = dump_check(&block, offsetof(struct dump_block, header_check));
	fwrite(&block, sizeof(block), 1, sheet->file);
	fwrite(entries, 1, bytes, sheet->file);
	fwrite(zeros, 1, whole - sizeof(block) - bytes, sheet->file);
	sheet->header.size += whole;
}

/* Adds a string and returns its offset in the file: all strings are in the first block, right after the header. */
static uint64_t string_add(struct sheet *sheet, const char *text)
{
	struct dump_string *string = (void *)(sheet->strings + sheet->strings_at);
	uint64_t place = PAGE + sizeof(struct dump_block) + sheet->strings_at;

	string->length = (uint32_t)strlen(text);
	memcpy(string->text, text, string->length);
	sheet->strings_at += (sizeof(*string) + string->length + 1 + 7) & ~(uint64_t)7;
	return place;
}

/* An executable file, its build id, and the address range of its code as the file states it. */
struct object {
	char path[4096];
	uint64_t code, code_size;
	uint8_t build_id[32];
	uint32_t build_id_size;
};

/* Fills `object` from the ELF file at `path`. Returns false if it cannot be read or has no code. */
static bool object_read(const char *path, struct object *object)
{
	int file = open(path, O_RDONLY);
	struct stat status;
	const char *bytes = MAP_FAILED;
	const Elf64_Phdr *segments;

	*object = (struct object){.code = 0};
	if (file >= 0 && !fstat(file, &status) && realpath(path, object->path))
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (bytes == MAP_FAILED)
		return false;
	segments = (const void *)(bytes + ((const Elf64_Ehdr *)bytes)->e_phoff);
	for (unsigned i = 0; i < ((const Elf64_Ehdr *)bytes)->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_X) {
			object->code = segment->p_vaddr;
			object->code_size = segment->p_memsz;
		}
		for (uint64_t at = 0; segment->p_type == PT_NOTE && at + sizeof(Elf64_Nhdr) < segment->p_filesz;) {
			const Elf64_Nhdr *note = (const void *)(bytes + segment->p_offset + at);

			if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && note->n_descsz <= 32) {
				memcpy(object->build_id, (const char *)(note + 1) + 4, note->n_descsz);
				object->build_id_size = note->n_descsz;
			}
			at += sizeof(*note) + ((note->n_namesz + 3u) & ~3u) + ((note->n_descsz + 3u) & ~3u);
		}
	}
	close(file);
	return object->code_size > 0;
}

/* Writes all blocks but the rows. The sites are spread over the code of `object`, so that each has another symbol. */
static void tables_write(struct sheet *sheet, const struct object *object, uint32_t sites)
{
	static struct dump_site site[SITES_MAX];
	struct dump_meta program = {string_add(sheet, "program"), string_add(sheet, object->path)};
	struct dump_module module[2] = {
		{.path = program.value,
	         .start = MODULE_ADDRESS,
	         .end = MODULE_ADDRESS + object->code + object->code_size,
	         .bias = MODULE_ADDRESS,
	         .build_id_size = object->build_id_size},
		{.path = string_add(sheet, "/usr/lib/libblas.so.3"),
	         .start = UINT64_C(1) << 40,
	         .end = (UINT64_C(1) << 40) + (1 << 20),
	         .flags = DUMP_MODULE_SERVES | DUMP_MODULE_BLAS},
	};
	struct dump_routine routine = {.name = string_add(sheet, "dgemm"),
	                               .type = 'd',
	                               .kind = DUMP_DIRECT,
	                               .option_count = 2,
	                               .dim_count = 3};
	const char *const names[] = {"transa", "transb", "m", "n", "k"};
	struct dump_namespace root = {
		.name = string_add(sheet, ""), .parent = DUMP_NONE, .multiplier = UINT64_C(1) << 32};
	struct dump_lane lane = {.threads = 1};
	uint64_t symbol = string_add(sheet, "dgemm_");

	memcpy(module[0].build_id, object->build_id, sizeof(object->build_id));
	for (unsigned i = 0; i < 5; i++)
		*(i < 2 ? &routine.options[i] : &routine.dims[i - 2]) = string_add(sheet, names[i]);
	for (uint32_t i = 0; i < sites; i++)
		site[i] = (struct dump_site){
			.caller = MODULE_ADDRESS + object->code + object->code_size / sites * i + 1,
			.symbol = symbol,
			.caller_module = 0,
			.callee_module = 1,
		};
	block_write(sheet, DUMP_STRINGS, 0, 0, DUMP_NONE, sheet->strings, sheet->strings_at);
	block_write(sheet, DUMP_META, sizeof(program), 0, DUMP_NONE, &program, sizeof(program));
	block_write(sheet, DUMP_MODULES, sizeof(module[0]), 0, DUMP_NONE, module, sizeof(module));
	block_write(sheet, DUMP_ROUTINES, sizeof(routine), 0, DUMP_NONE, &routine, sizeof(routine));
	block_write(sheet, DUMP_SITES, sizeof(site[0]), 0, DUMP_NONE, site, sites * sizeof(site[0]));
	block_write(sheet, DUMP_NAMESPACES, sizeof(root), 0, DUMP_NONE, &root, sizeof(root));
	block_write(sheet, DUMP_LANES, sizeof(lane), 0, DUMP_NONE, &lane, sizeof(lane));
}

/* Writes rows of dgemm, each with another shape, since no two rows of a dump may have the same key. */
static void rows_write(struct sheet *sheet, uint32_t rows, uint32_t sites)
{
	static struct dump_row block[ROWS_IN_BLOCK];

	for (uint32_t first = 0; first < rows; first += ROWS_IN_BLOCK) {
		uint32_t count = rows - first < ROWS_IN_BLOCK ? rows - first : ROWS_IN_BLOCK;

		for (uint32_t i = 0; i < count; i++) {
			uint32_t number = first + i;
			int64_t m = 1 + number % 1000, n = 1 + number / 1000, k = 64;

			block[i] = (struct dump_row){
				.calls = 1 + number % 7,
				.options = 'N' | 'N' << 8,
				.dims = {m, n, k},
				.flops = (uint64_t)(2 * m * n * k),
				.charged = (uint64_t)(2 * m * n * k),
				.site = number % sites,
				.words = (uint64_t)(m * k + k * n + 2 * m * n),
			};
		}
		block_write(sheet, DUMP_ROWS, sizeof(block[0]), first, 0, block, count * sizeof(block[0]));
	}
}

/* Writes a dump of the process `number`. Returns false if the file cannot be opened or closed. */
static bool dump_write(const char *path, const struct object *object, uint32_t number, uint32_t rows, uint32_t sites)
{
	static struct sheet sheet;

	sheet = (struct sheet){.file = fopen(path, "w"),
	                       .header = {
				       .version = dump_version(PAGE),
				       .layout = DUMP_LAYOUT,
				       .page_size = PAGE,
				       .byte_order = DUMP_BYTE_ORDER,
				       .size = PAGE,
				       .state = DUMP_CLOSED,
				       .pid = number + 2,
				       .parent_pid = 1,
				       .start_ticks = 1000 + number,
				       .start_realtime_ns = UINT64_C(1700000000000000000),
				       .start_monotonic_ns = 1,
				       .end_monotonic_ns = 2,
				       .multiplier = UINT64_C(1) << 32,
				       .rank = (int32_t)number,
				       .exit_status = -1,
				       .table_version = "bench",
				       .shim_version = "bench",
				       .host = "bench",
			       }};
	if (!sheet.file)
		return false;
	memcpy(sheet.header.magic, DUMP_MAGIC, sizeof(sheet.header.magic));
	fseek(sheet.file, PAGE, SEEK_SET);
	tables_write(&sheet, object, sites);
	rows_write(&sheet, rows, sites);
	sheet.header.header_check = dump_header_check(&sheet.header);
	rewind(sheet.file);
	fwrite(&sheet.header, sizeof(sheet.header), 1, sheet.file);
	return !fclose(sheet.file);
}

/* ---- timing ---- */

/* Runs the report once over `input`, with its output thrown away. Returns false if it did not end with status 0. */
static bool report_run(const char *report, const char *const *options, const char *input, double *seconds,
                       double *mebibytes)
{
	const char *arguments[8] = {report};
	posix_spawn_file_actions_t actions;
	double start = now_ns();
	struct rusage usage = {0};
	int status = -1;
	unsigned count = 1;
	pid_t pid;

	while (*options)
		arguments[count++] = *options++;
	arguments[count] = input;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, report, &actions, NULL, (char *const *)arguments, environ) ||
	    wait4(pid, &status, 0, &usage) != pid)
		status = -1;
	posix_spawn_file_actions_destroy(&actions);
	*seconds = (now_ns() - start) / 1e9;
	*mebibytes = (double)usage.ru_maxrss / 1024;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void add(const char *name, const char *mode, const char *unit, double value, double target)
{
	struct figure figure = {
		.part = "analyzer", .unit = unit, .value = value, .spread = NAN, .lowest = NAN, .target = target};

	snprintf(figure.name, sizeof(figure.name), "%s", name);
	snprintf(figure.mode, sizeof(figure.mode), "%s", mode);
	figure_add(&figure);
}

/* Notes the fastest of three runs, since later ones find the dumps in memory, and disks are not what is measured. */
static bool scenario(const struct settings *settings, const char *name, const char *const *options, const char *input,
                     double target)
{
	double best = INFINITY, memory = 0;

	for (unsigned i = 0; i < 3; i++) {
		double seconds;

		if (!report_run(settings->report, options, input, &seconds, &memory))
			return false;
		best = seconds < best ? seconds : best;
	}
	add(name, "time", "s", best, target);
	add(name, "memory", "MiB", memory, NAN);
	return true;
}

int analyzer_measure(const struct settings *settings)
{
	static const char *const plain[] = {"report", NULL}, *const sites[] = {"report", "--csv=sites", "--top=all",
	                                                                       NULL};
	unsigned rows = settings->quick ? 500000 : 5000000, dumps = settings->quick ? 1000 : 10000;
	char folder[4096], path[8192], name[64];
	struct object object;
	bool good = object_read(settings->report, &object);

	snprintf(path, sizeof(path), "%s/sites.dump", settings->scratch);
	good = good && dump_write(path, &object, 0, SITES_MAX, SITES_MAX) &&
	       scenario(settings, "10,000 sites symbolized", sites, path, NAN);
	unlink(path);

	snprintf(path, sizeof(path), "%s/large.dump", settings->scratch);
	snprintf(name, sizeof(name), "one dump of %u rows", rows);
	good = good && dump_write(path, &object, 0, rows, 100) && scenario(settings, name, plain, path, NAN);
	unlink(path);

	snprintf(folder, sizeof(folder), "%s/many", settings->scratch);
	snprintf(name, sizeof(name), "%u dumps of 1,000 rows", dumps);
	good = good && !mkdir(folder, 0700);
	for (unsigned i = 0; good && i < dumps; i++) {
		snprintf(path, sizeof(path), "%s/%u.dump", folder, i);
		good = dump_write(path, &object, i, 1000, 100);
	}
	good = good && scenario(settings, name, plain, folder, settings->quick ? NAN : 10);
	for (unsigned i = 0; i < dumps; i++) {
		snprintf(path, sizeof(path), "%s/%u.dump", folder, i);
		unlink(path);
	}
	rmdir(folder);
	if (!good)
		fprintf(stderr, "bench: the dumps could not be written, or flopshim-report failed on them\n");
	return good ? 0 : -1;
}
