/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The judge judged: node.c built as it is must pass, and each way to be wrong must be caught. */
#ifndef HOPSPAN_DIFFER_WRONG_H
#define HOPSPAN_DIFFER_WRONG_H

#include "judge.h"

/* False: one was not, and that is printed. `folder` has one shared object for each, right.so among them. */
bool wrong_all_caught(const struct judge *judge, const char *folder, uint32_t ahead_s);

#endif
