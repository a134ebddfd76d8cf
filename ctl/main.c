/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* hopspan: argv -> common options -> the table of commands -> its function. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "version.h"

static void print_commands(FILE *out)
{
	fputs("usage: hopspan [-j] [--color auto|always|never] OBJECT VERB [WORDS]\n"
	      "       hopspan OBJECT [VERB] --help\n\n",
	      out);
	for (unsigned int i = 0; i < command_count; i++) {
		const struct command *c = &commands[i];

		fprintf(out, "  %-7s %-6s %s\n", c->object, c->verb ? c->verb : "", c->summary);
	}
	fputs("\n  -j, --json   JSON, on every verb that reads\n"
	      "  --version    the version\n",
	      out);
}

static void print_help(const struct command *c)
{
	printf("usage: hopspan %s%s%s %s\n\n%s\n", c->object, c->verb ? " " : "", c->verb ? c->verb : "", c->usage,
	       c->summary);
	if (c->help)
		printf("\n%s", c->help);
}

static const struct command *command_find(const char *object, const char *verb)
{
	for (unsigned int i = 0; i < command_count; i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->object, object) == 0 && (!c->verb || (verb && strcmp(c->verb, verb) == 0)))
			return c;
	}
	return NULL;
}

/* No such command: names the word that is wrong. */
static int unknown(const char *object, const char *verb, bool help)
{
	bool known = false;

	for (unsigned int i = 0; i < command_count; i++)
		known |= strcmp(commands[i].object, object) == 0;
	if (!known) {
		fprintf(stderr, "hopspan: no object \"%s\" (see hopspan --help)\n", object);
		return EXIT_MISUSE;
	}
	if (!help && verb)
		fprintf(stderr, "hopspan %s: no verb \"%s\"\n", object, verb);
	FILE *out = help ? stdout : stderr;
	for (unsigned int i = 0; i < command_count; i++)
		if (strcmp(commands[i].object, object) == 0)
			fprintf(out, "  hopspan %s %s %s\n", object, commands[i].verb, commands[i].usage);
	return help ? EXIT_DONE : EXIT_MISUSE;
}

static int color_parse(const char *word, enum color *color)
{
	static const char *const names[] = { "auto", "always", "never" };

	for (int i = 0; word && i < 3; i++)
		if (strcmp(word, names[i]) == 0) {
			*color = i;
			return 0;
		}
	fprintf(stderr, "hopspan: --color is auto, always or never\n");
	return EXIT_MISUSE;
}

/* Takes the common options off argv, wherever they stand before "--". */
static int options_take(struct options *options, bool *help, int *argc, char **argv)
{
	int kept = 0;
	bool words_only = false;

	for (int i = 0; i < *argc; i++) {
		const char *word = argv[i];

		words_only |= strcmp(word, "--") == 0;
		if (words_only) {
			argv[kept++] = argv[i];
		} else if (strcmp(word, "-j") == 0 || strcmp(word, "--json") == 0) {
			options->json = true;
		} else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
			*help = true;
		} else if (strcmp(word, "--color") == 0) {
			i++;
			if (color_parse(i < *argc ? argv[i] : NULL, &options->color))
				return EXIT_MISUSE;
		} else {
			argv[kept++] = argv[i];
		}
	}
	argv[kept] = NULL;
	*argc = kept;
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	const struct command *c;
	bool help = false;

	argc--;
	argv++;
	if (options_take(&options, &help, &argc, argv))
		return EXIT_MISUSE;
	if (argc && strcmp(argv[0], "--version") == 0) {
		puts("hopspan " HOPSPAN_VERSION);
		return EXIT_DONE;
	}
	if (!argc) {
		print_commands(help ? stdout : stderr);
		return help ? EXIT_DONE : EXIT_MISUSE;
	}
	c = command_find(argv[0], argc > 1 ? argv[1] : NULL);
	if (!c)
		return unknown(argv[0], argc > 1 ? argv[1] : NULL, help);
	if (help) {
		print_help(c);
		return EXIT_DONE;
	}
	int words = c->verb ? 2 : 1;
	return c->run(&options, argc - words, argv + words);
}
