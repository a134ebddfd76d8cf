/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The paths of a namespace, for `status` and `host show`. */
#ifndef HOPSPAN_PATH_PATH_JSON_H
#define HOPSPAN_PATH_PATH_JSON_H

struct json_t;

/*
 * Sets in `object` what the folder's maps say: "paths_watched": true, "paths": [{"destination": "2001:db8::1",
 * "state": "proved", ...}]; nothing where no destination has had to prove itself.
 */
void path_json(struct json_t *object, const char *folder);

/* The same as text, a line each behind `indent`; long lists are cut. */
void path_print(const struct json_t *object, const char *indent);

#endif
