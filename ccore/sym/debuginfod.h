// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * debuginfod: program files by their build-id, from the servers of $DEBUGINFOD_URLS. Through
 * elfutils' library, which is looked for at run time as libdw does it, and which keeps what it has
 * fetched. Debug information itself is fetched by libdw.
 */
#ifndef NECROPY_DEBUGINFOD_H
#define NECROPY_DEBUGINFOD_H

#include "util/limits.h"

#include <stdint.h>

/**
 * The path of the program file with that build-id, to be freed. NULL when no server has it, none is
 * named, or the library is not here.
 */
char *debuginfod_program(const uint8_t *build_id, uint32_t build_id_n);

#endif
