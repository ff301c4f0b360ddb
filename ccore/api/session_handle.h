// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef NECROPY_SESSION_HANDLE_H
#define NECROPY_SESSION_HANDLE_H

#include "session/session.h"

/** The public name of the same thing. */
struct ccore_session {
	struct session s;
};

#endif
