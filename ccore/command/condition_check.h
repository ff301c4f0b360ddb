// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef NECROPY_CONDITION_CHECK_H
#define NECROPY_CONDITION_CHECK_H

#include "command/condition.h"
#include "session/session.h"

/** What conditions ask of an object besides what it holds. */
struct condition_facts {
	uint64_t size, refcount;
};

/** Whether `c` holds of node `id`; `c->met` is set where it has what the path leads to. */
bool condition_holds(struct session *s, struct condition *c, uint32_t id,
		     const struct condition_facts *facts);

#endif
