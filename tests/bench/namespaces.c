/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Puts one array in the map of arrays. */
#include "namespaces.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <unistd.h>

#include "tc/plane.h"
#include "wire/context.h"

void namespaces_set(struct bpf_object *object)
{
	static struct plane_namespaces now = {
		.node = { .list[0] = { .id = CONTEXT_NAMESPACE,
				       .data = ~0U,
				       .data_wide = ~0ULL,
				       .schema_id = IOAM6_SNAPSHOT_NONE },
			  .known.place[CONTEXT_NAMESPACE] = 1,
			  .count = 1 },
	};
	int outer = bpf_object__find_map_fd_by_name(object, "namespaces"), inner;
	uint32_t key = 0;

	if (outer < 0)
		return;
	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(key), sizeof(now), 1, NULL);
	if (inner < 0 || bpf_map_update_elem(inner, &key, &now, BPF_ANY) ||
	    bpf_map_update_elem(outer, &key, &inner, BPF_ANY))
		err(1, "namespaces");
	close(inner);
}
