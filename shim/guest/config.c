/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.c - reads the variables of options.def.
 * It must never guess: a value that is not understood is reported, and one that limits the program stops it.
 */
#include "shim/guest/config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "local.h"
#include "names.h"
#include "variables.h"

struct config config;

static const char amount_expected[] =
	"expected a positive number of FLOPs such as 1e9 or 200G, with an optional k, M, G, T, P or E";

static void __attribute__((noreturn)) stop(void) { machine_exit(2); }

/* ---- numbers, without floating point ---- */

struct decimal {
	unsigned __int128 mantissa;
	int exponent; /* value = mantissa * 10^exponent */
};

enum { MANTISSA_DIGITS = 30, EXPONENT_MAX = 400 };

/* Reads [digits][.digits][e[+-]digits]. Returns where that ended, NULL if there is no number. */
static const char *decimal_read(const char *text, const char *end, struct decimal *number)
{
	int digits = 0, seen = 0, exponent = 0;
	bool point = false, minus = false;

	*number = (struct decimal){0, 0};
	for (; text < end; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9')
			break;
		seen = 1;
		if (digits < MANTISSA_DIGITS) {
			number->mantissa = number->mantissa * 10 + (unsigned)(*text - '0');
			digits += number->mantissa != 0;
			number->exponent -= point;
		} else {
			number->exponent += !point;
		}
	}
	if (!seen)
		return NULL;
	if (text < end && (*text == 'e' || *text == 'E')) {
		const char *at = text + 1;

		if (at < end && (*at == '+' || *at == '-'))
			minus = *at++ == '-';
		if (at < end && *at >= '0' && *at <= '9') {
			for (; at < end && *at >= '0' && *at <= '9'; at++)
				exponent = exponent < EXPONENT_MAX ? exponent * 10 + (*at - '0') : exponent;
			number->exponent += minus ? -exponent : exponent;
			text = at;
		}
	}
	return text;
}

/* mantissa * 10^exponent * scale, rounded up; false if that is not below 2^63. */
static bool decimal_scale(struct decimal number, uint64_t scale, uint64_t *value)
{
	unsigned __int128 result = number.mantissa, limit = INT64_MAX;
	bool rest = false;

	if (!result) {
		*value = 0;
		return true;
	}
	if (result > ~(unsigned __int128)0 / scale)
		return false;
	result *= scale;
	for (; number.exponent > 0; number.exponent--) {
		if (result > limit)
			return false;
		result *= 10;
	}
	for (; number.exponent < 0 && result; number.exponent++) {
		rest |= result % 10 != 0;
		result /= 10;
	}
	result += rest;
	if (result > limit)
		return false;
	*value = (uint64_t)result;
	return true;
}

static bool is_suffix(const char *text, const char *end, int *thousands)
{
	static const char suffixes[] = "kMGTPE";
	const char *found;

	*thousands = 0;
	if (text == end)
		return true;
	if (end - text != 1)
		return false;
	found = *text == 'K' ? suffixes : memchr(suffixes, *text, sizeof(suffixes) - 1);
	if (!found)
		return false;
	*thousands = (int)(found - suffixes) + 1;
	return true;
}

static const char *number_fault(const char *text, const char *end)
{
	size_t length = (size_t)(end - text);

	if (!length)
		return "it is empty";
	if (*text == '-')
		return "it is negative";
	if (length >= 3 && !strncasecmp(text, "nan", 3))
		return "it is not a number";
	if (length >= 3 && !strncasecmp(text, "inf", 3))
		return "it is infinite";
	return NULL;
}

const char *config_amount(const char *text, const char *end, uint64_t *amount)
{
	const char *fault = number_fault(text, end), *rest;
	struct decimal number;
	int thousands;

	if (fault)
		return fault;
	rest = decimal_read(text + (*text == '+'), end, &number);
	if (!rest)
		return "it is not a number";
	if (!is_suffix(rest, end, &thousands))
		return "what follows the number is no unit";
	number.exponent += 3 * thousands;
	if (!decimal_scale(number, 1, amount))
		return "it is too large (2^63 - 1 at most)";
	return *amount ? NULL : "it is zero";
}

