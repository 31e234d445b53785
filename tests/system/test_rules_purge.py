# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that a change or a gap has made wrong end, and only those: test_rules.py's network."""

import contextlib
import re
import socket

import pytest

from lab.process import PATIENCE, wait_until
from test_rules import (ALICE, BOB, BOTH, FIXED, FIXED6, NAS, WAN, WAN6, WEB, WEB6, nodes,
                        rules)  # nodes and rules are fixtures

__all__ = ["nodes", "rules"]

PORT = 4001
# Another program's table: it keeps the kernel's eyes on connections while ours is away.
WATCHER = "table inet watcher { chain c { type filter hook forward priority 0; ct state new accept; }; }"


class Flow:
    """Datagrams of one connection; as_seen() sends one and tells whom the server saw."""

    def __init__(self, stack, client, server, address, port=PORT, listens=PORT):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.to = (address, port)
        self.listener = stack.enter_context(server.socket(family, socket.SOCK_DGRAM))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.listener.bind(("", listens))
        self.listener.settimeout(0.5)
        self.sender = stack.enter_context(client.socket(family, socket.SOCK_DGRAM))

    def as_seen(self):
        self.sender.sendto(b"x", self.to)
        try:
            return self.listener.recvfrom(10)[1][0]
        except TimeoutError:
            return None


def connections(host, *options):
    """Numbers of the connections that conntrack lists."""
    listing = host.run("conntrack", "-L", "-o", "id", *options).stdout
    return set(re.findall(r"id=(\d+)", listing))


@pytest.fixture
def stack(nodes):
    with contextlib.ExitStack() as opened:
        nodes["host"].run("conntrack", "-F")
        yield opened


@pytest.mark.parametrize("network,address,before,after", [("10.8.0.0/24", WEB, FIXED, WAN),
                                                          ("fd42::/64", WEB6, FIXED6, WAN6)])
def test_a_changed_egress(rules, nodes, stack, network, address, before, after):
    host = nodes["host"]
    others = ("tunnel wg0 7", "tunnel wg1 7", "network wg1 10.9.0.0/24 masquerade")
    rules.put(*others, f"network wg0 {network} {before}")
    flow = Flow(stack, nodes["alice"], nodes["web"], address)
    wait_until(lambda: flow.as_seen() == before, 10, "the fixed address")
    stay = [Flow(stack, nodes["bob"], nodes["web"], WEB, 4002, 4002),
            Flow(stack, nodes["alice"], nodes["bob"], BOB, 4003, 4003),
            Flow(stack, nodes["alice"], host, "10.8.0.1", 4004, 4004)]
    assert [one.as_seen() for one in stay] == [WAN, ALICE, ALICE]
    kept = connections(host, "-p", "udp") - connections(host, "-p", "udp", "--dport", str(PORT))
    assert len(kept) == 3
    rules.put(*others, f"network wg0 {network} masquerade", generation=2)
    assert rules.wait("purged") == ["2", "1"]
    assert flow.as_seen() == after
    rules.put(*others, f"network wg0 {network} {before}", generation=3)
    assert rules.wait("purged") == ["3", "1"]
    assert flow.as_seen() == before
    assert kept <= connections(host, "-p", "udp")


