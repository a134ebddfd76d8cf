/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Octets as JSON texts have them: ids of traces and spans in hex, all others in base64 (RFC 4648).
 */
#ifndef HOPSPAN_OCTETS_H
#define HOPSPAN_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Whether a field of this name (trace_id) is an id. */
bool octets_are_id(const char *name);

void octets_write_hex(FILE *out, const uint8_t *octets, size_t len);
void octets_write_base64(FILE *out, const uint8_t *octets, size_t len);

/*
 * At most as many octets come out as the text has. False: the text is no such thing. Base64 of either alphabet, with
 * and without padding.
 */
bool octets_read_hex(const char *text, size_t text_len, uint8_t *octets, size_t *len);
bool octets_read_base64(const char *text, size_t text_len, uint8_t *octets, size_t *len);

#endif
