/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Text from people, without the room around it. */
#ifndef HOPSPAN_TRIM_H
#define HOPSPAN_TRIM_H

/* What is between white space at both ends; cut in place. */
char *trimmed(char *text);

#endif
