/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The compiled BPF programs, as they are read by ctl/plane/program.c. */
	.section .rodata

	.macro object name file
	.balign 16
	.global \name\()_elf, \name\()_elf_end
\name\()_elf:
	.incbin "\file"
\name\()_elf_end:
	.endm

	object sockopt, "build/tc/sockopt.bpf.o"
	object stamp, "build/tc/stamp.bpf.o"
	object sink, "build/tc/sink.bpf.o"
	object tc_transit, "build/tc/transit.bpf.o"
	object depart, "build/tc/depart.bpf.o"
	object xdp_transit, "build/xdp/transit.bpf.o"
	object xdp_sink, "build/xdp/sink.bpf.o"
	object wait, "build/tc/wait.bpf.o"
	object border_in, "build/tc/border_in.bpf.o"
	object border_out, "build/tc/border_out.bpf.o"
	object xdp_border, "build/xdp/border.bpf.o"

	.section .note.GNU-stack, "", @progbits
