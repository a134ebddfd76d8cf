/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a device's driver can do with XDP, as the kernel's netdev family tells (6.3). */
#ifndef HOPSPAN_FEATURES_H
#define HOPSPAN_FEATURES_H

#include <stdbool.h>

/* Whether it sends out what XDP redirects to it, as things are: 0 or 1, or -errno; -EOPNOTSUPP: the kernel is silent.
 */
int features_xdp_out(int ifindex);

#endif
