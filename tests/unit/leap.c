/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* TAI - UTC, from the system's list and without one. The list is read once, so each case is a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "record/leap.h"

enum {
	LEAP_2009_UNIX_S = 1230768000, /* 2009-01-01 */
	LEAP_2017_UNIX_S = 1483228800, /* 2017-01-01 */
};

/* leap_seconds() with the list at `path` (NULL: the system's), or 255 if it has no answer. */
static int seconds_with(const char *path, int64_t unix_s)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (path)
			setenv("HOPSPAN_LEAP_SECONDS", path, 1);
		else
			unsetenv("HOPSPAN_LEAP_SECONDS");
		_exit(leap_seconds(unix_s));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_missing_list(void **state)
{
	(void)state;
	assert_int_equal(seconds_with("/nonexistent/leap-seconds.list", LEAP_2009_UNIX_S), 37);
	assert_int_equal(seconds_with("/dev/null", LEAP_2009_UNIX_S), 37);
}

static void test_own_list(void **state)
{
	static const char list[] = "# a comment\n#$\t3960835200\n\n2272060800\t10\t# 1 Jan 1972\n"
				   "3692217600 37 # 1 Jan 2017\n4000000000 38\n";
	char path[] = "/tmp/hopspan-leap-XXXXXX";
	int file = mkstemp(path);

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(write(file, list, sizeof(list) - 1), sizeof(list) - 1);
	close(file);
	assert_int_equal(seconds_with(path, -1000000000), 10);
	assert_int_equal(seconds_with(path, LEAP_2017_UNIX_S - 1), 10);
	assert_int_equal(seconds_with(path, LEAP_2017_UNIX_S), 37);
	assert_int_equal(seconds_with(path, 4000000000 - 2208988800), 38);
	assert_int_equal(seconds_with(path, 99999999999), 38);
	unlink(path);
}

static void test_system_list(void **state)
{
	(void)state;
	if (access("/usr/share/zoneinfo/leap-seconds.list", R_OK) != 0)
		skip();
	assert_int_equal(seconds_with(NULL, LEAP_2009_UNIX_S - 1), 33);
	assert_int_equal(seconds_with(NULL, LEAP_2009_UNIX_S), 34);
	assert_int_equal(seconds_with(NULL, LEAP_2017_UNIX_S - 1), 36);
	assert_int_equal(seconds_with(NULL, LEAP_2017_UNIX_S), 37);
}

/* Whatever the kernel knows: its CLOCK_TAI and what is missing make TAI, whole seconds from UTC. */
static void test_missing_makes_tai(void **state)
{
	int64_t missing_ns = leap_missing_ns();
	struct timespec tai, utc;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &utc);
	clock_gettime(CLOCK_TAI, &tai);
	assert_int_equal(missing_ns % 1000000000, 0);
	if (tai.tv_sec - utc.tv_sec <= 1)
		assert_int_equal(missing_ns / 1000000000, leap_seconds(utc.tv_sec));
	else
		assert_int_equal(missing_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_list),
		cmocka_unit_test(test_own_list),
		cmocka_unit_test(test_system_list),
		cmocka_unit_test(test_missing_makes_tai),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
