// SPDX-License-Identifier: GPL-2.0-or-later
// Functions with no bound become compile errors. Force-included by the Makefile.
#ifndef NECROPY_BANNED_H
#define NECROPY_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Some are macros of the C library.
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef alloca

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets
#pragma GCC poison alloca atoi atol atoll

#endif
