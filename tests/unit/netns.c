/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A network namespace that only a process holds is found by its cookie; the thread comes back, also without success. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "path/netns.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static uint64_t cookie_here(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	assert_true(fd >= 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len), 0);
	close(fd);
	return cookie;
}

/* A child in a namespace of its own tells its cookie and lives until `hold` is closed. */
static pid_t child_start(int *hold, uint64_t *cookie)
{
	int up[2], down[2];
	pid_t child;

	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		uint64_t own = unshare(CLONE_NEWNET) ? 0 : cookie_here();

		close(down[1]);
		_exit(write(up[1], &own, sizeof(own)) != sizeof(own) || read(down[0], &own, 1) != 0);
	}
	close(up[1]);
	close(down[0]);
	assert_int_equal(read(up[0], cookie, sizeof(*cookie)), sizeof(*cookie));
	close(up[0]);
	*hold = down[1];
	return child;
}

static void test_enter(void **state)
{
	uint64_t home_cookie;
	struct netns netns = { 0 };
	int hold, home;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	home_cookie = cookie_here();
	child = child_start(&hold, &netns.cookie);
	if (!netns.cookie)
		skip();
	for (int again = 0; again < 2; again++) {
		home = netns_enter(&netns);
		assert_true(home >= 0);
		assert_int_equal(cookie_here(), netns.cookie);
		netns_leave(home);
		assert_int_equal(cookie_here(), home_cookie);
	}
	close(hold);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(netns_enter(&netns), -ENOENT);
	assert_int_equal(cookie_here(), home_cookie);
}

static void test_own(void **state)
{
	struct netns netns = { .cookie = cookie_here() };
	int home;

	(void)state;
	home = netns_enter(&netns);
	assert_true(home >= 0);
	close(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enter),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
