/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef HOPSPAN_VERSION_H
#define HOPSPAN_VERSION_H

#define HOPSPAN_VERSION "0.1.0"

#endif
