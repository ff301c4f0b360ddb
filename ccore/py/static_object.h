// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * static_object: whether bytes in a module's data are an object that no allocator has made. A
 * refcount beside the address of a type is not enough there, where tables of types lie; the
 * rest must prove it:
 *
 *	type		made ready, with a name
 *	str, bytes	ends within the data, with a NUL
 *	int, bool	few digits, none too large, none superfluous
 *	tuple		all its items are objects
 *	moduledef	has a name, and refers to objects only
 *	None and others	nothing but a header: by symbol, or by the refcount of immortals
 *	all other	refers to something, and to objects only
 */
#ifndef NECROPY_STATIC_OBJECT_H
#define NECROPY_STATIC_OBJECT_H

#include "py/families.h"

/** Where an object lies. */
struct static_place {
	addr_t end;		     // of the data
	addr_t lost_start, lost_end; // what may be the module's, too, and of which nothing is known
};

/** Whether `o`, whose type and refcount are possible, is one. */
bool static_object_is_proved(struct py_reader *r, const struct py_object *o,
			     const struct static_place *place);

#endif
