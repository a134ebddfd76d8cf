/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The socket option: where a trace context enters. cgroup/setsockopt and cgroup/getsockopt at level SOL_HOPSPAN.
 *
 * The kernel holds the socket's lock, as it does while TCP sends, so a range begins at exactly the next byte written.
 * An option that another instance has answered (optlen -1) is left alone.
 */
#include "counters.bpf.h"
#include "socket.bpf.h"

PLANE_COUNTERS(sockopt)

enum { ENOMEM = 12, EINVAL = 22, ENODATA = 61, EOPNOTSUPP = 95 };
enum { FAMILY_INET = 2, FAMILY_INET6 = 10, TYPE_STREAM = 1, TYPE_DATAGRAM = 2, SOCKOPT_ANSWERED = -1 };

static __always_inline int refuse(int error)
{
	count(error == ENOMEM ? OUTCOME_option_no_memory : OUTCOME_option_refused);
	bpf_set_retval(-error);
	return 0;
}

/* TCP or UDP. The type tells: a raw socket bears the number of its protocol and is no struct tcp_sock. */
static __always_inline bool socket_is_ours(const struct bpf_sock *sk)
{
	if (sk->family != FAMILY_INET && sk->family != FAMILY_INET6)
		return false;
	return (sk->protocol == NEXT_HEADER_TCP && sk->type == TYPE_STREAM) ||
	       (sk->protocol == NEXT_HEADER_UDP && sk->type == TYPE_DATAGRAM);
}

/* What sdk/hopspan.h promises of the value. */
static __always_inline bool option_is_valid(const struct hopspan_context *option)
{
	__u8 trace = 0, span = 0, reserved = 0;

	for (unsigned int i = 0; i < sizeof(option->trace_id); i++)
		trace |= option->trace_id[i];
	for (unsigned int i = 0; i < sizeof(option->span_id); i++)
		span |= option->span_id[i];
	for (unsigned int i = 0; i < sizeof(option->reserved); i++)
		reserved |= option->reserved[i];
	return option->version == HOPSPAN_CONTEXT_VERSION && !reserved && !trace == !span;
}

static __always_inline struct context context_from_option(const struct hopspan_context *option)
{
	struct context context = { .version = CONTEXT_VERSION, .flags = option->flags };

	__builtin_memcpy(context.trace_id, option->trace_id, sizeof(context.trace_id));
	__builtin_memcpy(context.span_id, option->span_id, sizeof(context.span_id));
	return context;
}

static __always_inline void range_count(enum range_opened how)
{
	count(OUTCOME_range_opened);
	if (how != RANGE_NEW)
		count(how == RANGE_FORGOT ? OUTCOME_range_forgotten : OUTCOME_range_replaced);
}

/* False: no memory. */
static __always_inline bool context_set(struct bpf_sock *sk, const struct hopspan_context *option)
{
	struct context context = context_from_option(option);
	struct socket_state *state;
	bool wanted = context.flags & CONTEXT_FLAG_SAMPLED && !context_is_empty(&context);
	bool from_start = sk->protocol != NEXT_HEADER_TCP || sk->state == SOCKET_TCP_CLOSE;
	__u32 begin = 0;

	state = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return false;
	state->set = context;
	state->set_process = current_process();
	if (sk->protocol == NEXT_HEADER_TCP && sk->state != SOCKET_TCP_CLOSE) {
		struct tcp_sock *tcp = kernel_address(sk);

		begin = BPF_CORE_READ(tcp, write_seq);
	}
	range_count(range_open(state, begin, from_start, &context, wanted));
	return true;
}

SEC("cgroup/setsockopt")
int sockopt_set(struct bpf_sockopt *ctx)
{
	struct hopspan_context option;
	const __u8 *value = ctx->optval, *end = ctx->optval_end;
	struct bpf_sock *sk = ctx->sk;
	volatile __s32 *optlen = &ctx->optlen;

	if (ctx->level != SOL_HOPSPAN || *optlen == SOCKOPT_ANSWERED || ctx->optname != HOPSPAN_CONTEXT || !sk)
		return 1;
	if (!socket_is_ours(sk))
		return refuse(EOPNOTSUPP);
	if (*optlen != sizeof(option) || value + sizeof(option) > end)
		return refuse(EINVAL);
	__builtin_memcpy(&option, value, sizeof(option));
	if (!option_is_valid(&option) || (sk->protocol == NEXT_HEADER_TCP && sk->state == SOCKET_TCP_LISTEN))
		return refuse(EINVAL);
	if (!context_set(sk, &option))
		return refuse(ENOMEM);
	*optlen = SOCKOPT_ANSWERED;
	return 1;
}

static __always_inline struct hopspan_context option_from_context(const struct context *context)
{
	struct hopspan_context option = { .version = HOPSPAN_CONTEXT_VERSION, .flags = context->flags };

	__builtin_memcpy(option.trace_id, context->trace_id, sizeof(option.trace_id));
	__builtin_memcpy(option.span_id, context->span_id, sizeof(option.span_id));
	return option;
}

/* What the option says, of the context set or of the one received. The sink may be writing the latter. */
static __always_inline int option_read(struct socket_state *state, bool received, struct hopspan_received *option)
{
	struct context context = { 0 };

	if (!received) {
		if (state)
			option->context = option_from_context(&state->set);
		return 0;
	}
	if (!state)
		return ENODATA;
	bpf_spin_lock(&state->lock);
	words_copy(&context, &state->received, CONTEXT_WORDS);
	option->time_ns = state->received_ns;
	bpf_spin_unlock(&state->lock);
	if (context.version != CONTEXT_VERSION)
		return ENODATA;
	option->context = option_from_context(&context);
	return 0;
}

SEC("cgroup/getsockopt")
int sockopt_get(struct bpf_sockopt *ctx)
{
	struct hopspan_received option = { .context.version = HOPSPAN_CONTEXT_VERSION };
	struct bpf_sock *sk = ctx->sk;
	struct socket_state *state;
	__u8 *value = ctx->optval, *end = ctx->optval_end;
	volatile __s32 *retval = &ctx->retval, *optlen = &ctx->optlen;
	bool received = ctx->optname == HOPSPAN_RECEIVED;
	__s32 len = sizeof(option.context);
	int error;

	if (ctx->level != SOL_HOPSPAN || (!received && ctx->optname != HOPSPAN_CONTEXT) || !sk || *retval == 0)
		return 1;
	if (!socket_is_ours(sk))
		return refuse(EOPNOTSUPP);
	if (*optlen < len || value + sizeof(option.context) > end)
		return refuse(EINVAL);
	state = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	error = option_read(state, received, &option);
	if (error)
		return refuse(error);
	__builtin_memcpy(value, &option.context, sizeof(option.context));
	if (received && *optlen >= (__s32)sizeof(option) && value + sizeof(option) <= end) {
		__builtin_memcpy(value + sizeof(option.context), &option.time_ns, sizeof(option.time_ns));
		len = sizeof(option);
	}
	*optlen = len;
	*retval = 0;
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
