# SPDX-License-Identifier: GPL-2.0-or-later
"""natctl doctor: everything looked at afresh, each step of the way, and the one verdict."""

import base64
import json
import socket

import pytest

from lab import GATEWAY, HOST, STRANGER, WAN, Lab, wait_until


@pytest.fixture(scope="module")
def lab():
    with Lab() as laboratory:
        laboratory.natd().wait_status("OK", state="open")
        yield laboratory


def steps(result, name):
    return [step for step in result["steps"] if step["name"] == name]


def step(result, name):
    found, = steps(result, name)
    return found["result"], found["text"]


def wait_doctor(natd, code, timeout=40, **results):
    """Examines until the verdict is `code` and the steps named have those results: natd may just be
    asking again. Returns what was found."""
    last = {}

    def reached():
        last.clear()
        last.update(natd.json("doctor"))
        return last["verdict"]["code"] == code and all(
            [one["result"] for one in steps(last, name)] == [result]
            for name, result in results.items())

    wait_until(reached, timeout, f"the verdict {code} of natctl doctor")
    return last


def test_all_well(lab):
    """Nothing is found to be wrong, and nothing is disturbed: nobody sees the port closed."""
    natd = lab.natd_on()
    closed = natd.log.count("is open on the router")
    result = natd.json("doctor")
    assert result["verdict"]["code"] == "OK", result
    assert {one["result"] for one in result["steps"]} <= {"ok", "info"}, result
    assert GATEWAY in step(result, "route")[1]
    assert "PCP" in step(result, "router")[1]  # a slow UPnP is not waited for
    assert WAN in step(result, "wan")[1]
    assert step(result, "mapping") == (
        "ok", "the router confirms: udp 51820 is open as external port 51820")
    assert step(result, "arrival")[0] == "info"
    assert step(result, "firewalls")[0] == "ok"
    assert step(result, "forwarding")[1].endswith("by eth0")
    assert step(result, "size")[1] == "packets of wg0 fit the line: 1420 + 60 bytes of 1500"
    assert natd.status()["forwards"][0]["state"] == "open"
    assert natd.log.count("is open on the router") == closed


def test_on_a_screen_for_anybody(lab):
    done = lab.natd_on().ctl("doctor", user=STRANGER)
    assert done.returncode == 0
    assert "Home VPN reachable: YES" in done.stdout.splitlines()[-1]
    assert done.stdout.startswith(" ok    this host (")
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_from_home_is_not_from_outside(lab):
    """A test at home does not prove that the router forwards."""
    natd = lab.natd_on()
    with lab.other.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (HOST, 51820))
    wait_until(lambda: natd.status()["forwards"][0]["packets"], 10, "the packet from home")
    forward = natd.status()["forwards"][0]
    assert forward["packets_lan"] == forward["packets"]
    assert forward["last_packet_ago"] is None and forward["last_lan_packet_ago"] >= 0
    assert step(natd.json("doctor"), "arrival")[0] == "info"
    with lab.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (WAN, 51820))
    wait_until(lambda: natd.status()["forwards"][0]["last_packet_ago"] is not None, 10,
               "the packet from outside")
    assert step(natd.json("doctor"), "arrival")[0] == "ok"


def test_packets_too_big(lab):
    """A narrow line (PPPoE, MAP-E): WireGuard's packets do not fit with what is around them."""
    natd = lab.natd_on()
    lab.host.ip("link set eth0 mtu 1454")
    try:
        result = wait_doctor(natd, "E50")
        assert step(result, "size")[0] == "warn"
        assert "MTU = 1394" in result["verdict"]["advice"]
        assert natd.ctl("doctor").returncode == 1
        # More upstream and worse: forwarding, which only the kernel's own answer tells.
        lab.host.sysctl("ipv4/conf/wg0/forwarding", 0)
        result = wait_doctor(natd, "E42")
        assert step(result, "forwarding")[0] == "fail"
        assert "wg0" in result["verdict"]["text"]
        assert natd.ctl("doctor").returncode == 2
    finally:
        lab.host.sysctl("ipv4/conf/wg0/forwarding", 1)
        lab.host.ip("link set eth0 mtu 1500")
    natd.wait_status("OK")


def test_a_narrow_line_behind_the_router():
    """PPPoE or MAP-E: this host's own interface does not show it, the home router says it."""
    with Lab() as lab:
        for node, interface in ((lab.router.node, "wan"), (lab.internet, "home")):
            node.ip(f"link set {interface} mtu 1454")
        natd = lab.natd()
        status = natd.wait_status("E50", state="open")
        assert status["router"]["line_mtu"] == 1454
        assert "MTU = 1394" in status["verdict"]["advice"]
        lab.host.ip("link set wg0 mtu 1394")
        natd.wait_status("OK")
        assert step(natd.json("doctor"), "size")[1].endswith("1394 + 60 bytes of 1454")


def memory_of(pid):
    """What a process has written to memory."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            area, rights, *_ = line.split()
            start, end = (int(edge, 16) for edge in area.split("-"))
            if rights.startswith("rw"):
                memory.seek(start)
                yield memory.read(end - start)


def handshakes_for_anybody(natd):
    return step(json.loads(natd.ctl("-j", "doctor", user=STRANGER).stdout), "handshakes")


def test_handshakes_of_wireguard_go():
    """natd connects to it while it is root. It reads who has shaken hands, and keeps no key."""
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        assert step(natd.json("doctor"), "handshakes") == (
            "info", "wg0: clients that have shaken hands: none of 1 yet")
        lab.tunnel_up()
        result, text = step(natd.json("doctor"), "handshakes")
        assert result == "ok"
        assert text.startswith("wg0: clients that have shaken hands: 1 of 1, the last ")
        key = base64.b64decode(lab.vpn.keys[lab.host][0].read_bytes())
        for pid in natd.pids().values():
            held = b"".join(memory_of(pid))
            assert len(held) > 4096
            assert key not in held and key.hex().encode("ascii") not in held
        # One that came later is not natd's to ask: root's own natctl does; and a new natd may.
        lab.vpn.server_down()
        wait_until(lambda: "wg0" not in lab.host.interfaces(), 20, "wireguard-go to end")
        lab.vpn.server_up()
        natd.wait_status("OK", state="open")
        nobody_yet = ("info", "wg0: clients that have shaken hands: none of 1 yet")
        alone = ("info", "wg0: only root may ask it for its handshakes: sudo natctl doctor")
        wait_until(lambda: handshakes_for_anybody(natd) == alone, 20, "natd to see it")
        assert step(natd.json("doctor"), "handshakes") == nobody_yet
        assert nobody_yet[1] in natd.ctl("doctor").stdout
        assert natd.handover() == 0
        natd.start()
        natd.wait_status("OK", state="open")
        assert handshakes_for_anybody(natd) == nobody_yet


def test_nothing_to_ask():
    with Lab(router="nothing", start_vpn=False) as lab:
        natd = lab.natd()
        natd.wait_status("E10")
        result = wait_doctor(natd, "E10", router="fail")
        assert step(result, "listening")[0] == "fail"
        assert step(result, "tunnel")[0] == "warn"
        assert not steps(result, "size")
