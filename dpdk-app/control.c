/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHECK_S = 1 };

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
static void self_renew(struct control *control)
{
	struct self *read = NULL;
	int err = self_read(control->config, control->ports, control->port_count, &read);

	for (unsigned int i = 0; !err && i < control->worker_count; i++)
		err = self_hand(read, &control->workers[i].transit.next, &control->workers[i].transit.old);
	if (!err)
		fputs(PROGRAM ": node.yaml was read again\n", stderr);
	free(read);
}

static int ports_check(struct control *control)
{
	for (unsigned int i = 0; i < control->port_count; i++) {
		if (port_check(&control->ports[i]) == 0)
			continue;
		fprintf(stderr, PROGRAM ": %s is gone\n", control->ports[i].name);
		return -ENODEV;
	}
	return 0;
}

static void *control_run(void *arg)
{
	struct timespec interval = { .tv_sec = CHECK_S };
	struct control *control = arg;
	sigset_t set;
	int number;

	signals_set(&set);
	while (!control->stop) {
		number = sigtimedwait(&set, NULL, &interval);
		if (number == SIGINT || number == SIGTERM)
			control->stop = 1;
		else if (number == SIGHUP)
			self_renew(control);
		else if (number < 0 && errno == EAGAIN)
			control->err = ports_check(control);
		if (control->err)
			control->stop = 1;
	}
	return NULL;
}

int control_start(struct control *control)
{
	return -pthread_create(&control->thread, NULL, control_run, control);
}

int control_join(struct control *control)
{
	pthread_join(control->thread, NULL);
	for (unsigned int i = 0; i < control->port_count; i++)
		port_check(&control->ports[i]);
	return control->err;
}
