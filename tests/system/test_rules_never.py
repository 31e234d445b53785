# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules never go away, and while they do, nothing leaves untranslated: test_rules.py's network.

Datagrams are counted on the server's wire (lab/traffic.py). A gap is made long by stopping rules."""

import errno
import os
import threading
import time

import pytest

from lab.process import wait_until
from lab.traffic import Traffic
from test_rules import (ALICE, BOTH, FIXED, WAN, WEB, Rules, nodes,
                        rules)  # nodes and rules are fixtures
from test_rules_purge import WATCHER

__all__ = ["nodes", "rules"]

PERSISTS = tuple(map(int, os.uname().release.split("-")[0].split(".")[:2])) >= (6, 9)
MAIN, GUARD = "inet natd", "inet natd-guard"

# Ours in another shape: sets of other types, other chains, rules that do the same.
OTHER_LAYOUT = """
table inet natd {
  set tunnels { type ipv4_addr; elements = { 10.8.0.2 }; }
  map egress4 { type ipv4_addr : verdict; elements = { 10.8.0.2 : goto out }; }
  chain out { masquerade; }
  chain translate { type nat hook postrouting priority srcnat; ip saddr vmap @egress4; }
  chain old-forwarding { type filter hook forward priority filter; ct state established accept; }
}
table inet natd-guard {
  set clients4 { type ifname; elements = { "wg9" }; }
  chain keep-in { type filter hook forward priority 7; }
}
"""


RELOADS = int(os.environ.get("NATD_RELOADS", "1000"))


def begin(rules, way, *items, generation=1):
    """Commits a set whose tables shall be owned in `way`; returns how they are."""
    rules.say(f"begin {generation} {way}",
              *(item.replace(" ", f" {generation} ", 1) for item in items), f"commit {generation}")
    owned = rules.wait("owned")[1]
    assert rules.wait("written")[:2] == [str(generation), "0"]
    return owned


def connections(host):
    return host.run("conntrack", "-L", "-p", "udp", "--dport", "5000").stdout.splitlines()


def let_flow(traffic, count=200):
    """Waits until so many more datagrams have been sent."""
    target = len(traffic.sent) + count
    wait_until(lambda: len(traffic.sent) >= target, 20, "traffic")


@pytest.fixture
def host(nodes):
    nodes["host"].run("conntrack", "-F")
    yield nodes["host"]
    nodes["host"].run("nft", "delete", "table", "inet", "watcher", check=False)


# ---- who may change the tables ----

@pytest.mark.parametrize("way", ["none", "guard", "all"])
def test_owned_as_far_as_the_kernel_can(rules, host, way):
    is_now = begin(rules, way, *BOTH)
    assert is_now == (way if PERSISTS or way != "all" else "guard")
    owned = {"none": set(), "guard": {GUARD}, "all": {MAIN, GUARD}}[is_now]
    for table in (MAIN, GUARD):
        listing = host.run("nft", "list", "table", *table.split()).stdout
        assert ("# progname rules" in listing.splitlines()[0]) == (table in owned)
        refused = host.run("nft", "add", "chain", *table.split(), "mine", check=False)
        assert ("Operation not permitted" in refused.stderr) == (table in owned)


def test_a_flush_leaves_what_is_owned(rules, host):
    if begin(rules, "all", *BOTH) != "all":
        pytest.skip("this kernel has no persistent tables")
    before = host.ruleset()
    host.nft("table inet other { }")
    host.run("nft", "flush", "ruleset")
    assert host.ruleset() == before
    rules.none("touched", 0.3)
    rules.say("remove 1")
    assert rules.wait("removed")[:2] == ["1", "0"]
    assert host.tables() == set()


def test_the_guard_survives_a_flush_on_any_kernel(rules, host):
    begin(rules, "guard", *BOTH)
    before = host.ruleset()
    with rules.asleep():
        host.run("nft", "flush", "ruleset")
        assert host.tables() == {GUARD}
    rules.wait("touched")
    assert host.ruleset() == before


