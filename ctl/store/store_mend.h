/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A store whose file is damaged, or was taken away while in use: another one in its place. Only store*.c include this.
 */
#ifndef HOPSPAN_STORE_MEND_H
#define HOPSPAN_STORE_MEND_H

#include "store.h"

/* Whether the file, which is no database, has been a store: nobody else's file is ever touched. */
bool store_was_ours(const char *path);

/* The handle's file is no longer the one under its name. */
bool store_is_away(struct store *store);

/*
 * Renames the file and what SQLite keeps beside it to NAME.damaged-TIME, unless that has happened, says so on stderr,
 * and opens a new one, or the one that another handle has made meanwhile. Batches are numbered on above the old ones.
 */
int store_mend(struct store *store);

#endif
