# SPDX-License-Identifier: GPL-2.0-or-later
"""What the rules process hands on to clients, and what it keeps from them: test_rules.py's network."""

import socket

import pytest

from lab.process import wait_until
from test_rules import (ALICE, ALICE6, BOB, BOB6, BOTH, INTERNET, LAN, NAS, WAN, WAN6, WEB,
                        WEB6, nodes, reach, rules)  # nodes and rules are fixtures

__all__ = ["nodes", "rules"]

WEB_PORTS = (f"publish 6 443 443 {ALICE} 8443 1", f"publish 6 443 443 {ALICE6} 8443 1")
GATE, GATE6 = "10.8.0.1", "fd42::1"  # the host in alice's tunnel
UDP, TCP = socket.SOCK_DGRAM, socket.SOCK_STREAM


def call(caller, server, address, port, listens, kind=TCP, source=None):
    """`caller` asks ADDRESS port PORT, `server` listens on port `listens`. The caller's address as
    the server sees it; None: no question came, or no answer."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with server.socket(family, kind) as listener, caller.socket(family, kind) as asking:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", listens))
        if kind == TCP:
            listener.listen()
        listener.settimeout(2)
        asking.settimeout(0.7)
        if source:
            asking.bind((source, 0))
        try:
            asking.connect((address, port))
            asking.send(b"hello")
            if kind == TCP:
                answering, peer = listener.accept()
                with answering:
                    answering.sendall(b"well")
            else:
                listener.settimeout(0.7)
                _, peer = listener.recvfrom(100)
                listener.sendto(b"well", peer)
            return peer[0] if asking.recv(100) == b"well" else None
        except OSError:
            return None


@pytest.mark.parametrize("address,caller", [(WAN, WEB), (WAN6, WEB6)])
def test_from_outside(rules, nodes, address, caller):
    assert call(nodes["web"], nodes["alice"], address, 443, 8443) is None
    rules.put(*BOTH, *WEB_PORTS)
    assert call(nodes["web"], nodes["alice"], address, 443, 8443) == caller
    # Other ports stay this host's.
    assert call(nodes["web"], nodes["host"], address, 444, 444) == caller
    assert call(nodes["web"], nodes["alice"], address, 444, 444) is None
    wait_until(lambda: sorted(rules.count()["publish"].values()) == [0, 1], 5, "one connection")


def test_counts_outlive_a_flush_and_a_new_set(rules, nodes):
    """Those of either family and protocol; what was not called counts nothing."""
    rules.put(*BOTH, *WEB_PORTS, f"publish 17 53 53 {ALICE} 5353 1", f"publish 6 53 53 {BOB} 53 1")
    for address, port, listens, kind in ((WAN, 443, 8443, TCP), (WAN, 53, 5353, UDP),
                                         (WAN6, 443, 8443, TCP), (WAN6, 443, 8443, TCP)):
        assert call(nodes["web"], nodes["alice"], address, port, listens, kind)
    called = {(socket.AF_INET, 6, 443): 1, (socket.AF_INET6, 6, 443): 2, (socket.AF_INET, 17, 53): 1,
              (socket.AF_INET, 6, 53): 0}
    assert rules.count()["publish"] == called
    nodes["host"].run("nft", "flush", "ruleset")
    rules.wait("touched")
    assert rules.count()["publish"] == called
    rules.put(*BOTH, *WEB_PORTS, generation=2)
    assert call(nodes["web"], nodes["alice"], WAN, 443, 8443)
    assert sorted(rules.count()["publish"].values()) == [2, 2]


@pytest.mark.parametrize("port", [2000, 2007, 2009])
def test_a_range_of_udp_ports(rules, nodes, port):
    rules.put(*BOTH, f"publish 17 2000 2009 {ALICE} 3000 1", f"publish 6 2000 2009 {BOB} 2000 1")
    assert call(nodes["web"], nodes["alice"], WAN, port, port + 1000, UDP) == WEB
    assert call(nodes["web"], nodes["bob"], WAN, port, port) == WEB
    assert call(nodes["web"], nodes["alice"], WAN, 2010, 3010, UDP) is None
    assert rules.count()["publish"][socket.AF_INET, socket.IPPROTO_UDP, 2000] == 1


def test_from_the_home_network(rules, nodes):
    rules.put(*BOTH, *WEB_PORTS)
    assert call(nodes["nas"], nodes["alice"], "192.168.77.1", 443, 8443) == NAS
    assert call(nodes["nas"], nodes["alice"], WAN, 443, 8443) == NAS


@pytest.mark.parametrize("address,gate", [(WAN, GATE), (WAN6, GATE6)])
def test_from_clients_and_from_this_host(rules, nodes, address, gate):
    """Behind the host's address: alice could answer past it, or to herself."""
    rules.put(*BOTH, *WEB_PORTS)
    assert call(nodes["bob"], nodes["alice"], address, 443, 8443) == gate
    assert call(nodes["alice"], nodes["alice"], address, 443, 8443) == gate
    assert call(nodes["host"], nodes["alice"], address, 443, 8443) == gate
    # What this host asks itself stays with it.
    loopback = "::1" if ":" in address else "127.0.0.1"
    assert call(nodes["host"], nodes["host"], loopback, 443, 443) == loopback


