/* SPDX-License-Identifier: GPL-2.0-or-later */
/* comments: takes the comments of natd.conf(5) and of routers.conf away before libConfuse sees them. Its
 * 3.3 counts two lines for a comment of one, refuses any in a list, and takes one that never ends for the
 * end of the file. */
#ifndef NATD_COMMENTS_H
#define NATD_COMMENTS_H

/* Overwrites each comment in `text` with blanks; its newlines stay, and so does all within quotes.
 * NULL: well. Else what is wrong and what is allowed, with `line` where it begins: a comment that never
 * ends, or a string that does not end on its line, since no value has two. */
const char *comments_blank(char *text, int *line);

#endif
