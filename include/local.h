/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * local.h - where the dumps of FLOPSHIM_OUT=local:DIR wait until `flopshim-report collect` moves their counts to DIR. It
 * is not installed.
 * It must never say more than where: the shim alone chooses the names of groups and of dumps.
 *
 * They are in BASE/flopshim-UID/GROUP: BASE is TMPDIR if that is an absolute path, or else /tmp; UID is the number of the
 * effective user, who alone may use that folder; and GROUP names a step of a job, or a launch:
 *
 *     JOB[TASK].STEP.LAUNCH.restart-N   parts that there are not are left out; [TASK] stands only where all tasks of an
 *                                       array have one job number, and LAUNCH where the step does not name the launch
 *     LAUNCH, or RUN of the launcher    without a job
 *     process-PID-TICKS                 without any of these
 */
#ifndef FLOPSHIM_LOCAL_H
#define FLOPSHIM_LOCAL_H

#define LOCAL_PREFIX       "local:" /* of the value of FLOPSHIM_OUT; DIR follows */
#define LOCAL_BASE         "/tmp"
#define LOCAL_FOLDER       "flopshim-" /* begins the name of the user's folder; the number of the user follows */
#define LOCAL_GROUP_SPLITS "."         /* between the job, the step and the launch */

#endif