@pytest.mark.parametrize("to,address,gate", [(ALICE, WAN, GATE), (ALICE6, WAN6, GATE6)])
def test_without_the_callers_address(rules, nodes, to, address, gate):
    rules.put(*BOTH, f"publish 6 443 443 {to} 8443 0", f"publish 6 444 444 {to} 444 1")
    assert call(nodes["web"], nodes["alice"], address, 443, 8443) == gate
    assert call(nodes["web"], nodes["alice"], address, 444, 444) == (WEB6 if ":" in to else WEB)


@pytest.mark.parametrize("kind,protocol", [(TCP, 6), (UDP, 17)])
@pytest.mark.parametrize("to,address,gate,caller", [(ALICE, WAN, GATE, WEB), (ALICE6, WAN6, GATE6, WEB6)])
def test_one_port_of_a_client_with_and_without_the_callers_address(rules, nodes, to, address, gate,
                                                                   caller, kind, protocol):
    rules.put(*BOTH, f"publish {protocol} 443 443 {to} 8443 0",
              f"publish {protocol} 444 444 {to} 8443 1")
    assert call(nodes["web"], nodes["alice"], address, 443, 8443, kind) == gate
    assert call(nodes["web"], nodes["alice"], address, 444, 8443, kind) == caller
    rules.put(*BOTH, f"publish {protocol} 443 443 {to} 8443 1",
              f"publish {protocol} 444 444 {to} 8443 0", generation=2)
    assert call(nodes["web"], nodes["alice"], address, 443, 8443, kind) == caller
    assert call(nodes["web"], nodes["alice"], address, 444, 8443, kind) == gate


@pytest.mark.parametrize("to,address,caller", [(ALICE, WAN, WEB), (ALICE6, WAN6, WEB6)])
def test_a_client_whose_address_is_gone_still_answers(rules, nodes, to, address, caller):
    """One among a network that is, and a whole network; what begins at the client stays in. The home
    network may call any client, and so these."""
    network = "10.8.0.0/24" if "." in to else "fd42::/64"
    for generation, closed in enumerate((network, f"{to}/{32 if '.' in to else 128}"), 1):
        rules.put("tunnel wg0 7", f"network wg0 {closed} closed", f"publish 6 443 443 {to} 8443 1",
                  f"publish 17 443 443 {to} 8443 1", "lan 192.168.77.0/24", generation=generation)
        assert call(nodes["web"], nodes["alice"], address, 443, 8443) == caller
        assert call(nodes["web"], nodes["alice"], address, 443, 8443, UDP) == caller
        assert reach(nodes["alice"], nodes["web"], caller) is None
        assert reach(nodes["web"], nodes["alice"], to) is None
        if "." in to:
            assert reach(nodes["nas"], nodes["alice"], to) == NAS
            assert reach(nodes["alice"], nodes["nas"], NAS) is None


def test_reach_does_not_hide_what_is_published(rules, nodes):
    rules.put(f"tunnel wg0 {INTERNET | LAN}", f"tunnel wg1 {INTERNET | LAN}",
              "network wg0 10.8.0.0/24 masquerade", "network wg1 10.9.0.0/24 masquerade", *WEB_PORTS)
    assert call(nodes["bob"], nodes["alice"], WAN, 443, 8443) == GATE
    assert call(nodes["bob"], nodes["alice"], ALICE, 8443, 8443) is None


