/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * DPDK's arguments. The user's own come last and win: for each group of them that he has chosen from, ours are left
 * out.
 *
 * Memory: 2 MB pages if enough are free, anonymous, so that nothing stays behind in a hugetlbfs and none need be
 * mounted
 * (`ip netns exec` mounts its own /sys but the same counters are in it). Else plain pages, and one line says so.
 */
#include "eal.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leftovers.h"

#define HUGE_PAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/"

enum {
	OWN_WORDS_MAX = 16,
	USER_WORDS_MAX = 200,
	WORDS_MAX = OWN_WORDS_MAX + USER_WORDS_MAX + 1,
	WORD_LEN = 512,
	MEGABYTE = 1024 * 1024,
	HUGE_MEGABYTES = 2,
	SPARE_MEGABYTES = 24, /* beside the buffers: the ports' own, rings, DPDK itself */
	BUFFER_OVERHEAD = 256 + RTE_PKTMBUF_HEADROOM,
};

/* An argv that grows; words of ours live in `text`. */
struct eal_words {
	int count;
	char *words[WORDS_MAX];
	char text[OWN_WORDS_MAX][WORD_LEN];
};

static char runtime_dir[256];
static cpu_set_t cores_before; /* DPDK */

__attribute__((format(printf, 2, 3))) static void words_add(struct eal_words *words, const char *format, ...)
{
	char *text = words->text[words->count];
	va_list args;

	va_start(args, format);
	vsnprintf(text, WORD_LEN, format, args);
	va_end(args);
	words->words[words->count++] = text;
}

/* Does a word of the user's set one of these options? "--name" also as "--name=value", "-x" also as "-xVALUE". */
static bool user_chose(const struct config *config, const char *const *options)
{
	for (int i = 0; i < config->eal_count; i++)
		for (const char *const *option = options; *option; option++) {
			const char *word = config->eal_words[i];
			size_t len = strlen(*option);

			if (strncmp(word, *option, len) == 0 && (len == 2 || word[len] == '\0' || word[len] == '='))
				return true;
		}
	return false;
}

static long sys_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long number = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%ld", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

/* Kilobytes that programs can still have. */
static uint64_t memory_free_kb(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long kilobytes = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lu kB", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes;
}

/* Plain pages are there only when they are written to, and then it is too late to say that there are none. */
static int memory_check(uint64_t megabytes)
{
	uint64_t free_megabytes = memory_free_kb() / 1024;

	if (megabytes <= free_megabytes)
		return 0;
	fprintf(stderr, PROGRAM ": no memory: packet buffers need %lu MB, %lu MB are free (word buffers)\n",
		(unsigned long)megabytes, (unsigned long)free_megabytes);
	return -ENOMEM;
}

/* DPDK lays no buffer across the end of a page, if it fits into one. */
static uint64_t memory_needed(const struct eal_buffers *buffers, uint64_t page)
{
	uint64_t len = buffers->len + BUFFER_OVERHEAD, in_page = page / len;
	uint64_t octets = in_page ? (buffers->count / in_page + 1) * page : buffers->count * RTE_ALIGN_CEIL(len, page);

	return octets / MEGABYTE + SPARE_MEGABYTES + buffers->more_megabytes;
}

static int add_memory(struct eal_words *words, const struct config *config, const struct eal_buffers *buffers)
{
	static const char *const options[] = { "--no-huge",
					       "--in-memory",
					       "--huge-dir",
					       "--huge-unlink",
					       "--legacy-mem",
					       "--socket-mem",
					       "--single-file-segments",
					       "--huge-worker-stack",
					       NULL };
	static const char *const no_huge[] = { "--no-huge", NULL }, *const size[] = { "-m", NULL };
	uint64_t huge_megabytes = memory_needed(buffers, HUGE_MEGABYTES * MEGABYTE), megabytes;
	long pages = sys_number(HUGE_PAGES "free_hugepages") - sys_number(HUGE_PAGES "resv_hugepages");

	if (user_chose(config, options)) {
		/* Nobody can join a process without huge pages: no files to do it by. */
		if (user_chose(config, no_huge))
			words_add(words, "--no-shconf");
		return 0;
	}
	if (!config->no_huge && pages > 0 && (uint64_t)pages * HUGE_MEGABYTES >= huge_megabytes) {
		words_add(words, "--in-memory");
		return 0;
	}
	if (!config->no_huge)
		fprintf(stderr,
			PROGRAM ": %ld of %ld huge pages of 2 MB free: runs without, at up to twice the cycles per "
				"packet (sysctl vm.nr_hugepages)\n",
			pages > 0 ? pages : 0, (long)(huge_megabytes / HUGE_MEGABYTES + 1));
	words_add(words, "--no-huge");
	words_add(words, "--no-shconf");
	words_add(words, "--iova-mode=va");
	if (user_chose(config, size))
		return 0;
	megabytes = memory_needed(buffers, (uint64_t)getpagesize());
	words_add(words, "-m");
	words_add(words, "%lu", (unsigned long)megabytes);
	return memory_check(megabytes);
}