@pytest.mark.parametrize("network,caller", [("10.8.0.0/24", WEB), ("fd42::/64", WEB6)])
@pytest.mark.parametrize("before", ["masquerade", "none"])
def test_a_client_whose_address_goes(rules, nodes, stack, network, caller, before):
    """Its open connections end, whoever speaks first after that."""
    web, alice = nodes["web"], nodes["alice"]
    if before == "none":  # the far end knows the way back
        web.ip(f"route add {network} via {WAN if '.' in network else WAN6}")
        stack.callback(web.ip, f"route del {network}")
    rules.put("tunnel wg0 7", f"network wg0 {network} {before}")
    family = socket.AF_INET6 if ":" in network else socket.AF_INET
    listener = stack.enter_context(web.socket(family, socket.SOCK_STREAM))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", PORT))
    listener.listen()
    near = stack.enter_context(alice.socket(family, socket.SOCK_STREAM))
    near.settimeout(3)
    near.connect((caller, PORT))
    far = stack.enter_context(listener.accept()[0])
    far.settimeout(0.5)
    near.send(b"before")
    assert far.recv(10) == b"before"
    rules.put("tunnel wg0 7", f"network wg0 {network} closed", generation=2)
    assert rules.wait("purged") == ["2", "1"]
    for first, second in ((far, near), (near, far)):
        with contextlib.suppress(OSError):  # a reset
            first.send(b"after")
        with pytest.raises(OSError):  # silence, or a reset
            second.settimeout(0.5)
            assert second.recv(10) == b"", "it goes on"
            raise ConnectionResetError


def test_what_does_not_translate_purges_nothing(rules, nodes, stack):
    rules.put(*BOTH)
    flow = Flow(stack, nodes["alice"], nodes["web"], WEB)
    assert flow.as_seen() == WAN
    before = connections(nodes["host"])
    rules.put(*BOTH, "port 6 22", "tunnel wg2 7", "lan 10.200.0.0/16", generation=2)
    rules.put(*BOTH, f"network wg0 {ALICE}/32 masquerade", generation=3)
    rules.none("purged", 0.5)
    assert before <= connections(nodes["host"])


def test_a_restart_keeps_every_connection(rules, nodes, stack):
    """The table is there already, and says the same."""
    rules.put("tunnel wg0 7", f"network wg0 10.8.0.0/24 {FIXED}", f"publish 17 {PORT} {PORT} {ALICE} 5 1")
    flows = [Flow(stack, nodes["alice"], nodes["web"], WEB),
             Flow(stack, nodes["web"], nodes["alice"], WAN, PORT, 5)]
    assert [flow.as_seen() for flow in flows] == [FIXED, WEB]
    before = connections(nodes["host"])
    again = type(rules)(nodes["host"])
    try:
        again.put("tunnel wg0 7", f"network wg0 10.8.0.0/24 {FIXED}",
                  f"publish 17 {PORT} {PORT} {ALICE} 5 1")
        again.none("purged", 0.5)
        assert before <= connections(nodes["host"])
    finally:
        again.end()


def test_a_restart_beside_a_masquerade_of_the_users_own(rules, nodes, stack):
    """Without rules before, who was not translated by natd was so by another, as he still is."""
    host, routed = nodes["host"], ("tunnel wg0 7", "network wg0 10.8.0.0/24 none")
    host.nft("table ip mine { chain post { type nat hook postrouting priority srcnat; "
             'ip saddr 10.8.0.0/24 oifname "wan0" masquerade; }; }')
    rules.put(*routed)
    flow = Flow(stack, nodes["alice"], nodes["web"], WEB)
    assert flow.as_seen() == WAN
    before = connections(host)
    again = type(rules)(host)
    try:
        again.put(*routed)
        again.none("purged", 0.5)
        assert before <= connections(host)
    finally:
        again.end()
    # What natd itself translated ends: his rule would translate it in his way.
    rules.put("tunnel wg0 7", f"network wg0 10.8.0.0/24 {FIXED}", generation=2)
    assert rules.wait("purged") == ["2", "1"]
    assert flow.as_seen() == FIXED
    rules.put(*routed, generation=3)
    assert rules.wait("purged") == ["3", "1"]
    assert flow.as_seen() == WAN


def test_a_client_that_natd_found_late(rules, nodes, stack):
    """Its connections are older than the rules and left with its own address."""
    nodes["host"].nft(WATCHER)
    flow = Flow(stack, nodes["alice"], nodes["web"], WEB)
    assert flow.as_seen() == ALICE
    rules.put(*BOTH)
    assert rules.wait("purged") == ["1", "1"]
    assert flow.as_seen() == WAN