const char *config_factor(const char *text, const char *end, bool zero_allowed, uint64_t *factor)
{
	const char *fault = number_fault(text, end), *rest;
	struct decimal number;

	if (fault)
		return fault;
	rest = decimal_read(text + (*text == '+'), end, &number);
	if (!rest)
		return "it is not a number";
	if (rest != end)
		return "something follows the number";
	if (!decimal_scale(number, (uint64_t)1 << 32, factor))
		return "it is too large (2^31 - 1 at most)";
	if (!*factor && !zero_allowed)
		return "it is zero";
	return NULL;
}

const char *config_namespace_fault(const char *name, size_t length)
{
	size_t segment = 0;

	if (length >= CONFIG_NAME_MAX)
		return "it is longer than 1023 bytes";
	for (size_t i = 0; i < length; i++) {
		char c = name[i];

		if (c == '.') {
			if (!segment)
				return "it has an empty segment";
			segment = 0;
			continue;
		}
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' &&
		    c != '-' && c != ':')
			return "it has a character other than letters, digits, '_', '-', ':' and '.'";
		segment++;
	}
	return length && !segment ? "it ends in a dot" : NULL;
}

/* ---- the variables ---- */

/* Returns false if the value is wrong, having said why in `fault`. */
typedef bool reader(const char *value, char *fault, size_t size);

/* The functions of variables that are read in a way of their own. */
#define CHOICE(...)
#define FLAG(...)
#define READ(function)                                           static reader read_##function;
#define OPTION(NAME, option, letter, argument, stops, kind, ...) kind
#define LAUNCHER_MARK(NAME, kind, ...)                           kind
#include "options.def"
#undef CHOICE
#undef FLAG
#undef READ

/*
 * A row of options.def, as it is read. One of `read`, `choices` and `flag` says how; the launcher's own variables
 * have none.
 */
static const struct variable {
	const char *name;    /* without its prefix */
	const char *initial; /* NULL: none, the initial state of `config` */
	bool stops;          /* a wrong value, or a name that nearly is this one, stops the program */
	reader *read;
	const char *const *choices; /* ended by NULL; the index of the chosen one goes to *chosen, an enum */
	void *chosen;
	bool *flag;
} variables[] = {
#define STOPS                                                             true
#define WARNS                                                             false
#define DEFAULT(value)                                                    value
#define WITHOUT(meaning)                                                  NULL
#define READ(function)                                                    .read = read_##function
#define CHOICE(field, ...)                                                .choices = (const char *const[]){__VA_ARGS__, NULL}, .chosen = &config.field
#define FLAG(field)                                                       .flag = &config.field
#define OPTION(NAME, option, letter, argument, stops, kind, initial, ...) {#NAME, initial, stops, kind},
#define LAUNCHER_VARIABLE(NAME, ...)                                      {.name = #NAME},
#define PLUGIN_VARIABLE(NAME, ...)                                        {.name = #NAME},
#define TEST_VARIABLE(NAME, ...)                                          {.name = #NAME},
#define LAUNCHER_MARK(NAME, kind, ...)                                    {#NAME, NULL, WARNS, kind},
#include "options.def"
};

enum { VARIABLE_COUNT = sizeof(variables) / sizeof(variables[0]) };

static bool fail(char *fault, size_t size, const char *value, const char *why, const char *expected)
{
	size_t end = 0;

	guest_print(fault, size, &end, "'%.200s': %s%s%s", value, why, *why ? "; " : "", expected);
	return false;
}

