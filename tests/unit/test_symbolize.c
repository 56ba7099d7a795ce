/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_symbolize.c - tests that addresses in this program and in the C library become names, by path, build id and
 * offset. It must never accept a name from a file that may not be the one that was loaded.
 */
#include <check.h>
#include <elf.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/aggregate/aggregate.h"
#include "dump_writer.h"
#include "memory_source.h"
#include "analyzer/tables/symbolize.h"
#include "run_suite.h"

/* A loaded object, as the shim would describe it in the dump. */
struct object {
	const void *inside; /* an address in the object, by which it is found */
	char path[PATH_MAX];
	uint64_t bias;
	uint8_t build_id[32];
	uint32_t build_id_size;
};

static void read_build_id(struct object *object, const unsigned char *note, size_t size)
{
	while (size >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *header = (const void *)note;
		size_t name = (header->n_namesz + 3) / 4 * 4, descriptor = (header->n_descsz + 3) / 4 * 4;

		if (header->n_type == NT_GNU_BUILD_ID && header->n_descsz <= sizeof object->build_id) {
			memcpy(object->build_id, note + sizeof *header + name, header->n_descsz);
			object->build_id_size = header->n_descsz;
		}
		note += sizeof *header + name + descriptor;
		size -= sizeof *header + name + descriptor;
	}
}

static int look_at(struct dl_phdr_info *info, size_t size, void *context)
{
	struct object *object = context;
	bool found = false;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + header->p_vaddr, inside = (uint64_t)(uintptr_t)object->inside;

		if (header->p_type == PT_LOAD && inside >= start && inside < start + header->p_memsz)
			found = true;
	}
	if (!found)
		return 0;
	object->bias = info->dlpi_addr;
	if (info->dlpi_name[0])
		strcpy(object->path, info->dlpi_name);
	else
		object->path[readlink("/proc/self/exe", object->path, sizeof object->path - 1)] = 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			read_build_id(object, (const void *)(uintptr_t)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
			              info->dlpi_phdr[i].p_memsz);
	return 1;
}

static struct object object_of(const void *inside)
{
	struct object object = {.inside = inside};

	ck_assert_int_eq(dl_iterate_phdr(look_at, &object), 1);
	return object;
}

static char function[256], file_name[PATH_MAX]; /* texts of the last place, copied before its symbolizer is closed */

/* The functions that the address was inlined to, from the innermost outwards, and their lines. */
static struct {
	char function[64];
	int line;
} inlined[8];
static unsigned inlined_count;

static void copy_inlined(struct symbolizer *symbolizer, const struct site_key *site)
{
	struct place places[8];

	inlined_count = symbolize_inlined(symbolizer, site->caller_module, site->offset, places, 8);
	for (unsigned i = 0; i < inlined_count; i++) {
		snprintf(inlined[i].function, sizeof inlined[i].function, "%s",
		         places[i].function ? places[i].function : "");
		inlined[i].line = places[i].file && strstr(places[i].file, "test_symbolize.c") ? places[i].line : 0;
	}
}

/* Symbolizes `address` by a dump that describes the object. */
static char *place_in(const struct object *object, uint64_t start_realtime_ns, const char *host, uint64_t address,
                      struct place *copy)
{
	struct aggregate_options options = {.host = "testhost"};
	struct aggregate aggregate;
	struct symbolizer *symbolizer;
	struct writer writer;
	struct memory_file file;
	struct dump_source source;
	struct dump_row row;
	uint32_t module, site;
	struct text text = {0};

	writer_open(&writer, 1);
	writer_header(&writer)->start_realtime_ns = start_realtime_ns;
	strcpy(writer_header(&writer)->host, host);
	module = writer_module(&writer, object->path, object->bias, 0, object->build_id, object->build_id_size);
	site = writer_site(&writer, "dgemm_", writer_routine(&writer, "dgemm", DUMP_DIRECT, "|m n k"), address, module,
	                   DUMP_NONE);
	row = writer_call(site, 1, 1, "", 1, 1, 1);
	writer_row(&writer, 0, &row);
	writer_close(&writer, DUMP_CLOSED);
	file = (struct memory_file){writer.bytes, writer.size};
	source = memory_source(&file);
	options.alive = NULL;
	aggregate_open(&aggregate, &options);
	aggregate_add(&aggregate, &source, "test.dump");
	ck_assert(aggregate.complete);
	symbolizer = symbolizer_new(&aggregate);
	symbolize_site(symbolizer, 0, copy);
	copy_inlined(symbolizer, site_of(&aggregate, 0));
	place_add(&text, copy);
	snprintf(function, sizeof function, "%s", copy->function ? copy->function : "");
	snprintf(file_name, sizeof file_name, "%s", copy->file ? copy->file : "");
	copy->function = copy->function ? function : NULL;
	copy->file = copy->file ? file_name : NULL;
	symbolizer_free(symbolizer);
	aggregate_close(&aggregate);
	writer_free(&writer);
	return text.bytes;
}

static uint64_t here;
static int line_of_call;