def test_a_changed_publish(rules, nodes, stack):
    rules.put(*BOTH, f"publish 17 2000 2001 {ALICE} 3000 1")
    first = Flow(stack, nodes["web"], nodes["alice"], WAN, 2000, 3000)
    second = Flow(stack, nodes["web"], nodes["alice"], WAN, 2001, 3001)
    assert (first.as_seen(), second.as_seen()) == (WEB, WEB)
    at_bob = Flow(stack, nodes["web"], nodes["bob"], WAN, 2000, 3000)
    at_bob.sender = first.sender
    rules.put(*BOTH, f"publish 17 2000 2000 {BOB} 3000 1", f"publish 17 2001 2001 {ALICE} 3001 1",
              generation=2)
    assert rules.wait("purged") == ["2", "1"]
    assert at_bob.as_seen() == WEB
    assert second.as_seen() == WEB
    at_host = Flow(stack, nodes["web"], nodes["host"], WAN, 2000, 2000)
    at_host.sender = first.sender
    rules.put(*BOTH, f"publish 17 2001 2001 {ALICE} 3001 1", generation=3)
    assert rules.wait("purged") == ["3", "1"]
    assert at_host.as_seen() == WEB
    rules.put(*BOTH, f"publish 17 2000 2000 {BOB} 3000 1", f"publish 17 2001 2001 {ALICE} 3001 0",
              generation=4)
    assert rules.wait("purged") == ["4", "2"]
    assert (at_bob.as_seen(), second.as_seen()) == (WEB, "10.8.0.1")


def test_who_calls_the_client_itself_is_left_alone(rules, nodes, stack):
    """The port is called the same on this host, where it leads elsewhere, or nowhere, from now on."""
    rules.put(*BOTH, f"publish 17 {PORT} {PORT} {ALICE} {PORT} 1")
    direct = Flow(stack, nodes["nas"], nodes["alice"], ALICE)
    assert direct.as_seen() == NAS
    before = connections(nodes["host"], "-p", "udp")
    assert before
    for generation, item in enumerate(([f"publish 17 {PORT} {PORT} {BOB} {PORT} 1"], [],
                                       [f"publish 17 {PORT} {PORT} {ALICE} {PORT} 0"]), 2):
        rules.put(*BOTH, *item, generation=generation)
    rules.none("purged", 0.5)
    assert before <= connections(nodes["host"], "-p", "udp")


@pytest.mark.parametrize("to,keep,seen", [(BOB, 1, WEB), (ALICE, 0, "10.8.0.1")])
def test_a_publish_that_changed_while_natd_was_away(rules, nodes, stack, to, keep, seen):
    """Nobody knows what held before, but where the connection leads, and what its client sees."""
    rules.put(*BOTH, f"publish 17 2000 2000 {ALICE} 3000 1")
    flow = Flow(stack, nodes["web"], nodes["alice"], WAN, 2000, 3000)
    assert flow.as_seen() == WEB
    rules.end()
    again = type(rules)(nodes["host"])
    try:
        again.put(*BOTH, f"publish 17 2000 2000 {to} 3000 {keep}")
        assert again.wait("purged") == ["1", "1"]
    finally:
        again.end()
    changed = Flow(stack, nodes["web"], nodes["bob" if to == BOB else "alice"], WAN, 2000, 3000)
    changed.sender = flow.sender
    flow.listener.close()
    assert changed.as_seen() == seen


def test_a_gap_in_which_another_program_has_a_published_port(rules, nodes, stack):
    host = nodes["host"]
    rules.put(*BOTH, f"publish 17 2000 2000 {ALICE} 3000 1")
    host.nft("table ip other { chain pre { type nat hook prerouting priority dstnat; "
             f'iifname "wan0" udp dport 2000 dnat to {NAS}:3000; }}; }}')
    with rules.asleep():
        host.nft("delete table inet natd\ndelete table inet natd-guard")
        strayed = Flow(stack, nodes["web"], nodes["nas"], WAN, 2000, 3000)
        assert strayed.as_seen() == WEB
    rules.wait("touched")
    assert rules.wait("purged") == ["1", "1"]
    at_alice = Flow(stack, nodes["web"], nodes["alice"], WAN, 2000, 3000)
    at_alice.sender = strayed.sender
    assert at_alice.as_seen() == WEB