def test_from_outside_only_what_is_published(rules, nodes):
    """web knows a route to the clients; the home network may call them, and they may call out."""
    rules.put(*BOTH, *WEB_PORTS)
    assert reach(nodes["web"], nodes["alice"], ALICE) is None
    assert reach(nodes["web"], nodes["alice"], ALICE6) is None
    assert reach(nodes["nas"], nodes["alice"], ALICE) == NAS
    assert reach(nodes["alice"], nodes["web"], WEB) == WAN
    assert reach(nodes["alice"], nodes["web"], WEB6) == WAN6
    assert call(nodes["web"], nodes["alice"], WAN, 443, 8443) == WEB


def test_a_port_twice_is_answered_and_changes_nothing(rules, nodes):
    rules.put(*BOTH, *WEB_PORTS)
    before = nodes["host"].ruleset()
    error, what = rules.commit(*BOTH, f"publish 6 400 450 {BOB} 400 1", *WEB_PORTS, generation=2)
    assert error and what == f"the published tcp port 400 of {BOB} is there twice, in part"
    assert nodes["host"].ruleset() == before


def test_many_published_ports(rules, nodes):
    rules.put(*BOTH, f"publish 17 1 60000 {ALICE} 1 0", f"publish 6 1 60000 {ALICE} 1 1")
    assert call(nodes["web"], nodes["alice"], WAN, 59999, 59999, UDP) == GATE
    assert call(nodes["web"], nodes["alice"], WAN, 31000, 31000) == WEB


# ---- what clients may not ----

@pytest.mark.parametrize("source,why", [(NAS, "of the home network"), (WAN, "of this host"),
                                        (BOB, "of another tunnel"), (WEB, "of the internet")])
def test_spoofed_sources_are_dropped_and_counted(rules, nodes, source, why):
    alice = nodes["alice"]
    alice.ip(f"addr add {source}/32 dev lo")
    try:
        rules.put(*BOTH)
        for address, server in ((NAS, "nas"), (GATE, "host"), (BOB, "bob"), (WEB, "web")):
            if address == source:
                continue  # alice would reach herself
            before = rules.count()["spoofed"]["wg0"]
            with nodes[server].socket(socket.AF_INET, UDP) as listener:
                listener.bind((address, 4000))
                listener.settimeout(0.2)
                with alice.socket(socket.AF_INET, UDP) as sender:
                    sender.bind((source, 0))
                    sender.sendto(b"x", (address, 4000))
                    wait_until(lambda: rules.count()["spoofed"]["wg0"] == before + 1, 5,
                               f"a dropped packet with an address {why}")
                with pytest.raises(TimeoutError):
                    listener.recv(10)
        assert rules.count()["spoofed"]["wg1"] == 0
    finally:
        alice.ip(f"addr del {source}/32 dev lo")


def test_what_is_behind_a_tunnel_is_not_spoofed(rules, nodes):
    """A network behind a client, that the host has a route to."""
    nodes["alice"].ip("addr add 10.77.0.5/32 dev lo")
    nodes["host"].ip(f"route add 10.77.0.0/24 via {ALICE} dev wg0")
    try:
        rules.put(*BOTH, "network wg0 10.77.0.0/24 masquerade")
        assert call(nodes["alice"], nodes["web"], WEB, 4000, 4000, TCP, "10.77.0.5") == WAN
        assert rules.count()["spoofed"] == {"wg0": 0, "wg1": 0}
    finally:
        nodes["host"].ip("route del 10.77.0.0/24")
        nodes["alice"].ip("addr del 10.77.0.5/32 dev lo")


@pytest.mark.parametrize("port,passes", [(5351, False), (1900, False), (5352, True)])
def test_clients_do_not_ask_the_home_router(rules, nodes, port, passes):
    """PCP and NAT-PMP, SSDP; also where a flow is older than the rules. Among clients all may pass."""
    rules.put(*BOTH)
    assert bool(call(nodes["alice"], nodes["nas"], NAS, port, port, UDP)) == passes
    assert call(nodes["alice"], nodes["bob"], BOB, port, port, UDP) == ALICE
    assert rules.count()["tunnel"]["wg0"][0] > 0

