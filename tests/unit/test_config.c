/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_config.c - tests which values the FLOPSHIM_ variables may have, and the messages about wrong ones.
 * It must never depend on settings of the caller's environment.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/guest/config.h"
#include "run_suite.h"

/* ---- amounts ---- */

static const char *amount(const char *text, uint64_t *value) { return config_amount(text, text + strlen(text), value); }

static const struct {
	const char *text;
	uint64_t flops;
} good_amounts[] = {
	{"1", 1},
	{"12", 12},
	{"1e12", 1000000000000},
	{"1.5e9", 1500000000},
	{"200G", 200000000000},
	{"3k", 3000},
	{"3K", 3000},
	{"1M", 1000000},
	{"2T", 2000000000000},
	{"4P", 4000000000000000},
	{"9E", 9000000000000000000},
	{".5G", 500000000},
	{"1e-3k", 1},
	{"0.5", 1},
	{"1.0000001", 2},
	{"+7", 7},
	{"0001", 1},
	{"1E3", 1000},
	{"9223372036854775807", INT64_MAX},
	{"1e0M", 1000000},
};

START_TEST(amounts_are_exact_and_round_up)
{
	uint64_t value = 0;

	ck_assert_ptr_null(amount(good_amounts[_i].text, &value));
	ck_assert_uint_eq(value, good_amounts[_i].flops);
}
END_TEST

static const char *const bad_amounts[] = {
	"",
	"nan",
	"NaN",
	"inf",
	"-inf",
	"infinity",
	"-1",
	"0",
	"0.0",
	"0e9",
	"1Q",
	"12x",
	"1 M",
	"M",
	"1e",
	"1e400",
	"1MM",
	"1.2.3",
	"9223372036854775808",
	"10E",
	"0x10",
	"-0",
	"1,",
	"e9",
	".",
};

START_TEST(what_is_no_amount_is_refused_with_a_reason)
{
	uint64_t value = 0;
	const char *fault = amount(bad_amounts[_i], &value);

	ck_assert_msg(fault != NULL, "'%s' was taken for %llu", bad_amounts[_i], (unsigned long long)value);
	ck_assert_uint_gt(strlen(fault), 5);
}
END_TEST

START_TEST(factors_are_fixed_point)
{
	static const struct {
		const char *text;
		uint64_t factor;
	} cases[] = {
		{"1", (uint64_t)1 << 32},
		{"0.5", (uint64_t)1 << 31},
		{"2", (uint64_t)2 << 32},
		{"0.25", (uint64_t)1 << 30},
	};
	uint64_t factor;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_ptr_null(config_factor(cases[i].text, cases[i].text + strlen(cases[i].text), false, &factor));
		ck_assert_uint_eq(factor, cases[i].factor);
	}
	ck_assert_ptr_nonnull(config_factor("0", "0" + 1, false, &factor));
	ck_assert_ptr_null(config_factor("0", "0" + 1, true, &factor));
	ck_assert_ptr_nonnull(config_factor("nan", "nan" + 3, true, &factor));
	ck_assert_ptr_nonnull(config_factor("1k", "1k" + 2, true, &factor));
	ck_assert_ptr_nonnull(config_factor("3e9", "3e9" + 3, true, &factor));
}
END_TEST

START_TEST(namespaces_have_faultless_segments)
{
	char longest[CONFIG_NAME_MAX + 1];

	memset(longest, 'a', CONFIG_NAME_MAX);
	longest[CONFIG_NAME_MAX] = 0;
	ck_assert_ptr_null(config_namespace_fault("train.forward", 13));
	ck_assert_ptr_null(config_namespace_fault("a-b_c:9", 7));
	ck_assert_ptr_null(config_namespace_fault("", 0));
	ck_assert_ptr_nonnull(config_namespace_fault("a..b", 4));
	ck_assert_ptr_nonnull(config_namespace_fault(".a", 2));
	ck_assert_ptr_nonnull(config_namespace_fault("a.", 2));
	ck_assert_ptr_nonnull(config_namespace_fault("a b", 3));
	ck_assert_ptr_nonnull(config_namespace_fault("\xc3\xa9", 2));
	ck_assert_ptr_null(config_namespace_fault(longest, CONFIG_NAME_MAX - 1));
	ck_assert_ptr_nonnull(config_namespace_fault(longest, CONFIG_NAME_MAX));
}
END_TEST

