# SPDX-License-Identifier: GPL-2.0-or-later
"""Three processes that may do little: shown from outside, and tried from inside with gdb."""

import os
import pathlib
import platform
import pwd
import re
import signal
import socket
import subprocess
import time

import pytest

from lab import USER, WAN, Lab, context_switches, wait_until

CAP_NET_ADMIN = 1 << 12
PROCESSES = ("natd", "upnp", "rules")
PR_GET_NAME = 16
AT_FDCWD = -100

# Numbers of system calls.
NR = {
    "x86_64": {"getpid": 39, "socket": 41, "listen": 50, "execve": 59, "ptrace": 101, "setuid": 105,
               "mount": 165, "openat": 257, "unshare": 272, "bpf": 321, "getpeername": 52,
               "prctl": 157},
    "aarch64": {"getpid": 172, "socket": 198, "listen": 201, "execve": 221, "ptrace": 117, "setuid": 146,
                "mount": 40, "openat": 56, "unshare": 97, "bpf": 280, "getpeername": 205,
                "prctl": 167},
}.get(platform.machine(), {})
live = pytest.mark.skipif(not NR, reason="no numbers of system calls for this architecture")


@pytest.fixture
def lab():
    with Lab() as laboratory:
        laboratory.natd().wait_status("OK", state="open")
        yield laboratory


def test_status_of_the_three(lab):
    status = lab.natd_on().proc_status()
    assert set(status) == set(PROCESSES)
    uid = str(pwd.getpwnam(USER).pw_uid)
    for name, values in status.items():
        assert values["Uid"].split() == [uid] * 4, name
        assert "0" not in values["Gid"].split(), name
        assert values["Groups"].split() == [], name
        wanted = CAP_NET_ADMIN if name == "rules" else 0
        assert int(values["CapEff"], 16) == int(values["CapPrm"], 16) == wanted, name
        assert int(values["CapInh"], 16) == int(values["CapAmb"], 16) == 0, name
        assert int(values["CapBnd"], 16) == 0, name
        assert values["NoNewPrivs"] == "1", name
        assert values["Seccomp"] == "2", name


def test_rules_has_no_internet_socket(lab):
    pids = lab.natd_on().pids()
    lines = lab.host.run("ss", "-aHntuwp").stdout.splitlines()
    holders = {name for name, pid in pids.items() if any(f"pid={pid}," in line for line in lines)}
    assert holders <= {"upnp"}


