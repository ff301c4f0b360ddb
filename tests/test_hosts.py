# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of Debian's that have an interpreter in them, beside what that has written down."""

import glob
import json
import os
import select
import shutil
import signal
import socket
import time

import pytest

import oracle
from oracle import address, chains, number
from test_types import ALL, differences, objects_of

GUEST = """
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(%r)))
import guest
"""
# A request that names the file for the truth is never answered.
APPLICATION = GUEST + """
def application(environ, start_response):
    if not environ["QUERY_STRING"]:
        start_response("200 OK", [])
        return []
    guest.wait_in(os.path.join(os.path.dirname(guest.__file__), environ["QUERY_STRING"]))
"""


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w") as out:
        out.write(text)
    return path


def write_script(directory, name, text):
    """What the host runs. It may not be allowed to read where the tests lie."""
    for program in ("guest.py", "truth.py"):
        shutil.copy(os.path.join(oracle.PROGRAMS, program), directory)
    return write(directory, name, text % os.path.join(directory, name))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def which(name, package):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if not path:
        pytest.skip("%s is not installed (on Debian: %s)" % (name, package))
    return path


# --- each: what starts it, and the requests, if it is a server, that lead to guest.wait_in()

class Vim(object):
    truths = ("truth.json",)
    # it would end its interpreter before it dumps core
    plugin = "import signal\nsignal.signal(signal.SIGABRT, signal.SIG_DFL)\n" + GUEST

    def command(self, directory):
        script = write_script(directory, "plugin.py", self.plugin + "guest.wait_in('truth.json')\n")
        return [which("vim.nox", "vim-nox"), "-u", "NONE", "-N", "-es", "-c", "py3file " + script]


class Gdb(Vim):
    def command(self, directory):
        script = write_script(directory, "command.py", GUEST + "guest.wait_in('truth.json')\n")
        return [which("gdb", "gdb"), "-nx", "-q", "-batch", "-x", script]


class Server(object):
    """One application twice, in the main interpreter and in one of its own."""

    truths = ("truth.json", "truth-2.json")

    def __init__(self):
        self.port = free_port()

    def ask(self, directory):
        # An interpreter that comes later replaces what the first one keeps of builtins and sys.
        for where in "ab":
            with self.connect() as connection:
                connection.sendall(("GET /%s HTTP/1.0\r\n\r\n" % where).encode())
                assert b" 200 " in connection.recv(4096)
        for i, path in enumerate(self.truths):
            with self.connect() as connection:
                connection.sendall(("GET /%s?%s HTTP/1.0\r\n\r\n" % ("ab"[i], path)).encode())
                wait_for(lambda: os.path.exists(os.path.join(directory, path))
                         or select.select([connection], [], [], 0)[0])
                assert os.path.exists(os.path.join(directory, path)), connection.recv(4096)

    def connect(self):
        deadline = time.monotonic() + oracle.PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port))
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "the server does not listen"
                time.sleep(0.01)


class Uwsgi(Server):
    def command(self, directory):
        uwsgi = which("uwsgi", "uwsgi-plugin-python3")
        script = write_script(directory, "app.py", APPLICATION)
        if not [name for name in os.listdir("/usr/lib/uwsgi/plugins") if "python3" in name]:
            pytest.skip("uWSGI has no plugin for Python (on Debian: uwsgi-plugin-python3)")
        return [uwsgi, "--plugin", "python3", "--master", "--no-orphans", "--threads", "2",
                "--http-socket", "127.0.0.1:%d" % self.port, "--manage-script-name",
                "--mount", "/a=" + script, "--mount", "/b=" + script]


class Apache(Server):
    modules = "/usr/lib/apache2/modules"
    settings = """
ServerRoot {directory}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {directory}/pid
ErrorLog {directory}/log
WSGISocketPrefix {directory}/socket
CoreDumpDirectory {directory}
DefaultRuntimeDir {directory}
User nobody
Group nogroup
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule wsgi_module {modules}/mod_wsgi.so
WSGIDaemonProcess it threads=2
WSGIProcessGroup it
WSGIScriptAlias /a {script} application-group=%{{GLOBAL}}
WSGIScriptAlias /b {script} application-group=another
"""

    def command(self, directory):
        apache = which("apache2", "libapache2-mod-wsgi-py3")
        if not os.path.exists(self.modules + "/mod_wsgi.so"):
            pytest.skip("Apache has no mod_wsgi (on Debian: libapache2-mod-wsgi-py3)")
        os.chmod(directory, 0o777)  # it writes there as nobody
        script = write_script(directory, "app.wsgi", APPLICATION)
        settings = write(directory, "settings", self.settings.format(
            directory=directory, port=self.port, modules=self.modules, script=script))
        return [apache, "-DFOREGROUND", "-f", settings]


