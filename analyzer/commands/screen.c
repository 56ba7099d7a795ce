/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * screen.c - the terminal as a screen, by ncurses, for the command `live`.
 * It must never leave the terminal as curses sets it: whoever opens the screen closes it.
 */
#include "analyzer/commands/screen.h"

#include <ncurses.h>
#include <string.h>

#include "analyzer/read/system.h"

const char *screen_missing(void) { return NULL; }

bool screen_open(void)
{
	if (!newterm(NULL, stdout, stdin))
		return false;
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	return true;
}

void screen_close(void) { endwin(); }

size_t screen_width(void) { return (size_t)COLS; }

void screen_draw(char *text)
{
	bool heading = true;
	int row = 0;

	erase();
	for (char *line = text, *end; *line && row < LINES; line = end + 1, row++) {
		end = strchrnul(line, '\n');
		attrset(heading && line[0] != ' ' ? A_BOLD : A_NORMAL);
		mvaddnstr(row, 0, line, (int)(end - line));
		heading = end == line;
		if (!*end)
			break;
	}
	attrset(A_NORMAL);
	mvaddstr(LINES - 1, 0, "q: quit");
	refresh();
}

bool screen_wait(double seconds)
{
	uint64_t end = system_now_ns() + (uint64_t)(seconds * 1e9), now;

	while ((now = system_now_ns()) < end) {
		int key;

		timeout((int)((end - now) / 1000000) + 1);
		key = getch();
		if (key == 'q' || key == 'Q')
			return true;
		if (key == KEY_RESIZE)
			return false;
	}
	return false;
}
