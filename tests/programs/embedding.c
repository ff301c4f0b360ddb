// SPDX-License-Identifier: GPL-2.0-or-later
// A program of another kind that has an interpreter in it, as uWSGI, vim and gdb do.
#include <Python.h>

#include <stdio.h>
#include <unistd.h>

int main(void)
{
	Py_Initialize();
	if (PyRun_SimpleString("class Kept(object):\n"
			       "    pass\n"
			       "kept = [Kept() for _ in range(7)]\n") != 0)
		return 1;
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