static bool read_budget_part(const char *part, const char *end, char *fault, size_t size)
{
	const char *equals = memchr(part, '=', (size_t)(end - part)), *text = equals ? equals + 1 : part, *why;
	struct config_budget *budget = &config.budgets[config.budget_count];
	char shown[256];
	size_t length = (size_t)(end - part) < sizeof(shown) - 1 ? (size_t)(end - part) : sizeof(shown) - 1;

	memcpy(shown, part, length);
	shown[length] = 0;
	if (config.budget_count == CONFIG_BUDGETS_MAX)
		return fail(fault, size, shown, "too many budgets", "expected at most 64");
	if (equals) {
		const char *name = part + (*part == '.');

		why = equals == part ? "the name before '=' is empty"
		                     : config_namespace_fault(name, (size_t)(equals - name));
		if (why)
			return fail(fault, size, shown, why, "expected [NAMESPACE=]AMOUNT[,...]");
		budget->name = name;
		budget->name_length = (size_t)(equals - name);
	} else {
		budget->name = "";
		budget->name_length = 0;
	}
	why = config_amount(text, end, &budget->amount);
	if (why)
		return fail(fault, size, shown, why, amount_expected);
	for (unsigned i = 0; i < config.budget_count; i++)
		if (config.budgets[i].name_length == budget->name_length &&
		    !memcmp(config.budgets[i].name, budget->name, budget->name_length))
			return fail(fault, size, shown, "a second budget for the same namespace", "expected one");
	config.budget_count++;
	return true;
}

/* Whether a part looks like the rest of a number in groups of three digits, as in 1,000,000. */
static bool is_group(const char *part, const char *end)
{
	return end - part >= 3 && strspn(part, "0123456789") >= 3 && !(part[3] >= '0' && part[3] <= '9');
}

static bool read_budget(const char *value, char *fault, size_t size)
{
	static const char commas[] =
		"a comma begins another budget; expected a number without commas, such as 1000000, 1e6 or 1M";

	if (!*value)
		return fail(fault, size, value, "it is empty",
		            "expected an amount such as 1e9 or 200G; without a limit the variable must be unset");
	for (const char *part = value, *end;; part = end + 1) {
		end = strchrnul(part, ',');
		if (!read_budget_part(part, end, fault, size))
			return part > value && is_group(part, end) ? fail(fault, size, value, "", commas) : false;
		if (!*end)
			return true;
	}
}

static const struct {
	const char *name;
	int number;
} signal_names[] = {
	{"SIGXCPU", SIGXCPU}, {"SIGTERM", SIGTERM}, {"SIGINT", SIGINT},   {"SIGUSR1", SIGUSR1},
	{"SIGUSR2", SIGUSR2}, {"SIGABRT", SIGABRT}, {"SIGKILL", SIGKILL}, {"SIGHUP", SIGHUP},
	{"SIGQUIT", SIGQUIT}, {"SIGALRM", SIGALRM}, {"SIGFPE", SIGFPE},   {"SIGSTOP", SIGSTOP},
};

static int signal_number(const char *name)
{
	if (*name >= '0' && *name <= '9') {
		int64_t number = whole_number(name, SIGRTMAX);

		return number < 1 ? 0 : (int)number;
	}
	for (size_t i = 0; i < sizeof(signal_names) / sizeof(signal_names[0]); i++)
		if (!strcasecmp(name, signal_names[i].name) || !strcasecmp(name, signal_names[i].name + 3))
			return signal_names[i].number;
	return 0;
}

static bool read_on_exceed(const char *value, char *fault, size_t size)
{
	static const char expected[] = "expected exit[:STATUS], signal[:NAME], deny or warn";
	const char *colon = strchr(value, ':'), *given = colon ? colon + 1 : NULL;
	size_t length = colon ? (size_t)(colon - value) : strlen(value);

	if (length == 4 && !strncmp(value, "exit", 4)) {
		config.on_exceed = EXCEED_EXIT;
		if (given) {
			int64_t status = whole_number(given, 255);

			if (status < 0)
				return fail(fault, size, value, "the status is not a number from 0 to 255", expected);
			config.exit_status = (int)status;
		}
		return true;
	}
	if (length == 6 && !strncmp(value, "signal", 6)) {
		config.on_exceed = EXCEED_SIGNAL;
		if (given) {
			config.exceed_signal = signal_number(given);
			if (!config.exceed_signal)
				return fail(fault, size, value, "no such signal", expected);
		}
		return true;
	}
	if (!given && !strcmp(value, "deny")) {
		config.on_exceed = EXCEED_DENY;
		return true;
	}
	if (!given && !strcmp(value, "warn")) {
		config.on_exceed = EXCEED_WARN;
		return true;
	}
	return fail(fault, size, value, "", expected);
}