HOSTS = {"vim": Vim, "gdb": Gdb, "uwsgi": Uwsgi, "mod_wsgi": Apache}


def wait_for(condition):
    deadline = time.monotonic() + oracle.PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class HostProcess(oracle.Process):
    """The one process of a host's in which the guest is, which need not be the first."""

    def __init__(self, host, directory):
        self.host = host
        super().__init__(host.command(directory), directory)

    def _wait_until_ready(self):
        if hasattr(self.host, "ask"):
            self.host.ask(self.directory)
        else:
            self._listen_for("^ready")
        paths = [os.path.join(self.directory, name) for name in self.host.truths]
        wait_for(lambda: all(map(os.path.exists, paths)))
        with open(paths[0]) as text:
            self.pid = json.load(text)["pid"]
        wait_for(self._all_sleep)

    def _all_sleep(self):
        return all(oracle.state_of("%d/task/%s" % (self.pid, tid)) == "S"
                   for tid in os.listdir("/proc/%d/task" % self.pid))

    def abort(self):
        why_not = oracle.why_no_kernel_core()
        if why_not:
            pytest.skip(why_not)
        # A master would start another process, whose core may take this one's place.
        if self.pid != self.child.pid:
            os.kill(self.child.pid, signal.SIGSTOP)
        os.kill(self.pid, signal.SIGABRT)
        wait_for(lambda: oracle.state_of(self.pid) == "Z")
        found = glob.glob(oracle.kernel_core_path(self.pid, self.directory))
        assert found, "the kernel has written no core of it"
        return found[0]


class HostTarget(oracle.Target):
    def __init__(self, name, way):  # pylint: disable=super-init-not-called
        host = HOSTS[name]()
        self.truths = host.truths
        self._start(None, way, lambda directory: HostProcess(host, directory))

    def all_truths(self):
        return [self.truth.other(name) for name in self.truths]


@pytest.fixture(scope="module")
def hosts():
    """hosts(name, way): each is started once."""
    made = {}

    def get(name, way):
        if (name, way) not in made:
            try:
                made[name, way] = HostTarget(name, way)
            except pytest.skip.Exception as reason:
                made[name, way] = reason
        if isinstance(made[name, way], BaseException):
            raise made[name, way]
        return made[name, way]
    yield get
    for target in made.values():
        if isinstance(target, HostTarget):
            target.close()


@pytest.fixture(params=sorted(HOSTS))
def host(request, hosts, way):
    return hosts(request.param, way)


def test_host_is_read_as_the_interpreter_that_it_holds(host):
    info = {row["key"]: row["value"] for row in host.ask("info").rows}
    version = host.truth["python"]
    assert host.ask("info").document["target"]["python"] == "%d.%d.%d" % tuple(version)
    assert "/libpython%d.%d.so" % tuple(version[:2]) in info["interpreter"]


def test_objects_of_the_host_agree_one_by_one_with_gc_get_objects(host):
    truth = {}
    for one in host.all_truths():
        assert one["appeared"] == []
        truth.update(one.objects)
        for i, _ in one["vanished"]:  # the host's other threads go on while it is written
            del truth[i]
    found = {a: row["type"] for a, row in objects_of(host, "*", "--gc").items()}
    assert differences(found, truth) == {}
    rows = host.ask("types", "--gc", *ALL).rows
    assert sum(row["count"] for row in rows) == len(truth)


def test_chains_in_the_host_lead_from_the_module(host):
    for truth in host.all_truths():
        module, _, _, thing = chain = truth.notes["chain"]
        found = chains(host.ask("why", address(thing)))
        assert [[number(row["addr"]) for row in rows] for rows in found] in ([chain],
                                                                            [chain[:1] + chain[2:]])


def test_stacks_of_the_host_are_those_that_python_sees(host):
    stacks = {}
    for row in host.ask("bt", *ALL).rows:
        stacks.setdefault(row["tid"], []).append(row["function"])
    # each on the thread that runs it, whichever made its state
    assert stacks == {truth.notes["thread"]: truth.notes["functions"]
                      for truth in host.all_truths()}


def test_shared_memory_of_the_host(host):
    rows = host.ask("shm", *ALL).rows
    for truth in host.all_truths():
        held = [row for row in rows if address(truth.notes["shared"]) in (row["holders"] or "")]
        assert [row["size"] for row in held] == [3 << 20]