def test_connections_of_a_gap(rules, nodes, stack):
    """rules sleeps; somebody flushes; connections begin; rules wakes and repairs."""
    host, alice = nodes["host"], nodes["alice"]
    rules.put(*BOTH, f"publish 17 2000 2000 {ALICE} 3000 1")
    host.nft(WATCHER)
    older = Flow(stack, alice, nodes["web"], WEB, 4002, 4002)
    assert older.as_seen() == WAN
    with rules.asleep():
        host.nft("delete table inet natd\ndelete table inet natd-guard")
        leaked = Flow(stack, alice, nodes["web"], WEB)
        right = [Flow(stack, alice, nodes["bob"], BOB, 4003, 4003),
                 Flow(stack, alice, host, "192.168.77.1", 4004, 4004),
                 Flow(stack, nodes["nas"], nodes["web"], WEB, 4005, 4005)]
        late = Flow(stack, nodes["web"], host, WAN, 2000, 2000)
        assert leaked.as_seen() == ALICE
        assert [flow.as_seen() for flow in right] == [ALICE, ALICE, NAS]
        assert late.as_seen() == WEB
        kept = connections(host, "-p", "udp") - connections(host, "-p", "udp", "--dport", str(PORT)) \
            - connections(host, "-p", "udp", "--dport", "2000")
        assert len(kept) == 4
    rules.wait("touched")
    assert rules.wait("purged") == ["1", "2"]
    assert leaked.as_seen() == WAN
    at_alice = Flow(stack, nodes["web"], alice, WAN, 2000, 3000)
    at_alice.sender = late.sender
    assert at_alice.as_seen() == WEB
    assert kept <= connections(host, "-p", "udp")
    assert older.as_seen() == WAN


def test_a_gap_in_which_another_program_masquerades(rules, nodes, stack):
    """Docker does, and firewalld: after natd, so only while natd's table is away."""
    host, alice = nodes["host"], nodes["alice"]
    rules.put("tunnel wg0 7", f"network wg0 10.8.0.0/24 {FIXED}")
    host.nft("table ip other { chain post { type nat hook postrouting priority srcnat; "
             'ip saddr 10.8.0.0/24 oifname "wan0" masquerade; }; }')
    older = Flow(stack, alice, nodes["web"], WEB, 4002, 4002)
    assert older.as_seen() == FIXED
    with rules.asleep():
        host.nft("delete table inet natd")
        strayed = Flow(stack, alice, nodes["web"], WEB)
        assert strayed.as_seen() == WAN
        kept = connections(host, "-p", "udp", "--dport", "4002")
    rules.wait("touched")
    assert rules.wait("purged") == ["1", "1"]
    assert strayed.as_seen() == FIXED
    assert kept == connections(host, "-p", "udp", "--dport", "4002")


def test_what_a_client_says_to_all_is_left_alone(rules, nodes, stack):
    """As one that asks for an address: it ends on this host, and nothing translates it."""
    host = nodes["host"]
    host.ip(f"route add default via {WEB}")
    stack.callback(host.ip, f"route del default via {WEB}")
    rules.put(*BOTH)
    sender = stack.enter_context(nodes["alice"].socket(socket.AF_INET, socket.SOCK_DGRAM))
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
    sender.sendto(b"x", ("255.255.255.255", 67))
    before = connections(host, "-p", "udp", "--dport", "67")
    assert len(before) == 1
    host.run("nft", "flush", "ruleset")
    rules.wait("touched")
    rules.none("purged", 0.5)
    assert before == connections(host, "-p", "udp", "--dport", "67")


