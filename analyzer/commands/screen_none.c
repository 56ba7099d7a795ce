/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * screen_none.c - takes the place of screen.c in a build without ncurses: there is never a screen.
 * It must never be the reason that `live` shows nothing: each update is a line of text then.
 */
#include "analyzer/commands/screen.h"

const char *screen_missing(void) { return "this program was built without ncurses"; }

bool screen_open(void) { return false; }

void screen_close(void) {}

size_t screen_width(void) { return 0; }

void screen_draw(char *text) { (void)text; }

bool screen_wait(double seconds)
{
	(void)seconds;
	return true;
}
