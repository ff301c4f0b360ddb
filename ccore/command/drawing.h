// SPDX-License-Identifier: GPL-2.0-or-later
// A picture in the making: nodes and edges as rows of a result's two tables, each once.
#ifndef NECROPY_DRAWING_H
#define NECROPY_DRAWING_H

#include "session/session.h"

struct drawing {
	struct session *s;
	struct table *nodes, *edges;
	struct hashmap drawn;	  // node id + 1 -> row
	struct hashmap connected; // of source row << 32 | target row, + 1
	VEC(uint32_t) order;	  // node ids by row; DRAWING_MORE of what stands for some
	uint64_t c_id, c_addr, c_type, c_refcount, c_repr, c_role;
	uint64_t c_source, c_target, c_label, c_kind;
};

#define DRAWING_MORE UINT32_MAX

void drawing_init(struct drawing *d, struct session *s, struct ccore_result *r);
void drawing_done(struct drawing *d);

/** "root", "module", or "" of other nodes. */
const char *node_role(const struct session *s, uint32_t id);

/** Draw node `id` unless it is drawn, as `role` (NULL: its own); its row in `*ret`. 1: new. */
int drawing_node(struct drawing *d, uint32_t id, const char *role, uint32_t *ret,
		 struct ccore_error *err);

/** Draw a reference from a row to a row: `e` where it is known, else the one that says most. */
int drawing_edge(struct drawing *d, uint32_t source_row, uint32_t target_row, const struct edge *e,
		 struct ccore_error *err);

/** A node that stands for `n` which are not drawn: neighbours of `row`, on the side `back`. */
int drawing_more(struct drawing *d, uint32_t row, bool back, uint64_t n, struct ccore_error *err);

#endif
