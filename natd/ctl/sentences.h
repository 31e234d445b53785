/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sentences: what natd says, in the user's language.
 *
 * natd speaks English, with addresses and ports filled in. natctl knows the forms of its sentences,
 * finds the one that a sentence was made from, and fills the same values into the translated form.
 * A sentence of no known form stays English; tests/lint checks that natd/verdict.c has none. */
#ifndef NATD_CTL_SENTENCES_H
#define NATD_CTL_SENTENCES_H

#define SENTENCE_MAX 2048

/* The forms of natctl doctor's steps, of natd's refusals, of the router's reasons, and of what
 * is wrong in natd.conf; each ends with NULL. */
extern const char *const sentence_steps[];
extern const char *const sentence_refusals[];
extern const char *const sentence_router[];
extern const char *const sentence_config[];

/* `english` in the user's language: written into `text` and returned, or `english` itself. */
const char *sentence(const char *english, char text[SENTENCE_MAX]);

#endif
