/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "control.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHECK_MS = 1000 };

static void signals_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

void control_block(void)
{
	sigset_t set;

	signals_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Each worker is handed its own; where something is wrong all keep what they have. */
static int self_renew(struct control *control)
{
	struct self *read = NULL;
	int err = self_read(control->config, control->ports, control->port_count, &read);

	for (unsigned int i = 0; !err && i < control->worker_count; i++)
		err = self_hand(read, &control->workers[i].transit.next, &control->workers[i].transit.old);
	if (!err)
		clock_offset_set(read->clock_offset_ns);
	free(read);
	return err;
}

static void state_set(struct port *port, enum port_state state)
{
	static const char *const texts[] = {
		[PORT_UP] = "is up",
		[PORT_DOWN] = "is down: what is for it is dropped",
		[PORT_GONE] = "is gone: what is for it is dropped until it comes back",
	};

	fprintf(stderr, PROGRAM ": %s %s\n", port->name, texts[state]);
	__atomic_store_n(&port->state, state, __ATOMIC_RELEASE);
}

/* Its interface may have another number now, by which traces know it. */
static void port_comeback(struct control *control, struct port *port)
{
	if (port_retake(port))
		return;
	self_renew(control);
	state_set(port, port_look(port));
}

static void port_follow(struct control *control, struct port *port)
{
	enum port_state state = port_look(port);

	if (port->state == PORT_GONE) {
		port_comeback(control, port);
		return;
	}
	if (state != PORT_GONE)
		port_count(port);
	if (port_says_unfinished(port))
		fprintf(stderr,
			PROGRAM ": %s: checksums of packets that come are unfinished, nobody will take them: "
				"ethtool -K DEV tx off on the far end of the veth pair\n",
			port->name);
	if (state == port->state)
		return;
	state_set(port, state);
	if (state != PORT_GONE)
		return;
	workers_wait(control->workers);
	port_release(port);
}

static void signals_take(struct control *control)
{
	struct signalfd_siginfo info;

	while (read(control->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			control->stop = 1;
		else if (self_renew(control) == 0)
			fputs(PROGRAM ": node.yaml was read again\n", stderr);
	}
}

/* That there are some is all that is wanted of them. */
static void links_take(const struct control *control)
{
	char news[4096];

	while (recv(control->links, news, sizeof(news), MSG_DONTWAIT) > 0)
		;
}

static void *control_run(void *arg)
{
	struct control *control = arg;
	struct pollfd fds[] = { { .fd = control->signals, .events = POLLIN },
				{ .fd = control->links, .events = POLLIN } };

	while (!control->stop) {
		for (unsigned int i = 0; i < control->port_count; i++)
			port_follow(control, &control->ports[i]);
		poll(fds, 2, CHECK_MS);
		links_take(control);
		signals_take(control);
	}
	return NULL;
}

static int links_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd < 0 ? -errno : fd;
	err = -errno;
	close(fd);
	return err;
}

int control_start(struct control *control)
{
	sigset_t set;

	signals_set(&set);
	control->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (control->signals < 0)
		return -errno;
	control->links = links_open();
	if (control->links < 0)
		return control->links;
	return eal_thread_create(&control->thread, control_run, control);
}

void control_join(struct control *control)
{
	pthread_join(control->thread, NULL);
	close(control->signals);
	close(control->links);
	for (unsigned int i = 0; i < control->port_count; i++)
		port_count(&control->ports[i]);
}