static bool user_chose_cores(const struct config *config)
{
	static const char *const options[] = { "-l", "-c", "--lcores", "-s", NULL };

	return user_chose(config, options);
}

/* No core named: the one we run on, since the kernel has just chosen it as the least busy of those allowed. */
static void add_cores(struct eal_words *words, const struct config *config)
{
	int cpu = sched_getcpu(), len = 0;
	char list[WORD_LEN] = "";

	for (unsigned int i = 0; i < config->core_count && len < WORD_LEN; i++)
		len += snprintf(list + len, (size_t)(WORD_LEN - len), "%s%u@%u", i ? "," : "", i, config->cores[i]);
	if (config->core_count)
		words_add(words, "--lcores=%s", list);
	else if (!user_chose_cores(config))
		words_add(words, "--lcores=0@%d", cpu < 0 ? 0 : cpu);
}

unsigned int eal_workers_max(const struct config *config)
{
	cpu_set_t allowed;

	if (config->core_count)
		return config->core_count;
	if (!user_chose_cores(config) || sched_getaffinity(0, sizeof(allowed), &allowed))
		return 1;
	return RTE_MIN((unsigned int)CPU_COUNT(&allowed), (unsigned int)WORKERS_MAX);
}

/* Each of these words makes a port, perhaps. */
unsigned int eal_ports_max(const struct config *config)
{
	static const char *const options[] = { "--vdev", "-a", "--allow", NULL };
	unsigned int count = config->port_count;

	for (int i = 0; i < config->eal_count; i++) {
		struct config one = { .eal_words = &config->eal_words[i], .eal_count = 1 };

		count += user_chose(&one, options);
	}
	return RTE_MIN(count, (unsigned int)PORTS_MAX);
}

bool eal_may_have(const struct config *config, const char *device)
{
	for (int i = 0; i < config->eal_count; i++)
		if (strstr(config->eal_words[i], device))
			return true;
	return false;
}

static void add_rest(struct eal_words *words, const struct config *config)
{
	static const char *const prefix[] = { "--file-prefix", NULL };
	static const char *const log[] = { "--log-level", NULL };
	static const char *const pci[] = { "-a", "--allow", "-b", "--block", "--no-pci", NULL };

	if (!user_chose(config, prefix))
		words_add(words, "--file-prefix=" PROGRAM "-%d", getpid());
	if (!user_chose(config, log))
		words_add(words, "--log-level=error");
	/* Else DPDK reaches for any network card that it knows, also for one that is in use. */
	if (!user_chose(config, pci))
		words_add(words, "--no-pci");
}

/* Does nothing while anything is in it. */
static void runtime_dir_remove(void)
{
	if (runtime_dir[0])
		rmdir(runtime_dir);
}

static int cores_check(const struct config *config)
{
	CPU_ZERO(&cores_before);
	if (sched_getaffinity(0, sizeof(cores_before), &cores_before))
		return -errno;
	for (unsigned int i = 0; i < config->core_count; i++) {
		if (config->cores[i] < CPU_SETSIZE && CPU_ISSET(config->cores[i], &cores_before))
			continue;
		fprintf(stderr,
			PROGRAM
			": core %u is not there or not allowed to this process (taskset, cpuset, CPUAffinity)\n",
			config->cores[i]);
		return -EINVAL;
	}
	return 0;
}

int eal_start(const struct config *config, const struct eal_buffers *buffers)
{
	struct eal_words *words;
	int err = 0;

	if (config->eal_count > USER_WORDS_MAX) {
		fprintf(stderr, PROGRAM ": more than %d words for DPDK\n", USER_WORDS_MAX);
		return -E2BIG;
	}
	err = cores_check(config);
	if (err)
		return err;
	words = calloc(1, sizeof(*words));
	if (!words)
		return -ENOMEM;
	atexit(runtime_dir_remove); /* before DPDK's own, which run first and empty it */
	words_add(words, PROGRAM);
	add_cores(words, config);
	err = add_memory(words, config, buffers);
	add_rest(words, config);
	for (int i = 0; i < config->eal_count; i++)
		words->words[words->count++] = config->eal_words[i];
	if (!err && rte_eal_init(words->count, words->words) < 0) {
		err = -rte_errno;
		fprintf(stderr, PROGRAM ": DPDK did not start: %s\n", rte_strerror(rte_errno));
	}
	snprintf(runtime_dir, sizeof(runtime_dir), "%s", rte_eal_get_runtime_dir()); /* also of one that failed then */
	if (!err)
		leftovers_remove(runtime_dir);
	free(words); /* DPDK keeps copies */
	return err;
}

int eal_thread_create(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	pthread_attr_t attributes;
	int err;

	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof(cores_before), &cores_before);
	err = pthread_create(thread, &attributes, run, arg);
	pthread_attr_destroy(&attributes);
	return -err;
}

void eal_stop(void)
{
	rte_eal_cleanup();
}
