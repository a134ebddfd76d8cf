/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads node.yaml, at the start and whenever somebody asks for it. */
#include "self.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/plane/identity.h"
#include "ctl/record/leap.h"
#include "port.h"

enum { ID_NONE = 0xffffff };

static void interfaces_fill(const struct identity *identity, const struct port *ports, unsigned int count,
			    struct self *self)
{
	for (unsigned int i = 0; i < count; i++) {
		struct plane_node node = { 0 };

		identity_fill(identity, ports[i].name, (int)ports[i].interface, &node);
		self->interfaces[i].id = node.interface;
		self->interfaces[i].wide = node.interface_wide;
	}
}

static void file_apply(const struct identity *identity, struct self *self)
{
	struct plane_node node = { 0 };

	identity_fill(identity, "", 0, &node);
	self->id = node.id;
	self->id_wide = node.id_wide;
	self->namespaces = *identity_namespaces(identity);
	self->clock_offset_ns = identity_clock_offset(identity);
}

/* Words win over the file. With a short id alone it is the wide one, too. */
static void words_apply(const struct config *config, struct self *self)
{
	struct ioam6_namespace only = {
		.data_wide = ~0ULL, .data = IOAM6_NONE32, .schema_id = IOAM6_SNAPSHOT_NONE, .id = config->namespace
	};

	if (config->has_node_id)
		self->id = config->node_id;
	if (self->id_wide == 0xffffffffffffff && self->id != ID_NONE)
		self->id_wide = self->id;
	if (config->has_clock_offset)
		self->clock_offset_ns = config->clock_offset_ns;
	if (!config->has_namespace)
		return;
	self->namespaces = (struct ioam6_namespaces){ 0 };
	ioam6_namespaces_add(&self->namespaces, &only);
}

int self_read(const struct config *config, const struct port *ports, unsigned int port_count, struct self **self)
{
	struct self *read = calloc(1, sizeof(*read));
	struct identity *identity = NULL;
	int err = read ? identity_read(NULL, &identity) : -ENOMEM;

	if (err) {
		free(read);
		return err;
	}
	file_apply(identity, read);
	interfaces_fill(identity, ports, port_count, read);
	read->tai_to_utc_ns = leap_seconds(time(NULL)) * (int64_t)IOAM6_NS_PER_S;
	words_apply(config, read);
	identity_free(identity);
	if (read->id == ID_NONE && read->id_wide == 0xffffffffffffff) {
		fputs(PROGRAM ": node-id is missing: each node needs one, by word or in node.yaml\n", stderr);
		free(read);
		return -ENOKEY;
	}
	*self = read;
	return 0;
}

struct self *self_copy(const struct self *self)
{
	struct self *copy = malloc(sizeof(*copy));

	if (copy)
		*copy = *self;
	return copy;
}

int self_hand(const struct self *self, struct self **next, struct self **old)
{
	struct self *copy = self_copy(self);

	if (!copy)
		return -ENOMEM;
	free(__atomic_exchange_n(old, NULL, __ATOMIC_ACQ_REL));
	free(__atomic_exchange_n(next, copy, __ATOMIC_ACQ_REL)); /* one that was not taken yet is out of date */
	return 0;
}
