# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections, and the ports of an egress address, run out: with real packets in test_rules.py's
network, and with the connections put into the kernel's table in the laboratory (E45)."""

import socket

import pytest

from lab import Lab
from test_rules import ALICE, BOTH, FIXED, WEB, nodes, rules  # nodes and rules are fixtures

__all__ = ["nodes", "rules"]

PORTS = range(1024, 65536)
WARNING = 51610  # 80 % of them
SECOND = "10.8.0.3"
SERVER, ADDRESS = "11.0.3.80", "11.0.1.2"


def open_ports(stack_of, source, ports):
    """A datagram from each port; the sockets are closed again."""
    with stack_of.inside():
        for port in ports:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((source, port))
                sender.sendto(b"x", (WEB, 4000))


def crowd(rules):
    """What rules tells with its counters: [address, protocol, server, port, connections] or None."""
    rules.say("count 1")
    words = None
    while True:
        word, rest = rules.lines.get(timeout=60)
        if word == "crowd":
            words = rest.split()[1:]
        if word == "counted":
            return words


@pytest.fixture
def slow_timeouts(nodes):
    """Connections of one datagram last as long as the test."""
    name = "netfilter/nf_conntrack_udp_timeout"
    before = nodes["host"].sysctl(name)
    nodes["host"].sysctl(name, 600)
    nodes["host"].run("conntrack", "-F")
    nodes["alice"].ip(f"addr add {SECOND}/24 dev eth0")
    yield
    nodes["alice"].ip(f"addr del {SECOND}/24 dev eth0")
    nodes["host"].run("conntrack", "-F")
    nodes["host"].sysctl(name, before)


def test_every_port_of_an_address(rules, nodes, slow_timeouts):
    """64,512 connections of one client leave with one address; another client's does not."""
    alice, web, host = nodes["alice"], nodes["web"], nodes["host"]
    rules.put(*BOTH, f"network wg0 10.8.0.0/28 {FIXED}")
    with web.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink, \
            web.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        for one, port in ((sink, 4000), (other, 4001)):
            one.bind(("", port))
            one.settimeout(1)
        open_ports(alice, ALICE, PORTS[:WARNING - 1000])
        assert crowd(rules) is None  # there are too few of all for anybody to look
        for _ in range(5):  # a busy machine may lose one
            open_ports(alice, ALICE, PORTS)
            if int(host.run("conntrack", "-C").stdout) >= len(PORTS):
                break
        assert crowd(rules) == [FIXED, "17", WEB, "4000", str(len(PORTS))]
        sink.setblocking(False)
        with pytest.raises(BlockingIOError):
            while sink.recv(10):
                pass
        sink.settimeout(1)
        open_ports(alice, SECOND, [5000])
        with pytest.raises(TimeoutError):
            sink.recv(10)
        with alice.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((SECOND, 5000))
            sender.sendto(b"x", (WEB, 4001))  # another port of the server has all of them
        assert other.recvfrom(10)[1][0] == FIXED


def inject(lab, port, count):
    """Connections of clients to a port of SERVER, by `conntrack -R`: half a second for 40 000."""
    lines = [f"-I -t 600 -s 10.8.0.2 -d {SERVER} -p udp --sport {sport} --dport {port} "
             f"--src-nat {ADDRESS}:{sport}\n"
             for sport in PORTS[:count]]
    path = lab.host.folder / "connections"
    path.write_text("".join(lines), encoding="ascii")
    lab.host.run("conntrack", "-R", path, timeout=60)


def test_the_ports_of_an_address_run_out():
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        assert natd.status()["rules"]["connections"]["fullest"] is None
        inject(lab, 53, WARNING)
        status = natd.wait_status("E45", timeout=60)
        assert status["verdict"]["works"] == "yes" and natd.ctl("status").returncode == 1
        assert f"{ADDRESS} has hardly a port left for new connections to {SERVER}, UDP port 53" \
            in status["verdict"]["text"]
        fullest = status["rules"]["connections"]["fullest"]
        assert fullest.pop("count") >= WARNING
        assert fullest == {"address": ADDRESS, "server": SERVER, "port": 53, "protocol": "udp",
                           "max": len(PORTS)}
        lab.host.run("conntrack", "-F")
        status = natd.wait_status("OK", timeout=60)
        assert status["rules"]["connections"]["fullest"] is None


def test_the_table_of_connections_runs_out():
    """Its size is the same for all network namespaces, and not to be changed from one of them."""
    with Lab() as lab:
        most = int(lab.host.sysctl("netfilter/nf_conntrack_max"))
        if most > 300000:
            pytest.skip(f"{most} connections are too many to fill the table")
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        filled = 0
        while filled < most * 0.8:
            inject(lab, 1000 + filled // len(PORTS), min(len(PORTS), int(most * 0.8) + 1 - filled))
            filled = int(lab.host.run("conntrack", "-C").stdout)
        status = natd.wait_status("E45", timeout=60)
        assert "table of connections is nearly full" in status["verdict"]["text"]
        assert f"nf_conntrack_max = {most * 2}" in status["verdict"]["advice"]
        assert status["rules"]["connections"]["count"] >= most * 0.8
        lab.host.run("conntrack", "-F")
        natd.wait_status("OK", timeout=60)