def test_a_guard_that_somebody_removes_comes_back(rules, host):
    begin(rules, "none", *BOTH)
    before = host.ruleset()
    host.run("nft", "delete", "table", *GUARD.split())
    assert rules.wait("touched")[2] == "nft"
    assert host.ruleset() == before


def test_from_plain_to_owned_and_back(rules, host, nodes):
    """Each change is one transaction: no datagram is lost or leaks."""
    begin(rules, "none", *BOTH)
    with Traffic(nodes["alice"], nodes["web"], WEB) as traffic:
        for generation, way in enumerate(("all", "guard", "none", "all", "none"), 2):
            let_flow(traffic)
            begin(rules, way, *BOTH, generation=generation)
        let_flow(traffic)
    count = traffic.count(WAN)
    assert (count.lost, count.leaked) == (0, 0) and count.sent > 1000


# ---- one natd after another ----

@pytest.mark.parametrize("way", ["none", "guard", "all"])
def test_restarts_lose_nothing(rules, host, nodes, way):
    """rules ends and another takes over, three times; connections go on and are not looked for."""
    begin(rules, way, *BOTH)
    with Traffic(nodes["alice"], nodes["web"], WEB) as traffic:
        for _ in range(3):
            let_flow(traffic)
            rules.end()
            assert MAIN in host.tables()
            let_flow(traffic)
            rules = Rules(host)
            begin(rules, way, *BOTH)
        rules.none("purged", 0.3)
    rules.end()
    count = traffic.count(WAN)
    assert (count.lost, count.leaked) == (0, 0) and count.sent > 1000


def test_an_older_layout_is_replaced_in_one_transaction(rules, host, nodes):
    host.nft(OTHER_LAYOUT)
    with Traffic(nodes["alice"], nodes["web"], WEB) as traffic:
        let_flow(traffic)
        begin(rules, "all", *BOTH)
        let_flow(traffic)
    count = traffic.count(WAN)
    assert (count.lost, count.leaked) == (0, 0)
    listing = host.ruleset()
    rules.say("remove 1")
    rules.wait("removed")
    rules.put(*BOTH)
    assert listing == host.ruleset()


def test_one_that_ends_late_is_waited_for(rules, host):
    """The next natd is quicker than the end of the last one's rules."""
    if begin(rules, "all", *BOTH) != "all":
        pytest.skip("this kernel has no persistent tables")
    after = Rules(host)
    try:
        threading.Timer(0.3, rules.end).start()
        assert after.commit(*BOTH) == (0, "")
    finally:
        after.end()


def test_one_that_does_not_end_is_named(rules, host):
    if begin(rules, "all", *BOTH) != "all":
        pytest.skip("this kernel has no persistent tables")
    after = Rules(host)
    started = time.monotonic()
    try:
        assert after.commit(*BOTH) == (errno.EPERM, "the table inet natd")
        assert time.monotonic() - started < 3  # natd's own patience at a stop
    finally:
        after.end()


@pytest.mark.parametrize("way", ["none", "all"])
def test_reloads_lose_nothing(rules, host, nodes, way):
    """Each writes both tables anew, with another client and another port."""
    begin(rules, way, *BOTH)
    with Traffic(nodes["alice"], nodes["web"], WEB) as traffic:
        start = time.monotonic()
        for generation in range(2, RELOADS + 2):
            begin(rules, way, *BOTH, f"network wg1 10.9.0.{generation % 200}/32 {FIXED}",
                  f"port 6 {generation}", generation=generation)
        end = time.monotonic()
    count = traffic.count(WAN, start, end)
    print(f"{RELOADS} reloads ({way}): {count}")
    assert (count.lost, count.leaked) == (0, 0) and count.sent > 0


# ---- flushes ----