static bool read_namespace(const char *value, char *fault, size_t size)
{
	const char *name = value + (*value == '.'), *why = config_namespace_fault(name, strlen(name));

	if (why)
		return fail(fault, size, value, why, "expected a dotted path such as train.forward");
	strcpy(config.space, name);
	return true;
}

static bool read_multiplier(const char *value, char *fault, size_t size)
{
	const char *why = config_factor(value, value + strlen(value), false, &config.multiplier);

	return why ? fail(fault, size, value, why, "expected a finite number > 0") : true;
}

static bool read_weights(const char *value, char *fault, size_t size)
{
	if (!*value)
		return fail(fault, size, value, "it is empty", "expected the path of a file");
	config.weights = value;
	return true;
}

/*
 * Reads local:DIR. DIR is for flopshim-report collect, which finds it in the dump; a template would mean something else
 * for each of the dumps that it collects.
 */
static bool read_local(const char *value, char *fault, size_t size)
{
	const char *directory = value + strlen(LOCAL_PREFIX);

	if (!*directory || strchr(directory, '%'))
		return fail(fault, size, value, *directory ? "the directory has a %" : "there is no directory",
		            "expected local:DIR, where flopshim-report collect is to put what it collects");
	config.local = true;
	strcpy(config.out, config.name);
	return true;
}

static bool read_out(const char *value, char *fault, size_t size)
{
	if (!*value || strlen(value) >= sizeof(config.out))
		return fail(fault, size, value, *value ? "it is too long" : "it is empty",
		            "expected a path, a template of one or a directory");
	config.local = false;
	if (!strncmp(value, LOCAL_PREFIX, strlen(LOCAL_PREFIX)))
		return read_local(value, fault, size);
	for (const char *at = strchr(value, '%'); at; at = strchr(at + 2, '%'))
		if (!at[1] || !strchr("ehprRjsat%", at[1]))
			return fail(fault, size, value, "unknown letter after %",
			            "expected %e %h %p %r %R %j %s %a %t or %%");
	strcpy(config.out, value);
	return true;
}

static bool read_log_max(const char *value, char *fault, size_t size)
{
	uint64_t bytes;
	const char *why = config_amount(value, value + strlen(value), &bytes);

	if (why)
		return fail(fault, size, value, why, "expected a number of bytes such as 1G");
	config.log_max = bytes;
	return true;
}

static bool read_base(const char *value, char *fault, size_t size)
{
	if (*value != '/')
		return fail(fault, size, value, "it is not absolute",
		            "expected a folder that the plugin for Slurm has given");
	config.base = value;
	return true;
}

static bool read_run(const char *value, char *fault, size_t size)
{
	if (strlen(value) >= sizeof(config.run))
		return fail(fault, size, value, "it is too long", "expected a name that the launcher has given");
	strcpy(config.run, value);
	return true;
}

static bool read_launched(const char *value, char *fault, size_t size)
{
	int64_t process = whole_number(value, INT32_MAX);

	if (process < 1)
		return fail(fault, size, value, "", "expected the number of a process");
	config.launched_process = (uint64_t)process;
	config.launched = true;
	return true;
}

static bool read_flag(const char *value, bool *flag, char *fault, size_t size)
{
	if (strcmp(value, "0") && strcmp(value, "1") && *value)
		return fail(fault, size, value, "", "expected 0 or 1");
	*flag = *value == '1';
	return true;
}

