/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * process.c - starts the shim when the process starts, and ends it when the process ends.
 * It must never make a file in a process that makes no BLAS call and opens no scope. There it must never print
 * anything either, unless the launcher was used, a limit was set, or the program has a BLAS whose calls the shim
 * cannot see.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/charge/charge.h"
#include "shim/charge/namespace.h"
#include "shim/charge/weights.h"
#include "shim/dump/dump.h"
#include "shim/dump/lock.h"
#include "shim/dump/path.h"
#include "shim/guest/config.h"
#include "shim/guest/guest.h"
#include "shim/guest/machine.h"
#include "shim/guest/program.h"
#include "shim/guest/speak.h"
#include "shim/interpose/before.h"
#include "shim/resolve/hiding.h"
#include "shim/resolve/libc.h"
#include "shim/resolve/module.h"
#include "shim/resolve/gaps.h"
#include "shim/stacks/sample.h"
#include "shim/stacks/unwind.h"
#include "shim/state/epoch.h"
#include "shim/state/registry.h"
#include "shim/threads/lifecycle.h"

/* The constructor of libflopshim.so. Later steps use what earlier ones have set up. */
static __attribute__((constructor)) void start(void)
{
	int saved = errno;
	bool is_blind;

	speak_start();
	libc_find();
	before_start();
	config_read(environ);
	path_start();
	program_find();
	lifecycle_start();
	unwind_start();
	sample_start();
	guest_lock(&record_lock);
	module_start();
	is_blind = !module_at(0);
	guest_unlock(&record_lock);
	if (is_blind && config.budget_count && config.on_exceed != EXCEED_WARN) {
		guest_say("no memory to find the program's BLAS, so that its limits cannot be enforced: the program is "
		          "not run");
		machine_exit(2);
	}
	if (config.weights)
		weights_start(config.weights);
	namespace_start();
	epoch_start();
	hiding_say_before();
	gaps_expect();
	if (gaps_are_due())
		gaps_look(GAPS_BEFORE);
	errno = saved;
}

/*
 * Whether the process ignores SIGCHLD: then the kernel keeps nothing of a child that has ended, not even its resource
 * usage.
 */
static bool forgets_children(void)
{
	struct sigaction action;

	return !sigaction(SIGCHLD, NULL, &action) && (action.sa_handler == SIG_IGN || action.sa_flags & SA_NOCLDWAIT);
}

/* Whether the process may have had children, which may have left dumps. */
static bool may_have_children(void)
{
	struct rusage usage;
	siginfo_t info;

	return forgets_children() || (!getrusage(RUSAGE_CHILDREN, &usage) && usage.ru_minflt) ||
	       !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
}

/* Prints that there is no dump, if this is the process that the launcher started: its user expects one. */
static void say_no_dump(void)
{
	if (config.launched_process && !guest_confined && config.launched_process == (uint64_t)getpid() &&
	    !config.quiet && !dump_is_open() && !gaps_were_said() && !may_have_children())
		guest_say("%s made no call of BLAS or LAPACK that could be counted: there is no dump", program_path());
}

/* The destructor of libflopshim.so. Other threads may still call BLAS, and later destructors of the program, too. */
static __attribute__((destructor)) void end(void)
{
	if (!epoch_is_counting())
		return;
	hiding_note_deep(true);
	gaps_look(GAPS_END);
	say_no_dump();
	guest_lock(&record_lock);
	dump_end();
	charge_call_back_all(); /* otherwise unused leases would appear as used */
	dump_close(DUMP_CLOSED, -1, registry_is_alone());
	guest_unlock(&record_lock);
	epoch_next(); /* so that a call from a later destructor takes the slow path, which removes the check words */
}
