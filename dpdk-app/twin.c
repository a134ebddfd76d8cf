/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A TAP device. */
#include "twin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "config.h"

enum { SEGMENTS_MAX = 8 };

static int twin_failed(const char *name, int err)
{
	fprintf(stderr, PROGRAM ": twin %s: %s\n", name,
		err == EBUSY	? "the device is in use by another program"
		: err == EINVAL ? "there is a device of that name, and it is no TAP"
		: err == ENOENT ? "no /dev/net/tun (modprobe tun)"
				: strerror(err));
	return -err;
}

int twin_open(struct twin *twin, const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	*twin = (struct twin){ .fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC) };
	snprintf(twin->name, sizeof(twin->name), "%s", name);
	if (twin->fd < 0)
		return twin_failed(name, errno);
	memcpy(request.ifr_name, twin->name, sizeof(request.ifr_name));
	if (ioctl(twin->fd, TUNSETIFF, &request) < 0 || ioctl(twin->fd, TUNSETOFFLOAD, 0) < 0) {
		int err = errno;

		twin_close(twin);
		return twin_failed(name, err);
	}
	twin->ifindex = if_nametoindex(twin->name);
	twin->carrier = true;
	return 0;
}

void twin_close(struct twin *twin)
{
	if (twin->fd >= 0)
		close(twin->fd);
	twin->fd = -1;
}

static int twin_ioctl(const struct twin *twin, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	memcpy(request->ifr_name, twin->name, sizeof(request->ifr_name));
	err = ioctl(fd, what, request) < 0 ? -errno : 0;
	close(fd);
	return err;
}

int twin_mac_set(struct twin *twin, const uint8_t *mac)
{
	struct ifreq request = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

	memcpy(request.ifr_hwaddr.sa_data, mac, 6);
	return twin_ioctl(twin, SIOCSIFHWADDR, &request);
}

int twin_mtu_set(struct twin *twin, uint32_t mtu)
{
	struct ifreq request = { .ifr_mtu = (int)mtu };

	return twin_ioctl(twin, SIOCSIFMTU, &request);
}

void twin_carrier_set(struct twin *twin, bool carrier)
{
	int number = carrier;

	if (twin->carrier != carrier && ioctl(twin->fd, TUNSETCARRIER, &number) == 0)
		twin->carrier = carrier;
}

int twin_write(const struct twin *twin, const struct rte_mbuf *packet)
{
	struct iovec parts[SEGMENTS_MAX];
	int count = 0;

	for (const struct rte_mbuf *segment = packet; segment; segment = segment->next) {
		if (count == SEGMENTS_MAX)
			return -EMSGSIZE;
		parts[count].iov_base = rte_pktmbuf_mtod(segment, void *);
		parts[count++].iov_len = segment->data_len;
	}
	return writev(twin->fd, parts, count) < 0 ? -errno : 0;
}

int twin_read(const struct twin *twin, struct rte_mbuf *packet)
{
	ssize_t len = read(twin->fd, rte_pktmbuf_mtod(packet, void *), rte_pktmbuf_tailroom(packet));

	if (len <= 0)
		return len ? -errno : -EAGAIN;
	packet->data_len = (uint16_t)len;
	packet->pkt_len = (uint32_t)len;
	return 0;
}
