// SPDX-License-Identifier: GPL-2.0-or-later
// Runs a fuzz target once on each file given: what was found once stays found.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long size = -1;

	if (f && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	if (size >= 0)
		data = malloc((size_t)size + 1);
	if (!data || fseek(f, 0, SEEK_SET) != 0 ||
	    fread(data, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		return 1;
	}
	(void)fclose(f);				  // it was read only
	(void)LLVMFuzzerTestOneInput(data, (size_t)size); // always 0
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed += run_file(argv[i]);
	(void)printf("%d inputs\n", argc - 1);
	return failed != 0;
}