@pytest.mark.parametrize("way", ["none", "guard", "all"])
def test_flushes_under_traffic(rules, host, nodes, way):
    """Owned, no datagram is lost or leaks; with an owned guard none leaks; and with plain tables as well
    nothing is stuck 100 ms later, without traffic that helps it."""
    way = begin(rules, way, *BOTH)
    with Traffic(nodes["alice"], nodes["web"], WEB) as traffic:
        for _ in range(5):
            let_flow(traffic)
            host.run("nft", "flush", "ruleset")
            if way != "all":
                rules.wait("touched")
        time.sleep(0.1)
        since = time.monotonic()
        let_flow(traffic)
    count, late = traffic.count(WAN), traffic.count(WAN, since)
    print(f"5 flushes, owned: {way}: {count}; from 100 ms after the last: {late}")
    assert (late.lost, late.leaked) == (0, 0) and late.sent > 0
    if way != "none":
        assert count.leaked == 0
    if way == "all":
        assert count.lost == 0


@pytest.mark.parametrize("way,remove", [("guard", ("flush", "ruleset")),
                                        ("none", ("delete", "table", "inet", "natd"))])
def test_the_guard_lets_nothing_leak(rules, host, nodes, way, remove):
    """The main table is away for long: connections that were there go on with the right address, new
    ones wait, and work as soon as it is back, though nothing was purged."""
    host.nft(WATCHER)
    begin(rules, way, *BOTH)
    with Traffic(nodes["alice"], nodes["web"], WEB) as traffic:
        let_flow(traffic)
        with rules.asleep():
            host.run("nft", *remove)
            gone = time.monotonic()
            let_flow(traffic, 400)
        rules.wait("touched")
        back = time.monotonic()
        let_flow(traffic, 400)
    gap, after = traffic.count(WAN, gone, back), traffic.count(WAN, back)
    print(f"in the gap: {gap}; after it: {after}")
    assert gap.leaked == 0 and gap.lost > 0
    assert traffic.count(WAN, gone, back, old_only=True).lost == 0
    assert (after.lost, after.leaked) == (0, 0)


def test_what_leaked_without_a_guard_ends(rules, host, nodes):
    """Both tables are plain and flushed: what began in the gap leaks, and ends with it."""
    begin(rules, "none", *BOTH)
    with Traffic(nodes["alice"], nodes["web"], WEB) as traffic:
        let_flow(traffic)
        with rules.asleep():
            host.run("nft", "flush", "ruleset")
            host.nft(WATCHER)
            gone = time.monotonic()
            let_flow(traffic, 400)
        rules.wait("touched")
        assert int(rules.wait("purged")[1]) > 0
        back = time.monotonic()
        let_flow(traffic, 400)
    gap, after = traffic.count(WAN, gone, back), traffic.count(WAN, back)
    print(f"in the gap: {gap}; after it: {after}")
    assert gap.leaked > 0
    assert (after.lost, after.leaked) == (0, 0)


def test_the_guard_leaves_answers_alone(rules, host, nodes):
    """The home's machines may come straight to a client; it answers with its own address."""
    rules.put(*BOTH)
    with nodes["nas"].socket() as caller, nodes["alice"].socket() as listener:
        listener.bind(("", 4009))
        listener.listen()
        caller.settimeout(10)
        caller.connect((ALICE, 4009))
        accepted, peer = listener.accept()
        accepted.sendall(b"hello")
        assert caller.recv(10) == b"hello" and peer[0].startswith("192.168.77.")
        accepted.close()


def test_the_guard_keeps_in_what_cannot_be_translated(rules, host, nodes):
    """Somebody keeps conntrack from a client's packets: the main table cannot translate them."""
    rules.put(*BOTH)
    with Traffic(nodes["alice"], nodes["web"], WEB) as traffic:
        let_flow(traffic)
        host.nft("table inet watcher { chain c { type filter hook prerouting priority -400;\n"
                 "udp dport 5000 notrack\n}\n}\n")
        since = time.monotonic()
        let_flow(traffic)
    count = traffic.count(WAN, since)
    assert count.leaked == 0 and count.lost == count.sent
