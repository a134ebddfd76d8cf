/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Words of `trace list` -> what is searched for. */
#ifndef HOPSPAN_SEARCH_H
#define HOPSPAN_SEARCH_H

#include <stdbool.h>

#include "cmd.h"
#include "store/store.h"

/* Whether `word` is one of these, which all have a value. */
bool search_knows(const char *word);

/* Its value, which search keeps. 0, or EXIT_MISUSE, printed. */
int search_word(const struct command *command, const char *word, const char *value, struct store_search *search);

#endif