def delete_until_it_waits(rules, host, milliseconds):
    """Deletes the tables as often as it takes until rules waits so long before it repairs them."""
    waits = 0
    while waits < milliseconds:
        host.nft("delete table inet natd\ndelete table inet natd-guard")
        word = ""
        while word != "touched" and waits < milliseconds:
            word, rest = rules.lines.get(timeout=10 * PATIENCE)
            waits = int(rest.split()[1]) if word == "waits" else waits


def test_connections_of_a_gap_that_a_new_set_ends(rules, nodes, stack):
    host, alice = nodes["host"], nodes["alice"]
    rules.put(*BOTH)
    host.nft(WATCHER)
    delete_until_it_waits(rules, host, 1600)
    leaked = Flow(stack, alice, nodes["web"], WEB)
    assert leaked.as_seen() == ALICE
    rules.put(*BOTH, "port 6 22", generation=2)
    assert rules.wait("purged") == ["2", "1"]
    assert leaked.as_seen() == WAN


def many_connections(nodes):
    with nodes["alice"].socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for port in range(10000, 40000):
            sender.sendto(b"x", (WEB, port))
    assert int(nodes["host"].run("conntrack", "-C").stdout) > 20000


def test_a_gap_while_a_change_is_looked_through(rules, nodes, stack):
    """The change is about other connections than the gap: both are looked for."""
    host = nodes["host"]
    rules.put(*BOTH)
    host.nft(WATCHER)
    many_connections(nodes)
    other = [item if "10.9.0.0/24" not in item else f"network wg1 10.9.0.0/24 {FIXED}"
             for item in BOTH]
    rules.put(*other, generation=2)
    with rules.asleep():
        host.nft("delete table inet natd\ndelete table inet natd-guard")
        leaked = [Flow(stack, nodes["alice"], nodes["web"], WEB, 4010 + i, 4010 + i)
                  for i in range(20)]
        assert {flow.as_seen() for flow in leaked} == {ALICE}
    rules.wait("touched")
    for flow in leaked:
        wait_until(lambda flow=flow: flow.as_seen() == WAN, 10, "the connection to end")


@pytest.mark.parametrize("before,between,seen,after", [("masquerade", FIXED, FIXED, WAN),
                                                       ("none", "masquerade", WAN, BOB)])
def test_a_change_that_is_undone_while_it_is_looked_through(rules, nodes, stack, before, between, seen,
                                                            after):
    """What began in between ends as well."""
    def put(egress, generation):
        rules.put(*(item for item in BOTH if "10.9.0.0/24" not in item),
                  f"network wg1 10.9.0.0/24 {egress}", generation=generation)

    nodes["web"].ip(f"route replace 10.9.0.0/24 via {WAN}")
    stack.callback(nodes["web"].ip, "route del 10.9.0.0/24")
    put(before, 1)
    many_connections(nodes)
    put(between, 2)
    flow = Flow(stack, nodes["bob"], nodes["web"], WEB)
    assert flow.as_seen() == seen
    put(before, 3)
    wait_until(lambda: flow.as_seen() == after, 10, "the connection to end")


def test_many_connections_do_not_hold_up_a_repair(rules, nodes, stack):
    """30 000 connections are looked through; a flush meanwhile is repaired as fast as ever."""
    host = nodes["host"]
    rules.put(*BOTH)
    many_connections(nodes)
    before = host.ruleset()
    rules.say("begin 2", "tunnel 2 wg0 7", f"network 2 wg0 10.8.0.0/24 {FIXED}", "commit 2",
              "begin 3", *(re.sub(r"^(\w+)", r"\1 3", item) for item in BOTH), "commit 3")
    assert rules.wait("written")[:2] == ["2", "0"]
    assert rules.wait("written")[:2] == ["3", "0"]
    host.run("nft", "flush", "ruleset")
    assert rules.wait("touched")[4:] == ["0"]
    assert host.ruleset() == before


