/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * redact.h - takes out of an aggregate what a user may not want to pass on: arguments, environments, paths, hosts, and the files
 * and lines of sources.
 * It must never change a number.
 */
#ifndef ANALYZER_REDACT_H
#define ANALYZER_REDACT_H

#include "analyzer/aggregate/aggregate.h"

/*
 * What stands in place of the folders of a path, so that a reader can still tell the user's code from that of others: nothing for
 * the user's own. No path that a program has begins so.
 */
#define REDACTED_PACKAGE "[site-packages]"
#define REDACTED_SYSTEM  "[system]"

/* Returns what is to stand in place of the folders of a path: one of these, or "". */
typedef const char *redact_folders(void *context, const char *path);

/*
 * Redacts an aggregate, to which no dump may be added afterwards. Of a path its last part stays, behind what `folders` says, and of
 * a line of Python its function and that; hosts become host-1, host-2 and so on, in the order of their names. Names of namespaces and of charges stay. Places in
 * native code are looked up in the files of modules, which must be known before: see symbolizer_redact.
 */
void aggregate_redact(struct aggregate *aggregate, redact_folders *folders, void *context);

#endif
