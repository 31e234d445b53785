# SPDX-License-Identifier: GPL-2.0-or-later
"""Anybody on the host may ask natd, and nobody may keep others from it or end it by asking."""

import contextlib
import subprocess
import sys

import pytest

from lab import STRANGER, Lab
from lab.natd import NATCTL
from test_control import REQUEST, STATUS, VERSION, WATCH

# Connections that stay, each with what it says first.
KEEP = """
import socket, sys, time
path, count, said = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
kept = []
for _ in range(count):
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    try:
        client.connect(path)
        client.send(said) if said else None
    except OSError:
        pass
    kept.append(client)
print("kept", flush=True)
time.sleep(600)
"""

# Four who ask and hang up, for a while.
FLOOD = """
import os, socket, sys
path, count, said = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
children = [os.fork() for _ in range(2)]
for _ in range(count):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
            client.sendall(said)
        except OSError:
            pass
try:
    while True:
        os.wait()
except ChildProcessError:
    if 0 not in children:
        print("asked", flush=True)
"""


def request(command):
    return REQUEST.pack(VERSION, command, 0, 0, 0, 0, 0).hex()


@pytest.fixture
def natd():
    with Lab() as lab:
        daemon = lab.natd()
        daemon.wait_status("OK", state="open")
        pids = daemon.pids()
        yield daemon
        assert daemon.pids() == pids
        daemon.wait_status("OK", state="open")


@contextlib.contextmanager
def stranger(natd, program, count, said):
    """`program` by another user, until it has said that it is done."""
    with subprocess.Popen(["setpriv", "--reuid", STRANGER, "--regid", STRANGER, "--clear-groups",
                           sys.executable, "-c", program, natd.socket, str(count), said],
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline()
            yield
        finally:
            process.kill()


def test_silent_connections_keep_nobody_out(natd):
    with stranger(natd, KEEP, 1000, ""):
        assert natd.ctl("status").returncode == 0
        assert natd.ctl("reload").returncode == 0


def test_watchers_leave_places_for_root(natd):
    with stranger(natd, KEEP, 40, request(WATCH)):
        watch = natd.node.start("watch", NATCTL, "-s", natd.socket, "-j", "watch")
        try:
            assert natd.ctl("status").returncode == 0
            assert watch.running, watch.log
        finally:
            watch.stop()


def test_who_asks_and_hangs_up_ends_nothing(natd):
    """Each question is one to rules; 65536 of them waiting would end natd."""
    with stranger(natd, FLOOD, 40000, request(STATUS)):
        assert natd.ctl("status").returncode == 0


def test_questions_at_once_are_answered_alike(natd):
    with stranger(natd, KEEP, 12, request(STATUS)):
        ports = [one["packets"] for one in natd.status()["forwards"]]
        assert ports == [one["packets"] for one in natd.status()["forwards"]] and len(ports) == 1
