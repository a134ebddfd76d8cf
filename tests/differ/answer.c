/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

void answer_came(struct answer *answer, const uint8_t *octets, uint32_t len, uint64_t came_ns)
{
	if (answer->came) {
		answer->twice = true;
		return;
	}
	answer->came = true;
	answer->came_ns = came_ns;
	answer->len = (uint16_t)len;
	answer->octets = malloc(len);
	memcpy(answer->octets, octets, len);
}

void answers_free(struct answer *answers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		free(answers[i].octets);
		free(answers[i].after);
	}
	free(answers);
}
