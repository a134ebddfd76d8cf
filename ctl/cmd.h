/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The table of commands (cmd.c): dispatch, help and completion come from it.
 */
#ifndef HOPSPAN_CMD_H
#define HOPSPAN_CMD_H

#include <stdbool.h>

/* Exit status, also of every run function. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISUSE = 2 };

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* Options that every command knows, taken off argv before it runs. */
struct options {
	bool json;
	enum color color;
};

struct command {
	const char *object; /* "trace" */
	const char *verb;   /* "show", or NULL for an object that is a verb itself: decode, status */
	int (*run)(const struct options *options, int argc, char **argv); /* argv: the words behind the verb */
	const char *usage;						  /* those words: "dev DEV [via auto|xdp|tc]" */
	const char *summary;						  /* one line */
	const char *help; /* the rest of --help: words and what they mean, within 80 columns */
};

extern const struct command commands[];
extern const unsigned int command_count;

/* The table's row of a run function. */
const struct command *command_of(int (*run)(const struct options *options, int argc, char **argv));

/* "hopspan OBJECT VERB: MESSAGE" to stderr, with the way to the help. Returns EXIT_MISUSE. */
int misuse(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

int cmd_host_up(const struct options *options, int argc, char **argv);
int cmd_host_down(const struct options *options, int argc, char **argv);
int cmd_host_show(const struct options *options, int argc, char **argv);
int cmd_router_up(const struct options *options, int argc, char **argv);
int cmd_router_down(const struct options *options, int argc, char **argv);
int cmd_router_show(const struct options *options, int argc, char **argv);
int cmd_border_up(const struct options *options, int argc, char **argv);
int cmd_border_down(const struct options *options, int argc, char **argv);
int cmd_border_show(const struct options *options, int argc, char **argv);
int cmd_collect(const struct options *options, int argc, char **argv);
int cmd_status(const struct options *options, int argc, char **argv);
int cmd_decode(const struct options *options, int argc, char **argv);
int cmd_trace_list(const struct options *options, int argc, char **argv);
int cmd_trace_show(const struct options *options, int argc, char **argv);

#endif
