// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/chain_options.h"

int chain_request_from(const struct args *a, struct chain_request *ret, struct ccore_error *err)
{
	*ret = (struct chain_request){
		.argument = a->argument,
		.to = args_str(a, "--to"),
		.exclude = args_str(a, "--exclude"),
	};
	TRY(args_u64(a, "-k", &ret->wanted, err));
	if (!ret->wanted)
		return err_set(err, CCORE_EUSAGE, 0, "-k 0: must be a number from 1");
	return args_u64(a, "--max-depth", &ret->max_depth, err);
}
