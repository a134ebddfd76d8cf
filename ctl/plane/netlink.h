/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What libbpf does not ask the kernel: is a device's clsact qdisc still used by anybody? */
#ifndef HOPSPAN_NETLINK_H
#define HOPSPAN_NETLINK_H

#include <stdbool.h>

/* Filters on both hooks of the device's clsact qdisc: their number, or -errno. */
int netlink_filters(int ifindex);

/* Those on one of them. */
int netlink_filters_of(int ifindex, bool egress);

/* The kind of the device's root qdisc; "" if it cannot be told. */
void netlink_qdisc(int ifindex, char *kind, unsigned int size);

/* Does the driver take VLAN tags off frames that come in? */
bool netlink_rxvlan(const char *device);

/* Octets before the network header of the device's packets: 14 with an Ethernet header, 0 without; or -errno. */
int netlink_link_len(const char *device);

/* The id, in this network namespace, of the one that the veth's other side is in; -1: this one. */
int netlink_peer_netns(int ifindex);

/* Does the device hand its packets to no other one's queue, as VLAN devices, bonds and tunnels do? */
bool netlink_is_direct(int ifindex);

/* The name of the device's driver, "veth" for one; "" if it has none to tell. */
void netlink_driver(const char *device, char *driver, unsigned int size);

#endif
