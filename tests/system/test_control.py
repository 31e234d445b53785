# SPDX-License-Identifier: GPL-2.0-or-later
"""natctl and the control socket: every command, who may what, and bytes that are no request."""

import os
import random
import re
import signal
import socket
import struct

import pytest

from lab import GATEWAY, HOST, STRANGER, WAN, Lab, Redirect, wait_until
from lab.natd import NATCTL, ROOT

REQUEST = struct.Struct("=IIIHHII32x")  # struct control_request of natd/control.h
VERSION = 2
STATUS, LIST, WAN_IP, OPEN, CLOSE, RELOAD, WATCH, DOCTOR, TEST, WHY, COMMANDS = range(11)


@pytest.fixture(scope="module")
def lab():
    with Lab(router="everything") as laboratory:
        laboratory.natd().wait_status("OK", state="open")
        yield laboratory


@pytest.fixture
def natd(lab):
    """natd as every test here leaves it: alive, and with no more than its own port open."""
    natd = lab.natd_on()
    pids = natd.pids()
    yield natd
    assert natd.pids() == pids
    natd.wait_status("OK", state="open")
    assert lab.router.redirects() == {Redirect("udp", 51820, HOST, 51820)}


def connect(natd):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(5)
    client.connect(str(natd.socket))
    return client


# ---- commands ----

def test_status_on_one_screen(natd):
    done = natd.ctl("status")
    assert done.returncode == 0
    for value in (WAN, HOST, "51820", "wg0"):
        assert value in done.stdout, done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 100, done.stdout


def test_status_keys(natd):
    """The keys that design.md promises."""
    status = natd.status()
    assert {"version", "verdict", "router", "host", "forwards", "tunnels", "rules"} <= set(status)
    assert {"code", "works", "text", "advice"} <= set(status["verdict"])
    assert {"address", "interface", "model", "url", "wan_address", "wan_kind",
            "protocols"} <= set(status["router"])
    assert set(status["router"]["protocols"]) == {"pcp", "nat-pmp", "upnp"}
    assert {"address", "interface", "mac", "dynamic"} <= set(status["host"])
    assert {"name", "protocol", "port", "external_port", "external_address", "via", "state",
            "reason", "expires_in", "renew_in", "listening", "packets",
            "last_packet_ago"} <= set(status["forwards"][0])
    assert {"interface", "networks", "egress", "packets"} <= set(status["tunnels"][0])
    assert {"kind", "address", "interface"} <= set(status["tunnels"][0]["egress"])
    assert {"in_sync", "owned", "repairs", "last_repair"} <= set(status["rules"])
    assert 0 < status["forwards"][0]["renew_in"] <= status["forwards"][0]["expires_in"] <= 7200


def test_status_waits_for_nobody(natd):
    """From memory: it is answered while upnp and rules do nothing. (`make bench` tells how fast.)"""
    pids = natd.pids()
    for name in ("upnp", "rules"):
        os.kill(pids[name], signal.SIGSTOP)
    try:
        assert natd.ctl("status").returncode == 0
        assert natd.status()["verdict"]["code"] == "OK"
    finally:
        for name in ("upnp", "rules"):
            os.kill(pids[name], signal.SIGCONT)


def test_open_list_close(lab, natd):
    opened = natd.json("open", "8443/tcp", "18443")
    assert opened["forward"]["port"] == 8443
    wait_until(lambda: lab.router.redirect("tcp", 18443), 10, "the new mapping")
    assert lab.router.redirect("tcp", 18443) == Redirect("tcp", 18443, HOST, 8443)
    natd.wait_status(None, protocol="tcp", port=8443, external_port=18443, state="open")
    listed = natd.json("list")["mappings"]
    assert {(one["protocol"], one["external_port"], one["client"]) for one in listed} == {
        ("udp", 51820, HOST), ("tcp", 18443, HOST)}
    assert {one["owner"] for one in listed} == {"us"}
    assert natd.ctl("close", "8443/tcp").returncode == 0
    wait_until(lambda: not lab.router.redirect("tcp", 18443), 10, "the mapping to go")


def test_open_for_a_time(lab, natd):
    before = lab.host.ruleset()
    assert natd.ctl("open", "9000/udp", "--for", "2s").returncode in (0, 4)
    wait_until(lambda: lab.router.redirect("udp", 9000), 10, "the mapping")
    wait_until(lambda: lab.host.ruleset() != before, 10, "its packets to be counted")
    wait_until(lambda: not lab.router.redirect("udp", 9000), 10, "its end")
    wait_until(lambda: lab.host.ruleset() == before, 10, "the rules to be as before")


