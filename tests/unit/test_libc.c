/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_libc.c - tests the functions of libc/, by those of the C library that they stand for.
 * It must never take a text of libc/ for what is expected.
 */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "run_suite.h"

enum { ERRORS = 140, SIGNALS = 70 };

/* Functions of the C library, NULL before glibc 2.32. */
#undef strerrorname_np
#undef strerrordesc_np
#undef sigabbrev_np
extern const char *strerrorname_np(int) __attribute__((weak));
extern const char *strerrordesc_np(int) __attribute__((weak));
extern const char *sigabbrev_np(int) __attribute__((weak));

START_TEST(errors_have_the_names_of_the_c_library)
{
	for (int error = 1; strerrorname_np && error < ERRORS; error++) {
		const char *name = strerrorname_np(error), *text = strerrordesc_np(error);

		ck_assert_str_eq(oldest_error_name(error), name ? name : oldest_error_name(-1));
		ck_assert_str_eq(oldest_error_text(error), text ? text : oldest_error_text(-1));
	}
	ck_assert_str_eq(oldest_error_name(ENOENT), "ENOENT");
	ck_assert_str_eq(oldest_error_name(12345), "an error that has no name");
}
END_TEST

START_TEST(signals_have_the_names_of_the_c_library)
{
	for (int number = 1; sigabbrev_np && number < SIGNALS; number++)
		ck_assert_pstr_eq(oldest_signal_name(number), sigabbrev_np(number));
	ck_assert_str_eq(oldest_signal_name(SIGTERM), "TERM");
	ck_assert_ptr_null(oldest_signal_name(12345));
}
END_TEST

START_TEST(files_are_what_they_are)
{
	char path[] = "/tmp/flopshim-test-libc-XXXXXX", link_path[sizeof path + 5];
	int file = mkstemp(path);
	struct stat found[3], link_found;

	ck_assert_int_ge(file, 0);
	strcat(strcpy(link_path, path), ".link");
	ck_assert_int_eq(write(file, "1234567", 7), 7);
	ck_assert_int_eq(fchmod(file, 0640), 0);
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_int_eq(stat(link_path, &found[0]), 0);
	ck_assert_int_eq(fstat(file, &found[1]), 0);
	ck_assert_int_eq(fstatat(AT_FDCWD, path, &found[2], 0), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(found[i].st_size, 7);
		ck_assert_uint_eq(found[i].st_mode, S_IFREG | 0640);
		ck_assert_uint_eq(found[i].st_ino, found[0].st_ino);
		ck_assert_uint_eq(found[i].st_uid, geteuid());
		ck_assert_uint_eq(found[i].st_nlink, 1);
	}
	ck_assert_int_eq(lstat(link_path, &link_found), 0);
	ck_assert(S_ISLNK(link_found.st_mode));
	close(file);
	unlink(link_path);
	errno = 0;
	ck_assert_int_eq(stat(link_path, &found[0]), -1);
	ck_assert_int_eq(errno, ENOENT);
	unlink(path);
}
END_TEST

START_TEST(other_calls_do_what_they_do)
{
	char from[] = "/tmp/flopshim-test-libc-XXXXXX", to[] = "/tmp/flopshim-test-libc-XXXXXX", bytes[16] = {0},
	     zero[16] = {0};
	int one = mkstemp(from), other = mkstemp(to), memory = memfd_create("test", MFD_CLOEXEC);
	struct stat status;
	void *block;

	ck_assert_int_eq(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE), -1);
	ck_assert_int_eq(errno, EEXIST);
	unlink(to);
	ck_assert_int_eq(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE), 0);
	unlink(to);
	ck_assert_int_eq(ftruncate(memory, 100), 0);
	ck_assert_int_eq(fstat(memory, &status), 0);
	ck_assert_int_eq(status.st_size, 100);
	ck_assert_int_eq(fcntl(memory, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(getrandom(bytes, sizeof bytes, 0), sizeof bytes);
	ck_assert_int_ne(memcmp(bytes, zero, sizeof bytes), 0);
	block = reallocarray(NULL, 3, 5);
	ck_assert_ptr_nonnull(block);
	errno = 0;
	ck_assert_ptr_null(reallocarray(block, (size_t)-1 / 2, 3));
	ck_assert_int_eq(errno, ENOMEM);
	free(block);
	close(one);
	close(other);
	close(memory);
}
END_TEST

START_TEST(the_loader_is_the_c_librarys)
{
	void *math = dlopen("libm.so.6", RTLD_LAZY), *found = math ? dlsym(math, "cosh") : NULL;
	Dl_info info;

	ck_assert_ptr_nonnull(found);
	ck_assert_int_ne(dladdr(found, &info), 0);
	ck_assert_ptr_nonnull(strstr(info.dli_fname, "libm"));
	ck_assert_ptr_null(dlopen("/there/is/no/such.so", RTLD_LAZY));
	ck_assert_ptr_nonnull(strstr(dlerror(), "/there/is/no/such.so"));
	ck_assert_double_eq_tol(pow(2, 0.5) * pow(2, 0.5), 2, 1e-15);
	dlclose(math);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libc");
	TCase *names = tcase_create("names"), *calls = tcase_create("calls");

	tcase_add_test(names, errors_have_the_names_of_the_c_library);
	tcase_add_test(names, signals_have_the_names_of_the_c_library);
	tcase_add_test(calls, files_are_what_they_are);
	tcase_add_test(calls, other_calls_do_what_they_do);
	tcase_add_test(calls, the_loader_is_the_c_librarys);
	suite_add_tcase(suite, names);
	suite_add_tcase(suite, calls);
	return run_suite(suite, CK_FORK);
}
