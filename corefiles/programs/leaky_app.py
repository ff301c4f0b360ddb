# SPDX-License-Identifier: GPL-2.0-or-later
"""An application whose test suite leaks: the example to take apart.

    python3 leaky_app.py --abort    dump core when the tests are done
    python3 leaky_app.py --wait     print "ready PID" and sleep

Thirty tests run. Each opens a database, asks it something, and is done with
it. Yet memory grows, for two reasons that have nothing to do with each other:

* Six tests fail. The error log (errorlog.py) keeps their exceptions, and with
  each exception, through its traceback, the frame of the test and the database
  in the local variable `db`. The other twenty-four databases are freed.
* Every database attaches the same shared memory segment and never detaches it.
  Thirty attaches of 64 KiB are there at the end, and no Python object says so.

Runs on CPython 2.7 and 3.6 or later; standard library only.
"""

from __future__ import print_function

import ctypes
import os
import resource
import sys
import time

import errorlog

TESTS = 30
FAILS_EVERY = 5  # tests 5, 10, ... 30 fail: six of them
TABLES = ("customers", "orders", "invoices")
ROWS_PER_TABLE = 400


class SharedCache(object):
    """One 64 KiB SysV segment, shared by all databases of this process."""

    SIZE = 64 * 1024
    IPC_CREAT, IPC_EXCL, IPC_RMID = 0o1000, 0o2000, 0

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.shmat.restype = ctypes.c_void_p
        # the pid makes the key, so that two of these programs can run at once
        self.key = 0x0DB00000 + os.getpid() % 0x100000
        flags = self.IPC_CREAT | self.IPC_EXCL | 0o600
        self.shmid = self._checked(self.libc.shmget(self.key, self.SIZE, flags))

    def attach(self):
        """Map the segment. Who calls this should also call shmdt(); nobody does."""
        address = self.libc.shmat(self.shmid, None, 0)
        return self._checked(ctypes.c_ssize_t(address).value)

    def mark_removed(self):
        """Let the segment vanish with the last process that has it mapped."""
        self._checked(self.libc.shmctl(self.shmid, self.IPC_RMID, None))

    @staticmethod
    def _checked(result):
        if result == -1:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return result


class Row(object):
    def __init__(self, number, name):
        self.number = number
        self.name = name


class Table(object):
    def __init__(self, name):
        self.name = name
        self.rows = [Row(i, "%s-%d" % (name, i)) for i in range(ROWS_PER_TABLE)]


class DB(object):
    """A database: a few tables in memory, and a window on the shared cache."""

    def __init__(self, path, cache):
        self.path = path
        self.tables = dict((name, Table(name)) for name in TABLES)
        self.cache_address = cache.attach()

    def find(self, table, number):
        for row in self.tables[table].rows:
            if row.number == number:
                return row
        raise LookupError("%s: no row %d in %s" % (self.path, number, table))


def one_test(number, cache):
    db = DB("test-%02d.db" % number, cache)
    wanted = ROWS_PER_TABLE if number % FAILS_EVERY == 0 else number
    return db.find("orders", wanted)


def run_tests(cache):
    failed = 0
    for number in range(1, TESTS + 1):
        try:
            one_test(number, cache)
        except LookupError:
            errorlog.record(site="shop" if number <= TESTS // 2 else "office")
            failed += 1
    return failed


def run_test_suite():
    cache = SharedCache()
    try:
        failed = run_tests(cache)
    finally:
        cache.mark_removed()
    print("ran %d tests, %d failed" % (TESTS, failed))


def dump_core():
    """Abort, after asking the kernel for a core that holds shared memory as well."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    with open("/proc/self/coredump_filter", "w") as core_filter:
        core_filter.write("0x7b")
    sys.stdout.flush()
    os.abort()


def wait():
    print("ready %d" % os.getpid())
    sys.stdout.flush()
    while True:
        time.sleep(3600)


def main(arguments):
    endings = {"--abort": dump_core, "--wait": wait}
    if len(arguments) != 1 or arguments[0] not in endings:
        sys.exit("usage: leaky_app.py --abort | --wait")
    run_test_suite()
    endings[arguments[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