def looked_through(rules):
    """How many connections the kernel told for the last purge, and the ones before."""
    return [int(n) for n in re.findall(r"(\d+) connections looked through", rules.log.read_text())]


@pytest.mark.parametrize("before,after,told", [
    # One client among a network; the address of a whole network; one port.
    ((f"network wg1 {BOB}/32 {FIXED}",), (), 1),
    ((f"network wg1 10.9.1.0/24 {FIXED}",), (), 0),
    (("network wg1 10.9.1.0/24 masquerade",), (f"network wg1 10.9.1.0/24 {FIXED}",), None),
    ((f"publish 17 2000 2000 {ALICE} 3000 1",), (f"publish 17 2000 2000 {BOB} 3000 1",), 1),
    ((f"publish 17 2000 2000 {ALICE} 3000 1",), (), 1),
])
def test_the_kernel_tells_only_what_may_have_changed(rules, nodes, stack, before, after, told):
    """There are a hundred other connections; `told`: of those that a change is about."""
    with nodes["alice"].socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        rules.put(*BOTH, *before)
        for port in range(10000, 10100):
            sender.sendto(b"x", (WEB, port))
    bob = Flow(stack, nodes["bob"], nodes["web"], WEB)
    wait_until(bob.as_seen, 10, "a connection of bob's")
    caller = stack.enter_context(nodes["web"].socket(socket.AF_INET, socket.SOCK_DGRAM))
    caller.sendto(b"x", (WAN, 2000))
    everything = len(connections(nodes["host"]))
    assert everything > 100
    rules.put(*BOTH, *after, generation=2)
    wait_until(lambda: len(looked_through(rules)) > 1, 10, "the second purge")
    assert looked_through(rules)[1] == told or (told is None and looked_through(rules)[1] > 100)


def test_an_address_that_is_gone_takes_its_connections(rules, nodes, stack):
    """With a peer, as of PPP: the kernel looks for the peer's address in its connections, in vain."""
    host, web = nodes["host"], nodes["web"]
    host.ip("link add ppp0 type veth peer name eth1 netns " + web.namespace,
            "addr add 11.0.5.1 peer 11.0.5.254/32 dev ppp0", "link set ppp0 up",
            "route add 11.0.6.80/32 via 11.0.5.254 dev ppp0")
    stack.callback(host.ip, "link del ppp0")
    web.ip("addr add 11.0.5.254/32 dev eth1", "addr add 11.0.6.80/32 dev eth1", "link set eth1 up")
    rules.put(*BOTH, f"network wg1 {BOB}/32 {FIXED}")
    others = [Flow(stack, nodes["bob"], web, WEB, 4002, 4002),
              Flow(stack, nodes["alice"], nodes["bob"], BOB, 4003, 4003),
              Flow(stack, host, web, "11.0.6.80", 4004, 4004)]
    assert [flow.as_seen() for flow in others] == [FIXED, ALICE, "11.0.5.1"]
    flow = Flow(stack, nodes["alice"], web, "11.0.6.80")
    wait_until(lambda: flow.as_seen() == "11.0.5.1", 10, "the address of the line")
    kept = connections(host, "-p", "udp") - connections(host, "-p", "udp", "--dport", str(PORT))
    assert len(kept) == 3
    host.ip("addr del 11.0.5.1 peer 11.0.5.254/32 dev ppp0",
            "addr add 11.0.5.2 peer 11.0.5.254/32 dev ppp0",
            "route replace 11.0.6.80/32 via 11.0.5.254 dev ppp0")
    assert flow.as_seen() == "11.0.5.1"  # though this host has it no more
    rules.say("gone 1 11.0.5.1", "gone 1 fd99::1")
    assert rules.wait("purged") == ["1", "1"]
    assert flow.as_seen() == "11.0.5.2"
    assert kept <= connections(host, "-p", "udp")