/* ---- the environment ---- */

static void read_environment(char *first, char *second)
{
	char *environment[] = {"PATH=/bin", first, second, NULL};

	config_read(environment);
}

START_TEST(defaults)
{
	read_environment(NULL, NULL);
	ck_assert_uint_eq(config.budget_count, 0);
	ck_assert_int_eq(config.on_exceed, EXCEED_EXIT);
	ck_assert_int_eq(config.exit_status, 121);
	ck_assert_uint_eq(config.multiplier, (uint64_t)1 << 32);
	ck_assert_int_eq(config.stacks, STACKS_AUTO);
	ck_assert_int_eq(config.time, TIME_AUTO);
	ck_assert_int_eq(config.access, ACCESS_OWNER);
	ck_assert_int_eq(config.records, RECORDS_SHAPES);
	ck_assert_int_eq(config.exceed_signal, SIGXCPU);
	ck_assert_str_eq(config.out, "flopshim-%e-%h%R-%p-%t.dump");
	ck_assert_uint_eq(config.log_max, 1000000000);
	ck_assert(!config.bare_names && !config.quiet && !config.verbose);
	ck_assert_str_eq(config.warnings, "");
}
END_TEST

START_TEST(budgets_of_namespaces)
{
	read_environment("FLOPSHIM_BUDGET=1e12,train.forward=200G", "FLOPSHIM_ON_EXCEED=exit:7");
	ck_assert_uint_eq(config.budget_count, 2);
	ck_assert_uint_eq(config.budgets[0].amount, 1000000000000);
	ck_assert_uint_eq(config.budgets[0].name_length, 0);
	ck_assert_uint_eq(config.budgets[1].amount, 200000000000);
	ck_assert_uint_eq(config.budgets[1].name_length, strlen("train.forward"));
	ck_assert_int_eq(config.exit_status, 7);
}
END_TEST

START_TEST(who_may_read_the_dump)
{
	read_environment("FLOPSHIM_ACCESS=group", NULL);
	ck_assert_int_eq(config.access, ACCESS_GROUP);
	read_environment("FLOPSHIM_ACCESS=0666", NULL);
	ck_assert_int_eq(config.access, ACCESS_OWNER);
	ck_assert_ptr_nonnull(strstr(config.warnings, "expected owner, group or all"));
}
END_TEST

START_TEST(a_dump_on_the_nodes_own_disk)
{
	read_environment("FLOPSHIM_OUT=local:/shared", NULL);
	ck_assert(config.local);
	ck_assert_str_eq(config.out, config.name);
	read_environment("FLOPSHIM_OUT=local:/shared", "FLOPSHIM_OUT=local.dump");
	ck_assert(!config.local);
	ck_assert_str_eq(config.out, "local.dump");
	read_environment("FLOPSHIM_OUT=local:", NULL);
	ck_assert(!config.local);
	ck_assert_ptr_nonnull(strstr(config.warnings, "FLOPSHIM_OUT: 'local:': there is no directory; expected"));
	read_environment("FLOPSHIM_OUT=local:/shared/%j", NULL);
	ck_assert(!config.local);
	ck_assert_str_eq(config.out, config.name);
	ck_assert_ptr_nonnull(strstr(config.warnings, "the directory has a %; expected local:DIR"));
}
END_TEST

START_TEST(a_signal_by_its_name)
{
	read_environment("FLOPSHIM_ON_EXCEED=signal:usr1", NULL);
	ck_assert_int_eq(config.on_exceed, EXCEED_SIGNAL);
	ck_assert_int_eq(config.exceed_signal, 10);
}
END_TEST

