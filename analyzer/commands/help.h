/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * help.h - writes the texts of --help.
 * It must never change a text that fits into the terminal.
 */
#ifndef ANALYZER_HELP_H
#define ANALYZER_HELP_H

/*
 * Writes a text to standard output. Where it has a line that is longer than the terminal, paragraphs are broken anew, and so is
 * what stands behind an option or a command, which begins behind two blanks or more.
 */
void help_put(const char *help);

#endif