static bool read_choice(const char *value, const struct variable *variable, char *fault, size_t size)
{
	const char *const *choices = variable->choices;
	char expected[128];
	size_t end = 0;

	for (int i = 0; choices[i]; i++)
		if (!strcmp(value, choices[i])) {
			memcpy(variable->chosen, &i, sizeof(i));
			return true;
		}
	guest_print(expected, sizeof(expected), &end, "expected %s", choices[0]);
	for (int i = 1; choices[i]; i++)
		guest_print(expected, sizeof(expected), &end, "%s%s", choices[i + 1] ? ", " : " or ", choices[i]);
	return fail(fault, size, value, "", expected);
}

static bool read_value(const struct variable *variable, const char *value, char *fault, size_t size)
{
	if (variable->read)
		return variable->read(value, fault, size);
	if (variable->choices)
		return read_choice(value, variable, fault, size);
	return !variable->flag || read_flag(value, variable->flag, fault, size);
}

/* Keeps a warning to be said later: the whole line, or nothing if there is no room. */
static void warn_later(const char *line)
{
	size_t end = strlen(config.warnings);

	if (strlen(line) + 1 >= sizeof(config.warnings) - end)
		return;
	guest_print(config.warnings, sizeof(config.warnings), &end, "%s\n", line);
}

static void read_unknown(const char *name, size_t length)
{
	const struct variable *nearest = NULL;
	unsigned best = NAME_DISTANCE_FAR;
	char line[512];
	size_t end = 0;

	for (size_t i = 0; i < VARIABLE_COUNT; i++) {
		unsigned distance = name_distance(name, length, variables[i].name);

		if (distance < best) {
			best = distance;
			nearest = &variables[i];
		}
	}
	if (best > 3 || (size_t)best * 2 > strlen(nearest->name))
		nearest = NULL;
	guest_print(line, sizeof(line), &end, VARIABLE_PREFIX "%.*s: no such variable",
	            (int)(length < 100 ? length : 100), name);
	if (nearest)
		guest_print(line, sizeof(line), &end, "; did you mean " VARIABLE_PREFIX "%s?", nearest->name);
	if (nearest && nearest->stops) {
		guest_say("%s", line);
		stop();
	}
	warn_later(line);
}

static void read_variable(const struct variable *variable, const char *value)
{
	char fault[512] = "", line[640];
	size_t end = 0;

	if (read_value(variable, value, fault, sizeof(fault)))
		return;
	guest_print(line, sizeof(line), &end, VARIABLE_PREFIX "%s: %s", variable->name, fault);
	if (variable->stops) {
		guest_say("%s", line);
		stop();
	}
	guest_print(line, sizeof(line), &end, CONFIG_DEFAULT_USED);
	warn_later(line);
}

static void read_one(const char *entry)
{
	static const char prefix[] = VARIABLE_PREFIX;
	const char *name = entry + sizeof(prefix) - 1, *equals;
	size_t length;

	if (strncmp(entry, prefix, sizeof(prefix) - 1))
		return;
	equals = strchr(name, '=');
	if (!equals)
		return;
	length = (size_t)(equals - name);
	for (size_t i = 0; i < VARIABLE_COUNT; i++)
		if (strlen(variables[i].name) == length && !memcmp(variables[i].name, name, length)) {
			read_variable(&variables[i], equals + 1);
			return;
		}
	read_unknown(name, length);
}

/* Asks the kernel: where its answer is no path, the C library would look further, and allocate. */
static void read_directory(void)
{
	long length = machine_syscall(SYS_getcwd, config.directory, sizeof(config.directory));

	if (length <= 0 || config.directory[0] != '/')
		config.directory[0] = 0;
}

void config_read(char **environment)
{
	config = (struct config){.exceed_signal = SIGXCPU};
	for (size_t i = 0; i < VARIABLE_COUNT; i++) {
		if (variables[i].initial)
			read_variable(&variables[i], variables[i].initial);
		if (variables[i].read == read_out)
			config.name = variables[i].initial;
	}
	read_directory();
	for (; environment && *environment; environment++)
		read_one(*environment);
}

void config_pass_on(char *entry)
{
	size_t length = strcspn(entry, "=") + 1;

	for (char **at = environ; at && *at; at++)
		if (!strncmp(*at, entry, length))
			*at = entry;
}
