// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SipHash-2-4: a hash that says nothing of what was hashed to those who do not have the key, not
 * even when they try all the values there could be.
 */
#ifndef NECROPY_SIPHASH_H
#define NECROPY_SIPHASH_H

#include <stdint.h>

/** Of the `n` bytes at `data`. */
uint64_t siphash(const uint8_t key[16], const void *data, uint64_t n);

#endif
