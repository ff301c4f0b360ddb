// SPDX-License-Identifier: GPL-2.0-or-later
// Which library this is: for those who must know that header and library belong together.
#include "api/abi_hash.h"
#include "ccore.h"

const char *ccore_version(void)
{
	return NECROPY_VERSION;
}

uint64_t ccore_abi_hash(void)
{
	return CCORE_ABI_HASH;
}

uint64_t ccore_sizeof(uint64_t i)
{
	static const uint64_t sizes[] = {
		sizeof(struct ccore_error),
		sizeof(struct ccore_open_opts),
		sizeof(struct ccore_column),
	};

	return i < sizeof(sizes) / sizeof(sizes[0]) ? sizes[i] : 0;
}
