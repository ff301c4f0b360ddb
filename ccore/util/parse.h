// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers in text that a user wrote.
#ifndef NECROPY_PARSE_H
#define NECROPY_PARSE_H

#include "util/error.h"

#include <stdbool.h>

/** `text` as an address (0x…, or decimal) in `*ret`; false when it is none. */
bool parse_addr(const char *text, addr_t *ret);

#endif
