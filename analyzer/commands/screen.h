/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * screen.h - the terminal as a screen that is drawn again and again.
 * It must never be more than `live` needs: every build without ncurses replaces it by screen_none.c.
 */
#ifndef ANALYZER_SCREEN_H
#define ANALYZER_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/* Why this build has no screen; NULL if it has one. */
const char *screen_missing(void);

/* Takes the terminal, until screen_close gives it back as it was; false if curses does not know the terminal. */
bool screen_open(void);
void screen_close(void);

/* The terminal's width in columns. */
size_t screen_width(void);

/* Draws a text, with the first line of each paragraph in bold unless it is indented. Lines that do not fit are left out. */
void screen_draw(char *text);

/* Waits some seconds, or returns early if the terminal's size changes. True if the user wants to stop. */
bool screen_wait(double seconds);

#endif