static __attribute__((noinline)) void callee(void)
{
	here = (uint64_t)(uintptr_t)__builtin_return_address(0);
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void plain_caller(void)
{
	line_of_call = __LINE__ + 1;
	callee();
	__asm__ volatile("");
}

static inline __attribute__((always_inline)) void inlined_caller(void)
{
	line_of_call = __LINE__ + 1;
	callee();
	__asm__ volatile("");
}

static int line_between, line_outside;

static inline __attribute__((always_inline)) void caller_between(void)
{
	line_between = __LINE__ + 1;
	inlined_caller();
	__asm__ volatile("");
}

static __attribute__((noinline)) void outer_caller(void)
{
	line_outside = __LINE__ + 1;
	caller_between();
	__asm__ volatile("");
}

START_TEST(names_function_file_and_line)
{
	struct object object = object_of((const void *)(uintptr_t)&plain_caller);
	struct place place;

	(_i ? outer_caller : plain_caller)();
	free(place_in(&object, 1, "testhost", here, &place));
	ck_assert_msg(!place.problem, "%s", place.problem);
	ck_assert_ptr_nonnull(place.function);
	ck_assert_ptr_nonnull(place.file);
	ck_assert_str_eq(place.function, _i ? "inlined_caller" : "plain_caller");
	ck_assert_ptr_nonnull(strstr(place.file, "test_symbolize.c"));
	ck_assert_int_eq(place.line, line_of_call);
}
END_TEST

/* A call in a function that is inlined in another, and that in a third, has the lines of all three. */
START_TEST(names_what_it_is_inlined_to)
{
	struct object object = object_of((const void *)(uintptr_t)&plain_caller);
	struct place place;

	outer_caller();
	free(place_in(&object, 1, "testhost", here, &place));
	ck_assert_uint_eq(inlined_count, 3);
	ck_assert_str_eq(inlined[0].function, "inlined_caller");
	ck_assert_int_eq(inlined[0].line, line_of_call);
	ck_assert_str_eq(inlined[1].function, "caller_between");
	ck_assert_int_eq(inlined[1].line, line_between);
	ck_assert_str_eq(inlined[2].function, "outer_caller");
	ck_assert_int_eq(inlined[2].line, line_outside);
	plain_caller();
	free(place_in(&object, 1, "testhost", here, &place));
	ck_assert_uint_eq(inlined_count, 1);
	ck_assert_str_eq(inlined[0].function, "plain_caller");
}
END_TEST

START_TEST(names_a_function_of_a_library)
{
	struct object object = object_of((const void *)(uintptr_t)&qsort);
	struct place place;
	char *text = place_in(&object, 1, "testhost", (uint64_t)(uintptr_t)&qsort + 1, &place);

	ck_assert_msg(!place.problem, "%s", place.problem);
	ck_assert_ptr_nonnull(place.function);
	ck_assert_ptr_nonnull(strstr(text, "qsort"));
	free(text);
}
END_TEST

START_TEST(does_not_guess_over_another_build)
{
	struct object object = object_of((const void *)(uintptr_t)&plain_caller);
	struct place place;
	char *text;

	plain_caller();
	object.build_id[0] ^= 1;
	text = place_in(&object, 1, "testhost", here, &place);
	ck_assert_ptr_null(place.function);
	ck_assert_ptr_null(place.file);
	ck_assert_str_eq(place.problem, "the file has another build-id than the one that ran");
	ck_assert_ptr_nonnull(strstr(text, "+0x"));
	free(text);
}
END_TEST

START_TEST(says_that_a_file_is_gone)
{
	struct object object = {.path = "/no/such/file", .bias = 0x1000, .build_id_size = 4};
	struct place place;
	char *text = place_in(&object, 1, "testhost", 0x1234, &place);

	ck_assert_str_eq(text, "file+0x234 (the file cannot be read)");
	free(text);
}
END_TEST

/* A file without a build id is believed only on this host, and only if it is older than the process. */
START_TEST(is_careful_without_build_ids)
{
	struct object object = object_of((const void *)(uintptr_t)&plain_caller);
	char command[3 * PATH_MAX], copy[] = P_tmpdir "/flopshim-test-XXXXXX";
	uint64_t now = (uint64_t)time(NULL) * 1000000000u;
	int file = mkstemp(copy);
	struct place place;

	ck_assert_int_ge(file, 0);
	close(file);
	plain_caller();
	snprintf(command, sizeof command, "objcopy --remove-section .note.gnu.build-id '%s' '%s' 2>/dev/null",
	         object.path, copy);
	ck_assert_msg(system(command) == 0, "failed: %s", command);
	strcpy(object.path, copy);
	object.build_id_size = 0;
	free(place_in(&object, now + 3600u * UINT64_C(1000000000), "testhost", here, &place));
	ck_assert_ptr_nonnull(place.function);
	ck_assert_str_eq(place.function, "plain_caller");
	free(place_in(&object, now - 3600u * UINT64_C(1000000000), "testhost", here, &place));
	ck_assert_ptr_null(place.function);
	ck_assert_str_eq(place.problem, "no build-id tells whether the file is the one that ran");
	free(place_in(&object, now + 3600u * UINT64_C(1000000000), "another", here, &place));
	ck_assert_ptr_null(place.function);
	unlink(copy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("symbolize");
	TCase *tests = tcase_create("symbolize");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, names_function_file_and_line, 0, 2);
	tcase_add_test(tests, names_what_it_is_inlined_to);
	tcase_add_test(tests, names_a_function_of_a_library);
	tcase_add_test(tests, does_not_guess_over_another_build);
	tcase_add_test(tests, says_that_a_file_is_gone);
	tcase_add_test(tests, is_careful_without_build_ids);
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_FORK);
}
