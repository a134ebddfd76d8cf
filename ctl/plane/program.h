/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The BPF programs: loading them for a device, attaching and detaching. The only caller of libbpf's loader.
 *
 * All functions return 0 or -errno and print nothing but the loader's own words, those with HOPSPAN_VERBOSE=1.
 */
#ifndef HOPSPAN_PROGRAM_H
#define HOPSPAN_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_object;

/* The peers are the same programs on the other hook. */
enum program {
	PROGRAM_SOCKOPT,
	PROGRAM_STAMP,
	PROGRAM_SINK,
	PROGRAM_STAMP_PEER,
	PROGRAM_SINK_PEER,
	PROGRAM_TC_TRANSIT,
	PROGRAM_DEPART,
	PROGRAM_BORDER_IN,
	PROGRAM_BORDER_OUT,
	PROGRAM_XDP_TRANSIT,
	PROGRAM_XDP_SINK,
	PROGRAM_XDP_BORDER,
	PROGRAM_WAIT
};

/*
 * Loads one with its .rodata.config set to the `len` octets of `config` (NULL: it has none). Maps that are shared are
 * pinned in `folder`, or taken from there; the socket storage is in `cgroup_folder` (NULL: the program has none).
 */
int program_load(enum program program, const void *config, size_t len, const char *folder, const char *cgroup_folder,
		 struct bpf_object **object);
void program_unload(struct bpf_object *object);

/* The fd of the object's program. */
int program_fd(struct bpf_object *object);

const char *program_name(enum program program);

/* Of a program for tc: it sees what leaves. */
bool program_is_egress(enum program program);

bool program_is_border(enum program program);

/* The loader's words go where HOPSPAN_VERBOSE says; program_load() does this, too. */
void program_listen(void);

/* The fd of the object's map `name`, or -ENOENT; it lives as long as the object. */
int program_map(struct bpf_object *object, const char *name);

enum { PROGRAM_NAME_LEN = 16 };

/*
 * Attaches the object's program where its kind belongs, in place of the one of the same kind that is there. -EBUSY:
 * there is another XDP program, `other` is its name if it has one.
 */
int program_attach_xdp(struct bpf_object *object, enum program program, int ifindex, char other[PROGRAM_NAME_LEN]);

/* By links pinned in the folder, unless they are there: removing those files detaches. */
int program_attach_cgroup(struct bpf_object *object, int cgroup_fd, const char *folder);
int program_attach_tracepoint(struct bpf_object *object, const char *folder);

/* Nothing there is no error. */
int program_detach_xdp(enum program program, int ifindex);

/* An fd of the one that the driver runs there, or -ENOENT. */
int program_attached_xdp(enum program program, int ifindex);

bool program_is_attached_xdp(enum program program, int ifindex);

/* Does the kernel have the casts that tc/kernel.bpf.h asks for? */
bool program_kernel_has_casts(void);

#endif
