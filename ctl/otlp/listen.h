/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A TCP socket to listen on, for the collector's HTTP doors.
 */
#ifndef HOPSPAN_LISTEN_H
#define HOPSPAN_LISTEN_H

#include <microhttpd.h>
#include <stdint.h>

/*
 * `word` is the command's, for what is printed. `address` is numeric with a port: "127.0.0.1:4319", "[::1]:4319"; port
 * 0: any free one, told in `port`. In front of it may stand a network namespace of `ip netns`: "shop/127.0.0.1:4319" is
 * that one's loopback. -errno, printed.
 */
int listen_open(const char *word, const char *address, int *fd, uint16_t *port);

/* An HTTP server there, in a thread of its own, until MHD_stop_daemon(). -errno, printed. */
int listen_serve(const char *word, const char *address, MHD_AccessHandlerCallback handle,
		 MHD_RequestCompletedCallback ended, void *arg, struct MHD_Daemon **daemon, uint16_t *port);

#endif
