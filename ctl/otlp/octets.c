/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Hex and base64. */
#include "octets.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool octets_are_id(const char *name)
{
	size_t len = strlen(name);

	return len >= 3 && strcmp(name + len - 3, "_id") == 0;
}

void octets_write_hex(FILE *out, const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", octets[i]);
}

void octets_write_base64(FILE *out, const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)octets[i] << 16;

		if (i + 1 < len)
			bits |= (uint32_t)octets[i + 1] << 8;
		if (i + 2 < len)
			bits |= octets[i + 2];
		fputc(digits[bits >> 18], out);
		fputc(digits[bits >> 12 & 63], out);
		fputc(i + 1 < len ? digits[bits >> 6 & 63] : '=', out);
		fputc(i + 2 < len ? digits[bits & 63] : '=', out);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool octets_read_hex(const char *text, size_t text_len, uint8_t *octets, size_t *len)
{
	for (size_t i = 0; i + 1 < text_len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		octets[i / 2] = (uint8_t)(high << 4 | low);
	}
	*len = text_len / 2;
	return text_len % 2 == 0;
}

static int base64_digit(char c)
{
	const char *at = c ? strchr(digits, c == '-' ? '+' : c == '_' ? '/' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool octets_read_base64(const char *text, size_t text_len, uint8_t *octets, size_t *len)
{
	uint32_t bits = 0;
	size_t put = 0;

	while (text_len && text[text_len - 1] == '=')
		text_len--;
	for (size_t i = 0; i < text_len; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4)
			octets[put++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	*len = put;
	return text_len % 4 != 1;
}