def test_open_while_the_router_says_nothing(natd):
    """natctl(8): status 4, and the router is asked on."""
    upnp = natd.pids()["upnp"]
    os.kill(upnp, signal.SIGSTOP)
    try:
        done = natd.ctl("open", "7777/tcp")
        assert done.returncode == 4 and "asking the router" in done.stdout, done
        os.kill(upnp, signal.SIGCONT)
        wait_until(lambda: {f["port"]: f["state"] for f in natd.status()["forwards"]}[7777] == "open",
                   20, "the port to be open after all")
    finally:
        os.kill(upnp, signal.SIGCONT)
        natd.ctl("close", "7777/tcp")


def test_close_what_is_not_open(natd):
    done = natd.ctl("close", "4444/tcp")
    assert done.returncode != 0
    assert "4444" in done.stderr


def test_wan_ip(natd):
    done = natd.ctl("wan-ip")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{WAN}\n", "")


def test_probe(natd):
    assert "upnp" in natd.ctl("-j", "probe").stdout
    text = natd.ctl("probe")
    assert text.returncode == 0
    assert WAN in text.stdout


def test_manual(natd, lab):
    text = natd.ctl("manual").stdout
    for value in (HOST, lab.host.mac("eth0"), "51820", "UDP", GATEWAY):
        assert value in text, text


@pytest.mark.parametrize("arguments", [
    [], ["frobnicate"], ["status", "more"], ["open"], ["open", "51820"], ["open", "0/udp"],
    ["open", "65536/tcp"], ["open", "1/icmp"], ["open", "-1/udp"], ["open", "1/udp", "x"],
    ["open", "1/udp", "--for", "soon"], ["open", "1/udp", "--for", "0s"], ["open", "1/udp/tcp"],
    ["open", "\x1b[2J/udp"], ["close"], ["close", "x"], ["-z"], ["status", "-6"]])
def test_wrong_usage(natd, arguments):
    done = natd.ctl(*arguments)
    assert done.returncode == 64
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    if arguments:
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "allowed" in done.stderr


@pytest.mark.parametrize("arguments", [
    ["status"], ["-j", "status"], ["metrics"], ["wan-ip"], ["list"], ["doctor"], ["manual"],
    ["probe"], ["-j", "frobnicate"], ["-h"], ["-V"]])
def test_a_full_disk(lab, natd, arguments):
    """What was not written is an error, with a reason."""
    done = lab.host.run("sh", "-c", 'exec "$@" >/dev/full', "sh", NATCTL, "-s", natd.socket,
                        *arguments, check=False)
    assert done.returncode == 2, done
    assert done.stderr.splitlines()[-1].startswith("natctl: the output could not be written"), done


def test_recipe_for_a_full_disk(lab, natd):
    """natctl(8)'s recipe publishes what natctl says, also that natd is away, but never a part of it."""
    recipe = re.search(r"^\.Dl # (natctl metrics .*)$", (ROOT / "man/natctl.8").read_text(), re.M)[1]

    assert "mv natd.new natd.prom" in recipe

    def is_published(out, path):
        script = recipe.replace("natctl", f"'{NATCTL}' -s '{path}'")
        script = script.replace("mv natd.new natd.prom", "echo published")
        done = lab.host.run("sh", "-c", script.replace("natd.new", str(out)), check=False)
        return done.stdout == "published\n"

    new = lab.folder / "new"
    assert is_published(new, natd.socket) and "natd_up 1" in new.read_text()
    assert is_published(new, "/nowhere/natd.sock") and "natd_up 0" in new.read_text()
    assert not is_published("/dev/full", natd.socket)


CONFIG = "/etc/natd/natd.conf"


@pytest.mark.skipif(os.path.exists(CONFIG), reason="this host has a configuration")
def test_reload_of_no_file(natd):
    done = natd.ctl("reload")
    assert done.returncode == 0
    assert done.stdout == f"{CONFIG} does not exist: natd uses its defaults\n"
    assert natd.json("reload") == {"reloaded": CONFIG, "exists": False}
    natd.process.signal(signal.SIGHUP)
    wait_until(lambda: f"{CONFIG} does not exist: the defaults hold, Hangup" in natd.log, 5,
               "the same in the log of a signal's reload")


def test_what_natctl_opens_is_ipv4(natd):
    try:
        assert natd.ctl("open", "7777/tcp").returncode == 0
        forward = next(f for f in natd.status()["forwards"] if f["port"] == 7777)
        assert forward["ipv6"]["reason"] == "natctl open opens a port for IPv4 only"
    finally:
        natd.ctl("close", "7777/tcp")


