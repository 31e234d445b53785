# SPDX-License-Identifier: GPL-2.0-or-later
"""Pools, prefixes and single clients among networks, in the kernel: test_rules.py's network."""

import pytest

from lab.process import wait_until
from test_rules import (ALICE, ALICE6, BOTH, FIXED, WAN, WEB, WEB6, nodes, reach, rules)

__all__ = ["nodes", "rules"]  # fixtures

POOL = [f"11.0.3.{n}" for n in range(20, 24)]
POOL6 = [f"2a11:3::2{n}" for n in range(4)]
WEBS = [WEB, *(f"11.0.3.{n}" for n in range(81, 88))]
WEBS6 = [WEB6, *(f"2a11:3::{n}" for n in range(81, 88))]
PREFIX6 = "2a11:9::"  # led to the host; ALICE6 is ::2 of her own network


@pytest.fixture(scope="module", autouse=True)
def addresses(nodes):
    nodes["host"].ip(*(f"addr add {address}/32 dev wan0" for address in POOL),
                     *(f"addr add {address}/128 dev wan0 nodad preferred_lft 0"
                       for address in POOL6))
    nodes["web"].ip(*(f"addr add {address}/32 dev eth0" for address in WEBS[1:]),
                    *(f"addr add {address}/128 dev eth0 nodad" for address in WEBS6[1:]),
                    f"route add {PREFIX6}/64 via 2a11:3::1")
    for name, address in (("alice", ALICE6), *(("web", address) for address in WEBS6)):
        wait_until(lambda name=name, address=address: reach(nodes["host"], nodes[name], address),
                   10, f"{name}'s IPv6")


def alices(nodes, servers):
    """The addresses with which one client appears on many servers."""
    return {reach(nodes["alice"], nodes["web"], server) for server in servers}


@pytest.mark.parametrize("network,pool,servers", [("10.8.0.0/24", POOL, WEBS),
                                                  ("fd42::/64", POOL6, WEBS6)])
def test_a_client_keeps_its_address_of_the_pool(rules, nodes, network, pool, servers):
    rules.put("tunnel wg0 7", f"network wg0 {network} {pool[0]}-{pool[-1]}")
    seen = alices(nodes, servers)
    assert len(seen) == 1 and seen <= set(pool)
    assert rules.count()["network"][network] == len(servers)


def test_clients_share_the_pool(rules, nodes):
    """Not all of sixteen get the same address."""
    rules.put("tunnel wg0 7", f"network wg0 10.8.0.0/24 {POOL[0]}-{POOL[-1]}")
    more = [f"10.8.0.{n}" for n in range(100, 116)]
    nodes["alice"].ip(*(f"addr add {address}/32 dev eth0" for address in more))
    try:
        seen = set()
        for address in more:
            nodes["alice"].ip(f"route replace {WEB}/32 via 10.8.0.1 src {address}")
            seen.add(reach(nodes["alice"], nodes["web"], WEB))
        assert len(seen) > 1 and seen <= set(POOL)
    finally:
        nodes["alice"].ip(f"route del {WEB}/32", *(f"addr del {address}/32 dev eth0"
                                                   for address in more))


def test_a_single_client_with_a_pool(rules, nodes):
    rules.put("tunnel wg0 7", "network wg0 10.8.0.0/24 masquerade",
              f"network wg0 {ALICE}/32 {POOL[1]}-{POOL[2]}")
    assert alices(nodes, [WEB]) <= set(POOL[1:3])


def test_one_prefix_for_another(rules, nodes):
    """NPTv6: the rest of the address stays, and answers come back."""
    rules.put("tunnel wg0 7", f"network wg0 fd42::/64 {PREFIX6}/64")
    assert alices(nodes, WEBS6) == {f"{PREFIX6}2"}
    assert rules.count()["network"]["fd42::/64"] == len(WEBS6)


def test_hosts_and_networks(rules, nodes):
    """A single address wins over every network around it, whatever the two want."""
    single = {"masquerade": WAN, "none": ALICE, FIXED: FIXED, "closed": None,
              f"{POOL[0]}-{POOL[1]}": POOL[:2]}
    around = ("masquerade", "none", POOL[3], "closed", f"{POOL[2]}-{POOL[3]}")
    for generation, (network, (host, expected)) in enumerate(
            (network, item) for network in around for item in single.items()):
        rules.put("tunnel wg0 7", f"network wg0 10.8.0.0/24 {network}",
                  f"network wg0 {ALICE}/32 {host}", "network wg0 10.8.0.3/32 masquerade",
                  generation=generation)
        seen = reach(nodes["alice"], nodes["web"], WEB)
        assert seen == expected or seen in (expected or ()), (network, host)


def test_listing_loads_again(rules, nodes):
    host = nodes["host"]
    rules.put(*BOTH, f"network wg0 10.7.0.0/24 {POOL[0]}-{POOL[-1]}",
              f"network wg0 10.7.1.7/32 {POOL[0]}-{POOL[-2]}", "network wg0 10.6.0.1/32 closed",
              f"network wg0 10.6.0.2/32 {FIXED}", "network wg0 10.6.0.3/32 masquerade",
              f"network wg0 {ALICE6}/128 closed", "network wg0 fd42::3/128 masquerade",
              f"network wg0 fd42::4/128 {POOL6[0]}", f"network wg0 fd47::/64 {PREFIX6}/64",
              f"network wg0 fd48::/64 {POOL6[0]}-{POOL6[-1]}")
    rules.end()
    listing = host.run("nft", "list", "ruleset").stdout
    words = " ".join(listing.split())
    for text in ("10.7.0.0/24 counter packets 0 bytes 0 : 11.0.3.20/30",
                 "10.7.1.7 counter packets 0 bytes 0 : 11.0.3.20-11.0.3.22",
                 "fd47::/64 counter packets 0 bytes 0 : 2a11:9::/64",
                 "snat ip to ip saddr map @pool4 persistent",
                 "snat ip6 prefix to ip6 saddr map @prefix6",
                 "ip saddr @masquerade-hosts4 masquerade"):
        assert text in words, text
    host.run("nft", "flush", "ruleset")
    host.nft(listing)
    assert host.run("nft", "list", "ruleset").stdout == listing