START_TEST(other_faults_are_kept_for_later)
{
	read_environment("FLOPSHIM_TIME=sometimes", "FLOPSHIM_STAKS=off");
	ck_assert_int_eq(config.time, TIME_AUTO);
	ck_assert_ptr_nonnull(strstr(config.warnings, "FLOPSHIM_TIME: 'sometimes'"));
	ck_assert_ptr_nonnull(strstr(config.warnings, "did you mean FLOPSHIM_STACKS?"));
}
END_TEST

/*
 * If there are more messages than fit, only whole lines are left out, since readers expect a newline at the end of
 * each.
 */
START_TEST(faults_without_room_are_left_out)
{
	static char names[60][96];
	char *environment[61] = {0};

	for (int i = 0; i < 60; i++) {
		snprintf(names[i], sizeof(names[i]), "FLOPSHIM_NO_SUCH_VARIABLE_AS_%.*s=1", i + 1,
		         "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		environment[i] = names[i];
	}
	config_read(environment);
	ck_assert_uint_gt(strlen(config.warnings), sizeof(config.warnings) / 2);
	for (const char *line = config.warnings, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		ck_assert_ptr_nonnull(end);
		ck_assert_int_eq(
			strncmp(line, "FLOPSHIM_NO_SUCH_VARIABLE_AS_", strlen("FLOPSHIM_NO_SUCH_VARIABLE_AS_")), 0);
	}
}
END_TEST

static char *const fatal[] = {
	"FLOPSHIM_BUDGET=nan",
	"FLOPSHIM_BUDGET=-1",
	"FLOPSHIM_BUDGET=0",
	"FLOPSHIM_BUDGET=1Q",
	"FLOPSHIM_BUDGET=12x",
	"FLOPSHIM_BUDGET=",
	"FLOPSHIM_BUDGET=1,",
	"FLOPSHIM_BUDGET=1,2",
	"FLOPSHIM_BUDGET=a=1,a=2",
	"FLOPSHIM_BUDGET==1",
	"FLOPSHIM_BUDGET=a..b=1",
	"FLOPSHIM_BUGET=1M",
	"FLOPSHIM_BUDGETS=1M",
	"FLOPSHIM_ONEXCEED=warn",
	"FLOPSHIM_ON_EXCEED=stop",
	"FLOPSHIM_ON_EXCEED=exit:300",
	"FLOPSHIM_ON_EXCEED=signal:SIGNONE",
	"FLOPSHIM_ON_EXCEED=warn:1",
	"FLOPSHIM_MULTIPLIER=0",
	"FLOPSHIM_MULTIPLIER=inf",
	"FLOPSHIM_NAMESPACE=a b",
	"FLOPSHIM_WEIGHTS=",
};

/*
 * A wrong limit ends the program with status 2. Check runs each of these in a process of its own and compares the
 * status.
 */
START_TEST(wrong_limits_stop_the_program) { read_environment(fatal[_i], NULL); }
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tests = tcase_create("environment");

	tcase_add_loop_test(tests, amounts_are_exact_and_round_up, 0, sizeof(good_amounts) / sizeof(good_amounts[0]));
	tcase_add_loop_test(tests, what_is_no_amount_is_refused_with_a_reason, 0,
	                    sizeof(bad_amounts) / sizeof(bad_amounts[0]));
	tcase_add_test(tests, factors_are_fixed_point);
	tcase_add_test(tests, namespaces_have_faultless_segments);
	tcase_add_test(tests, defaults);
	tcase_add_test(tests, who_may_read_the_dump);
	tcase_add_test(tests, a_dump_on_the_nodes_own_disk);
	tcase_add_test(tests, budgets_of_namespaces);
	tcase_add_test(tests, a_signal_by_its_name);
	tcase_add_test(tests, other_faults_are_kept_for_later);
	tcase_add_test(tests, faults_without_room_are_left_out);
	tcase_add_loop_exit_test(tests, wrong_limits_stop_the_program, 2, 0, sizeof(fatal) / sizeof(fatal[0]));
	suite_add_tcase(suite, tests);
	return run_suite(suite, CK_FORK);
}