class Gdb:
    """System calls made by a live process: gdb stops it, makes it call syscall(2), lets it go."""

    def __init__(self, pid):
        self.pid = pid

    def call(self, *arguments):
        """What syscall(2) returned; None where the process did not survive it."""
        call = ", ".join(f'"{one}"' if isinstance(one, str) else str(one) for one in arguments)
        done = subprocess.run(
            ["gdb", "-nx", "-batch", "-p", str(self.pid),
             "-ex", "handle SIGSYS nostop noprint pass",
             "-ex", "set confirm off",
             "-ex", f"print ((long (*)(long, ...))syscall)({call})"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=60, check=False)
        result = re.search(r"^\$1 = (-?\d+)$", done.stdout, re.MULTILINE)
        assert result or "exited" in done.stdout, done.stdout
        return int(result[1]) if result else None


@live
@pytest.mark.parametrize("name", PROCESSES)
def test_gdb_works(lab, name):
    """The proof of the proofs below: a call that is allowed succeeds by the same way."""
    pid = lab.natd_on().pids()[name]
    assert Gdb(pid).call(NR["getpid"]) == pid
    lab.natd_on().wait_status("OK")


# Acts that fail and leave the process alive. natd may open files, so Landlock refuses what is not
# its own: then the log says nothing.
GENTLE = {
    "read a file of the world": ("openat", AT_FDCWD, "/etc/passwd", 0),
    "write a file": ("openat", AT_FDCWD, "/tmp/natd-was-here", 0o1101, 0o644),
}
SOCKETS = {
    "natd": {"internet": (socket.AF_INET, socket.SOCK_DGRAM), "packet": (17, 3)},
    "upnp": {"packet": (17, 3), "unix": (socket.AF_UNIX, socket.SOCK_STREAM)},
    "rules": {"internet": (socket.AF_INET, socket.SOCK_DGRAM),
              "internet6": (socket.AF_INET6, socket.SOCK_STREAM), "packet": (17, 3)},
}


@live
@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("act", GENTLE)
def test_files(lab, name, act):
    natd = lab.natd_on()
    pids = natd.pids()
    nr, *arguments = GENTLE[act]
    assert Gdb(pids[name]).call(NR[nr], *arguments) == -1
    if name == "upnp":
        natd.process.wait_log(rf"{name}: the sandbox refused the system call {nr}\b")
    assert natd.pids() == pids
    natd.wait_status("OK")


@live
@pytest.mark.parametrize("name, kind", [(name, kind) for name in PROCESSES
                                        for kind in SOCKETS[name]])
def test_sockets(lab, name, kind):
    natd = lab.natd_on()
    pids = natd.pids()
    assert Gdb(pids[name]).call(NR["socket"], *map(int, SOCKETS[name][kind]), 0) == -1
    natd.process.wait_log(rf"{name}: the sandbox refused the system call socket\b")
    assert natd.pids() == pids
    natd.wait_status("OK")


@live
def test_what_a_later_libsystemd_asks(lab):
    """Debian 13's (257): the other end of the bus, and the name of this process. Debian 12's does not."""
    natd = lab.natd_on()
    pids = natd.pids()
    for nr, *arguments in (("getpeername", -1, 0, 0), ("prctl", PR_GET_NAME, 0)):
        assert Gdb(pids["natd"]).call(NR[nr], *arguments) == -1, "EBADF, EFAULT"
    assert natd.pids() == pids
    natd.wait_status("OK")
    assert "the sandbox refused" not in natd.log


DEADLY = {
    "start a program": ("execve", "/bin/true", 0, 0),
    "become root": ("setuid", 0),
    "trace": ("ptrace", 0, 0, 0, 0),
    "mount": ("mount", "none", "/tmp", "tmpfs", 0, 0),
    "load a program into the kernel": ("bpf", 0, 0, 0),
    "make namespaces": ("unshare", 0x10000000),
}
# upnp is called by the router.
LISTEN = {"be called": ("listen", 0, 1)}


@live
@pytest.mark.parametrize("name, act", [*((name, act) for name in PROCESSES for act in DEADLY),
                                       *(("rules", act) for act in LISTEN)])
def test_deadly_acts(lab, name, act):
    """The process ends, the log names the call, natd ends, the kernel's rules stay."""
    natd = lab.natd_on()
    rules = lab.host.ruleset()
    nr, *arguments = {**DEADLY, **LISTEN}[act]
    assert Gdb(natd.pids()[name]).call(NR[nr], *arguments) is None
    assert natd.process.wait() > 0
    assert re.search(rf"^{name}: the sandbox refused the system call {nr}\b", natd.log,
                     re.MULTILINE), natd.log
    assert lab.host.ruleset() == rules


@pytest.mark.parametrize("name", ["upnp", "rules"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_dies(lab, name, number):
    """natd says which one and ends, so that systemd starts all three again. The tunnel goes on."""
    natd = lab.natd_on()
    lab.tunnel_up()
    rules = lab.host.ruleset()
    subprocess.run(["kill", f"-{int(number)}", str(natd.pids()[name])], check=True)
    assert natd.process.wait() > 0
    assert re.search(rf"^natd: .*\b{name}\b", natd.log, re.MULTILINE), natd.log
    assert lab.host.ruleset() == rules
    assert lab.router.redirect("udp", 51820)
    assert lab.fetch_through_tunnel() == WAN
    natd.start().wait_status("OK", state="open")


def test_natd_is_killed(lab):
    """Its children do not stay behind."""
    natd = lab.natd_on()
    children = [pid for name, pid in natd.pids().items() if name != "natd"]
    natd.process.kill()

    def gone():
        return not any(subprocess.run(["kill", "-0", str(pid)], check=False,
                                      stderr=subprocess.DEVNULL).returncode == 0
                       for pid in children)

    wait_until(gone, 10, "upnp and rules to end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_that_stop(lab, number):
    natd = lab.natd_on()
    natd.process.signal(number)
    assert natd.process.wait() == 0
    assert lab.router.redirects() == set()
    assert "inet natd" not in lab.host.tables()


def test_hangup_reloads(lab):
    natd = lab.natd_on()
    natd.process.signal(signal.SIGHUP)
    natd.wait_status("OK", state="open")
    assert natd.process.running


def test_nobody_of_its_own_uid_may_trace_it(lab):
    """Not dumpable: another process of the same user cannot read their memory."""
    for pid in lab.natd_on().pids().values():
        done = lab.host.run("setpriv", f"--reuid={USER}", "--clear-groups", "cat",
                            f"/proc/{pid}/environ", check=False)
        assert done.returncode != 0


def test_sleeps_when_nothing_happens():
    """None of the three wakes up: no polling, no housekeeping."""
    with Lab(router="pcp") as lab:  # without UPnP the router says nothing by itself
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        pids = natd.pids()

        def slept():
            before = {name: context_switches(pid) for name, pid in pids.items()}
            time.sleep(10)
            return {name: context_switches(pid) for name, pid in pids.items()} == before

        # What the start has set off, IPv6 and the retries of a search, ends within the first rounds.
        wait_until(slept, 60, "ten seconds of sleep")
        assert slept() and slept()


def test_sleeps_for_longer_than_libevent_does():
    """Its epoll_wait(2) ends every 35 minutes for nothing, unless its timers are the kernel's."""
    with Lab(router="pcp", start_vpn=False) as lab:
        pid = lab.natd().pids()["natd"]
        files = [os.readlink(file) for file in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        assert "anon_inode:[timerfd]" in files