# ---- who may what ----

def test_a_stranger_may_ask(natd):
    for command in ("status", "wan-ip", "list"):
        assert natd.ctl(command, user=STRANGER).returncode == natd.ctl(command).returncode == 0


@pytest.mark.parametrize("command", [["open", "5555/tcp"], ["close", "51820/udp"], ["reload"]])
def test_a_stranger_may_not_change(lab, natd, command):
    before = lab.router.redirects()
    done = natd.ctl(*command, user=STRANGER)
    assert done.returncode not in (0, 3)
    assert len(done.stderr.splitlines()) == 1
    assert lab.router.redirects() == before
    assert len(natd.status()["forwards"]) == 1


# ---- bytes that are no request ----

def bad_requests():
    chance = random.Random(4711)
    for size in (1, 3, 4, 8, REQUEST.size - 1, REQUEST.size, REQUEST.size + 1, 4096, 1 << 20):
        yield chance.randbytes(size)
        yield bytes(size)
    yield REQUEST.pack(VERSION + 1, STATUS, 0, 0, 0, 0, 0)
    yield REQUEST.pack(VERSION, COMMANDS, 0, 0, 0, 0, 0)
    yield REQUEST.pack(VERSION, 0xffffffff, 0, 0, 0, 0, 0)
    for command in (OPEN, CLOSE):
        yield REQUEST.pack(VERSION, command, 99, 80, 80, 0, 0)
        yield REQUEST.pack(VERSION, command, socket.IPPROTO_UDP, 0, 0, 0, 0)
    yield REQUEST.pack(VERSION, WAN_IP, 0, 0, 0, 0, 77)
    yield REQUEST.pack(VERSION, TEST, 0, 0, 0, 0xffffffff, 0)
    for family in (0, 77, socket.AF_INET, socket.AF_INET6):  # the addresses are none
        yield REQUEST.pack(VERSION, WHY, 0, 0, 0, 1, family)
    yield REQUEST.pack(VERSION, OPEN, 0xffffffff, 1, 1, 0xffffffff, 0)


def test_garbage(natd):
    for request in bad_requests():
        with connect(natd) as client:
            try:
                client.sendall(request)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            except OSError:
                pass  # natd may close at once
        assert natd.ctl("status").returncode == 0


def test_a_request_in_pieces(natd):
    with connect(natd) as client:
        for byte in REQUEST.pack(VERSION, STATUS, 0, 0, 0, 0, 0):
            client.sendall(bytes([byte]))
        answer = b""
        while part := client.recv(65536):
            answer += part
    assert b'"verdict"' in answer


def test_those_who_never_finish(natd):
    """Clients that say half a request, or do not read, take nothing from the others."""
    idle = []
    try:
        for number in range(200):
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            idle.append(client)
            client.settimeout(0.2)
            try:
                client.connect(str(natd.socket))
                client.sendall(REQUEST.pack(VERSION, STATUS, 0, 0, 0, 0, 0)[:number % 25])
            except OSError:
                pass  # refused: as well
        # Idle ones may hold all places for a while, but not for ever.
        wait_until(lambda: natd.ctl("status").returncode == 0, 30, "an answer for the patient")
    finally:
        for client in idle:
            client.close()


# ---- without natd ----

def test_without_natd():
    with Lab() as lab:
        natd = lab.natd_on()
        for command in (["status"], ["list"], ["open", "1/udp"], ["close", "1/udp"], ["reload"]):
            assert natd.ctl(*command).returncode == 3, command
        done = natd.ctl("wan-ip")
        assert done.returncode != 0 and done.stdout == ""
        probe = natd.ctl("probe")
        assert probe.returncode == 0 and WAN in probe.stdout, probe
        assert HOST in natd.ctl("manual").stdout
        assert lab.router.redirects() == set()  # a probe changes nothing


def test_socket_of_the_dead():
    """A socket that a killed natd left behind: natctl says so, the next natd starts."""
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK")
        natd.kill()
        assert os.path.exists(natd.socket)
        assert natd.ctl("status").returncode == 3
        natd.start().wait_status("OK")


def test_only_one_natd_at_a_time():
    """A second natd with the same socket does not take it from the first."""
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK")
        done = lab.host.run(*natd.command(), check=False, timeout=10)
        assert done.returncode > 0
        assert str(natd.socket) in done.stderr
        natd.wait_status("OK", state="open")
