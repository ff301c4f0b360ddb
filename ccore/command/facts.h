// SPDX-License-Identifier: GPL-2.0-or-later
// What a person wants to know of an object besides its references: where it is defined, its
// state, its content. By family.
#ifndef NECROPY_FACTS_H
#define NECROPY_FACTS_H

#include "session/session.h"

/** Takes one fact: "defined at", "app.py:12". Text lives until it returns. */
typedef void (*fact_fn)(void *ctx, const char *key, const char *value);

/** All facts of node `id`, an object. */
void facts_each(struct session *s, uint32_t id, fact_fn fn, void *ctx);

#endif
