/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Address text -> a listening socket and the HTTP server on it, with errors that name the address. */
#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "path/netns.h"

enum { LISTEN_BACKLOG = 128, HOST_SIZE = 64, CONNECTIONS_MAX = 64, IDLE_S = 30 };

/* "[::1]:4319" -> ::1 and 4319. False: not of that form. */
static bool address_split(const char *address, char host[HOST_SIZE], const char **port)
{
	const char *colon = strrchr(address, ':'), *start = address, *end = colon;

	if (!colon)
		return false;
	if (*start == '[') {
		start++;
		if (colon == address || *--end != ']')
			return false;
	} else if (memchr(address, ':', (size_t)(colon - address))) {
		return false;
	}
	if (end <= start || end - start >= HOST_SIZE)
		return false;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = 0;
	*port = colon + 1;
	return **port && strspn(*port, "0123456789") == strlen(*port) && strtoul(*port, NULL, 10) <= UINT16_MAX;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage name = { 0 };
	socklen_t len = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &len))
		return 0;
	return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
						: ((struct sockaddr_in *)&name)->sin_port);
}

static int socket_listen(const struct addrinfo *info)
{
	int one = 1, error, fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
	    bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/* The same in the network namespace `name` of `ip netns`: this thread goes there and back. */
static int socket_listen_in(const char *name, int name_len, const struct addrinfo *info)
{
	int home = netns_enter_name(name, name_len), fd;

	if (home < 0)
		return home;
	fd = socket_listen(info);
	netns_leave(home);
	return fd;
}

int listen_open(const char *word, const char *address, int *fd, uint16_t *port)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *info;
	const char *slash = strchr(address, '/'), *service;
	char host[HOST_SIZE];
	int opened;

	if (!address_split(slash ? slash + 1 : address, host, &service) || getaddrinfo(host, service, &hints, &info)) {
		fprintf(stderr, "%s %s: not an address and port, like 127.0.0.1:4319 or [::1]:4319\n", word, address);
		return -EINVAL;
	}
	opened = slash ? socket_listen_in(address, (int)(slash - address), info) : socket_listen(info);
	freeaddrinfo(info);
	if (opened < 0) {
		fprintf(stderr, "%s %s: %s\n", word, address,
			opened == -EADDRINUSE ? "the port is taken by another process" : strerror(-opened));
		return opened;
	}
	*fd = opened;
	*port = port_of(opened);
	return 0;
}

int listen_serve(const char *word, const char *address, MHD_AccessHandlerCallback handle,
		 MHD_RequestCompletedCallback ended, void *arg, struct MHD_Daemon **daemon, uint16_t *port)
{
	int fd, error = listen_open(word, address, &fd, port);

	if (error)
		return error;
	*daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, handle, arg, MHD_OPTION_LISTEN_SOCKET,
				   fd, MHD_OPTION_NOTIFY_COMPLETED, ended, NULL, MHD_OPTION_CONNECTION_LIMIT,
				   CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
	if (*daemon)
		return 0;
	fprintf(stderr, "%s %s: the HTTP server does not start\n", word, address);
	return -EIO;
}
