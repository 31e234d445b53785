# SPDX-License-Identifier: GPL-2.0-or-later
"""One entry is changed without writing the rest: test_rules.py's network."""

import json
import random
import re

from lab.process import wait_until
from test_rules import (ALICE, ALICE6, BOB, BOTH, FIXED, WAN, WEB, nodes, reach, rules)
from test_rules_publish import call

__all__ = ["nodes", "rules"]  # fixtures

WEB_PORT = f"publish 6 443 443 {ALICE} 8443 1"


def handle(nodes):
    """The handle of the table: another one after it was written whole."""
    tables = json.loads(nodes["host"].run("nft", "-j", "list", "tables").stdout)["nftables"]
    return next(item["table"]["handle"] for item in tables
                if item.get("table", {}).get("name") == "natd")


def test_an_entry_more_and_an_entry_less(rules, nodes):
    rules.put(*BOTH, f"publish 6 1 5000 {ALICE} 1 1")
    before = handle(nodes)
    assert call(nodes["web"], nodes["alice"], WAN, 443, 443) == WEB
    rules.put(*BOTH, f"publish 6 1 5000 {ALICE} 1 1", f"publish 17 77 77 {BOB} 77 0",
              f"network wg0 {ALICE}/32 {FIXED}", generation=2)
    assert reach(nodes["alice"], nodes["web"], WEB) == FIXED
    assert "udp . 77" in nodes["host"].ruleset()
    rules.put(*BOTH, f"publish 6 1 5000 {ALICE} 1 1", generation=3)
    assert reach(nodes["alice"], nodes["web"], WEB) == WAN
    assert "udp . 77" not in nodes["host"].ruleset()
    assert handle(nodes) == before
    # What stayed went on counting.
    assert rules.count()["publish"][2, 6, 1] == 1


def test_an_entry_that_changes_goes_on_counting(rules, nodes):
    rules.put(*BOTH, WEB_PORT)
    before = handle(nodes)
    assert call(nodes["web"], nodes["alice"], WAN, 443, 8443) == WEB
    rules.put(*BOTH, f"publish 6 443 443 {ALICE} 8444 1", generation=2)
    assert call(nodes["web"], nodes["alice"], WAN, 443, 8444) == WEB
    assert handle(nodes) == before
    assert rules.count()["publish"][2, 6, 443] == 2


def test_a_network_in_another_set_goes_on_counting(rules, nodes):
    for generation, egress in enumerate((FIXED, "masquerade", "closed", FIXED), 1):
        rules.put("tunnel wg0 7", f"network wg0 {ALICE}/32 {egress}", generation=generation)
        if generation == 1:
            before = handle(nodes)
            for port in range(4100, 4105):
                assert reach(nodes["alice"], nodes["web"], WEB, port) == FIXED
    assert rules.count()["network"] == {f"{ALICE}/32": 5}
    assert handle(nodes) == before


def test_after_a_strangers_change_it_is_whole_again(rules, nodes):
    """He removes what the next change would remove, or the table."""
    rules.put(*BOTH, WEB_PORT)
    for generation, theirs in enumerate(("delete element inet natd publish4 { tcp . 443 }",
                                         "flush ruleset", "add table ip other"), 2):
        nodes["host"].nft(theirs)
        rules.put(*BOTH, generation=2 * generation)
        wait_until(lambda: "tcp . 443" not in nodes["host"].ruleset(), 10, "the change")
        rules.put(*BOTH, WEB_PORT, generation=2 * generation + 1)
        wait_until(lambda: "tcp . 443" in nodes["host"].ruleset(), 10, "the change back")
    assert call(nodes["web"], nodes["alice"], WAN, 443, 8443) == WEB


def some_set(chance):
    """Items by chance, but none that contradict each other."""
    egress = ("masquerade", "none", "closed", FIXED, "11.0.3.20-11.0.3.23")
    items = ["tunnel wg0 7", f"tunnel wg1 {chance.choice((1, 3, 7))}"]
    for network in ("10.8.0.0/24", "10.8.0.0/16", "10.8.0.128/25", "10.8.0.2/32", "10.8.0.3/32",
                    "10.8.0.4/32", "10.8.1.0/24", "0.0.0.0/0", "255.0.0.0/8"):
        if chance.random() < 0.6:
            items.append(f"network wg0 {network} {chance.choice(egress)}")
    for network in ("fd42::/64", f"{ALICE6}/128", "fd42::3/128", "fd43::/64"):
        if chance.random() < 0.6:
            items.append(f"network wg1 {network} {chance.choice(('masquerade', '2a11:9::/64'))}")
    for port in range(1, 12):
        if chance.random() < 0.5:
            items.append(f"publish {chance.choice((6, 17))} {port} {port} {ALICE} "
                         f"{chance.randrange(1, 99)} {chance.randrange(2)}")
        if chance.random() < 0.4:
            items.append(f"port 17 {port}")
    if chance.random() < 0.5:
        items.append("lan 192.168.77.0/24")
    return items


def listing(nodes):
    """Of both tables, in an order of its own: a hash has none."""
    text = nodes["host"].run("nft", "-s", "list", "ruleset").stdout
    return sorted(re.split(r"[\n,{}]\s*", text))


def test_a_changed_table_is_the_same_as_a_new_one(rules, nodes):
    chance = random.Random(4711)
    rules.put(*some_set(chance))
    for generation in range(2, 12):
        before = handle(nodes)
        items = some_set(chance)
        rules.put(*items, generation=generation)
        assert handle(nodes) == before
        changed = listing(nodes)
        rules.say("remove 1")
        rules.wait("removed")
        rules.put(*items, generation=generation)
        assert handle(nodes) != before
        assert listing(nodes) == changed, items
