/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One message, one line. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp_json.h"

enum { LINE_MAX_OCTETS = 16 << 20 }; /* of protobuf, as many as the door takes */

struct file {
	struct destination destination;
	char *path;
	int fd; /* -1: not open */
	bool standard_output;
};

/* Its name may be another file's by now. */
static bool is_in_place(const struct file *file)
{
	struct stat here, there;

	return file->fd >= 0 &&
	       (file->standard_output || (fstat(file->fd, &here) == 0 && stat(file->path, &there) == 0 &&
					  here.st_dev == there.st_dev && here.st_ino == there.st_ino));
}

static int file_open(struct file *file)
{
	if (is_in_place(file))
		return 0;
	if (file->fd >= 0)
		close(file->fd);
	file->fd = open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	return file->fd < 0 ? -errno : 0;
}

/* All of it, or nothing of it stays in the file. */
static int line_write(struct file *file, const char *line, size_t len)
{
	off_t start = lseek(file->fd, 0, SEEK_END);
	size_t done = 0;

	while (done < len) {
		ssize_t written = write(file->fd, line + done, len - done);
		int error = errno;

		if (written < 0 && error == EINTR)
			continue;
		if (written < 0) {
			if (done && start >= 0)
				(void)!ftruncate(file->fd, start);
			return -error;
		}
		done += (size_t)written;
	}
	return 0;
}

static int message_write(struct file *file, const struct message *message)
{
	Otlp__ExportTraceServiceRequest *request =
	    otlp__export_trace_service_request__unpack(NULL, message->len, message->otlp);
	char *line = NULL;
	size_t len = 0;
	FILE *out = request ? open_memstream(&line, &len) : NULL;
	int error = -ENOMEM;

	if (out) {
		otlp_json_write(out, &request->base);
		fputc('\n', out);
		if (fclose(out) == 0)
			error = line_write(file, line, len);
	}
	free(line);
	if (request)
		otlp__export_trace_service_request__free_unpacked(request, NULL);
	return error;
}

static void file_send(struct destination *destination, struct message *message)
{
	struct file *file = (struct file *)destination;
	int error = file_open(file);

	if (!error)
		error = message_write(file, message);
	message->delivery = error ? DELIVERY_AGAIN : DELIVERY_DONE;
	if (error)
		snprintf(message->error, sizeof(message->error), "%s", strerror(-error));
}

static void file_free(struct destination *destination)
{
	struct file *file = (struct file *)destination;

	if (file->fd >= 0 && !file->standard_output)
		close(file->fd);
	free(file->path);
	free(destination->name);
	free(destination->key);
	free(file);
}

/* The store knows a file by its whole path. */
static char *key_of(const char *path)
{
	char *folder = path[0] == '/' || strcmp(path, "-") == 0 ? NULL : getcwd(NULL, 0), *key = NULL;

	if (asprintf(&key, "file:%s%s%s", folder ? folder : "", folder ? "/" : "", path) < 0)
		key = NULL;
	free(folder);
	return key;
}

int file_new(const char *path, struct destination **out)
{
	struct file *file = calloc(1, sizeof(*file));
	int error;

	if (!file)
		return -ENOMEM;
	file->standard_output = strcmp(path, "-") == 0;
	file->fd = file->standard_output ? STDOUT_FILENO : -1;
	file->path = strdup(path);
	file->destination = (struct destination){ .name = strdup(file->standard_output ? "standard output" : path),
						  .key = key_of(path),
						  .message_max = LINE_MAX_OCTETS,
						  .under_way_max = 1,
						  .send = file_send,
						  .free = file_free };
	error = file->path && file->destination.name && file->destination.key ? file_open(file) : -ENOMEM;
	if (error) {
		fprintf(stderr, "file %s: %s\n", path, strerror(-error));
		file_free(&file->destination);
		return error;
	}
	*out = &file->destination;
	return 0;
}
