/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Big-endian load and store, the only way any plane touches a packet's octets.
 *
 * Everything in wire/ is inline, needs no libc and compiles unchanged for user space, for DPDK and
 * with `clang -target bpf`. Pointers may be unaligned; values are in host order.
 */
#ifndef HOPSPAN_WIRE_BYTES_H
#define HOPSPAN_WIRE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_INLINE static inline __attribute__((always_inline, unused))

/*
 * Hides from the compiler how a packet pointer was computed: the verifier wants each access to be checked by
 * comparing that very pointer with the packet's end, and an optimizer knows shorter ways. Nothing elsewhere.
 */
#ifdef __bpf__
#define WIRE_OPAQUE(value) asm volatile("" : "+r"(value))
#else
#define WIRE_OPAQUE(value) ((void)0)
#endif

/* A value at any address. BPF checks packet pointers itself and would turn a packed access into single octets. */
#ifdef __bpf__
#define WIRE_UNALIGNED __attribute__((may_alias))
#else
#define WIRE_UNALIGNED __attribute__((may_alias, packed))
#endif

struct wire_u16 {
	uint16_t be;
} WIRE_UNALIGNED;

struct wire_u32 {
	uint32_t be;
} WIRE_UNALIGNED;

struct wire_u64 {
	uint64_t be;
} WIRE_UNALIGNED;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WIRE_SWAP16(v) __builtin_bswap16(v)
#define WIRE_SWAP32(v) __builtin_bswap32(v)
#define WIRE_SWAP64(v) __builtin_bswap64(v)
#else
#define WIRE_SWAP16(v) (v)
#define WIRE_SWAP32(v) (v)
#define WIRE_SWAP64(v) (v)
#endif

WIRE_INLINE uint16_t be16_load(const void *at)
{
	return WIRE_SWAP16(((const struct wire_u16 *)at)->be);
}

WIRE_INLINE uint32_t be32_load(const void *at)
{
	return WIRE_SWAP32(((const struct wire_u32 *)at)->be);
}

WIRE_INLINE uint64_t be64_load(const void *at)
{
	return WIRE_SWAP64(((const struct wire_u64 *)at)->be);
}

/* Are these 8 octets, under the mask, those of `value_be`? A mask that is a constant costs no swap. */
WIRE_INLINE bool be64_is(const void *at, uint64_t mask, uint64_t value_be)
{
	return (((const struct wire_u64 *)at)->be & WIRE_SWAP64(mask)) == value_be;
}

WIRE_INLINE void be16_store(void *at, uint16_t value)
{
	((struct wire_u16 *)at)->be = WIRE_SWAP16(value);
}

WIRE_INLINE void be32_store(void *at, uint32_t value)
{
	((struct wire_u32 *)at)->be = WIRE_SWAP32(value);
}

WIRE_INLINE void be64_store(void *at, uint64_t value)
{
	((struct wire_u64 *)at)->be = WIRE_SWAP64(value);
}

/* Copies whole words; the order of octets stays. */
WIRE_INLINE void words_copy(void *to, const void *from, uint32_t words)
{
	struct wire_u32 *out = to;
	const struct wire_u32 *in = from;

	for (uint32_t i = 0; i < words; i++)
		out[i].be = in[i].be;
}

#endif
