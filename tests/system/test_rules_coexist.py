# SPDX-License-Identifier: GPL-2.0-or-later
"""What the rules process sees of other firewalls, and puts into them: test_rules.py's network."""

import subprocess

import pytest

from lab.process import LabError, wait_until
from test_rules import (ALICE, BOTH, EVERYWHERE, NAS, WEB, WEB6, Rules, nodes, reach,
                        rules)  # nodes and rules are fixtures

__all__ = ["nodes", "rules"]

CLOSED = "table %s { chain %s { type filter hook forward priority 0; policy drop; }; }\n"
WG0 = ("tunnel wg0 7", "network wg0 10.8.0.0/24 masquerade", "lan 192.168.77.0/24")


@pytest.fixture(autouse=True)
def end_of_iptables(nodes):
    yield
    nodes["host"].run("nft", "flush", "ruleset")


def look(rules, timeout=10):
    """The firewalls of the next look: {"ip filter FORWARD": {"closes": "1", ...}}."""
    found = {}
    while True:
        word, rest = rules.lines.get(timeout=timeout)
        words = rest.split()
        if word == "firewall":
            family = {"0": "inet", "2": "ip", "10": "ip6"}[words[1]]
            found[f"{family} {words[2]} {words[3]}"] = dict(part.split("=") for part in words[4:])
        elif word == "scanned":
            return found


def chain(node, *name):
    return node.run("nft", "--stateless", "list", "chain", *name).stdout


def accepts(node, *name):
    """The comments of natd's rules in a chain, in their order."""
    return [line.split('"natd: ')[1].rstrip('"')
            for line in chain(node, *name).splitlines() if '"natd: ' in line]


ALL = ["from wg0", "answers to wg0", "published to wg0"]


def wait_accepts(node, wanted, *name):
    wait_until(lambda: accepts(node, *name) == wanted, 15, f"{wanted} in {name}")


# ---- what it puts where ----

@pytest.mark.parametrize("table", ["filter", "mangle", "security"])
def test_iptables_lists_and_restores_them(rules, nodes, table):
    host = nodes["host"]
    host.run("iptables", "-t", table, "-P", "FORWARD", "DROP")
    host.run("iptables", "-t", table, "-A", "FORWARD", "-i", "lan0", "-j", "ACCEPT")
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_accepts(host, ALL, "ip", table, "FORWARD")
    listed = host.run("iptables", "-t", table, "-S", "FORWARD")
    assert listed.stdout.splitlines() == [
        "-P FORWARD DROP",
        '-A FORWARD -i wg0 -m comment --comment "natd: from wg0" -j ACCEPT',
        "-A FORWARD -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED "
        '-m comment --comment "natd: answers to wg0" -j ACCEPT',
        "-A FORWARD -o wg0 -m conntrack --ctstate DNAT "
        '-m comment --comment "natd: published to wg0" -j ACCEPT',
        "-A FORWARD -i lan0 -j ACCEPT"]
    assert "incompatible" not in listed.stdout + listed.stderr
    saved = host.run("iptables-save").stdout
    rules.end()
    restored = subprocess.run(host.command("iptables-restore"), input=saved, text=True,
                              capture_output=True, check=False)
    assert restored.returncode == 0, restored.stderr
    assert host.run("iptables", "-t", table, "-S", "FORWARD").stdout == listed.stdout


@pytest.mark.parametrize("table,name", [("inet filter", "forward"), ("ip mine", "gate"),
                                        ("ip6 filter", "forward")])
def test_native_tables_list_and_load_again(rules, nodes, table, name):
    host = nodes["host"]
    host.nft(CLOSED % (table, name))
    rules.say("coexist 1 1")
    rules.put(*BOTH)
    wait_until(lambda: len(accepts(host, *table.split(), name)) == 6, 15, "the accepts")
    rules.end()
    listing = host.run("nft", "list", "ruleset").stdout
    host.run("nft", "flush", "ruleset")
    host.nft(listing)
    assert host.run("nft", "list", "ruleset").stdout == listing


def test_a_table_whose_name_only_begins_as_ours(rules, nodes):
    host = nodes["host"]
    host.nft(CLOSED % ("inet natd-mine", "gate"))
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_accepts(host, ALL, "inet", "natd-mine", "gate")
    rules.say(f"trace 1 {ALICE} {WEB}")
    assert rules.wait("tracing") == ["1", "0"]
    assert set(look(rules)) == {"inet natd-mine gate"}
    assert reach(nodes["alice"], nodes["web"], WEB)
    rules.say("untrace 1")


def test_the_tunnels_packets_pass_and_no_others(rules, nodes):
    host = nodes["host"]
    host.run("iptables", "-P", "FORWARD", "DROP")
    rules.put(*WG0, "port 17 51820")
    rules.say("coexist 1 0")
    assert reach(nodes["alice"], nodes["web"], WEB) is None
    rules.say("coexist 1 1")
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    assert reach(nodes["alice"], nodes["web"], WEB)
    assert reach(nodes["alice"], nodes["nas"], NAS)
    assert reach(nodes["nas"], nodes["web"], WEB) is None      # not ours
    assert reach(nodes["bob"], nodes["web"], WEB) is None      # a tunnel that is not in the set
    assert reach(nodes["web"], nodes["alice"], ALICE) is None  # from outside: not published
    assert reach(nodes["nas"], nodes["alice"], ALICE) is None  # nor begun by the home network
    rules.put(*WG0, f"publish 6 443 443 {ALICE} 443 1", generation=2)
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    with_port = host.run("nft", "list", "table", "inet", "natd").stdout
    assert "tcp . 443" in with_port


def test_reach_is_decided_by_our_own_table(rules, nodes):
    host = nodes["host"]
    host.run("iptables", "-P", "FORWARD", "DROP")
    rules.say("coexist 1 1")
    rules.put("tunnel wg0 2", *WG0[1:])  # the home network, not the internet
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    assert reach(nodes["alice"], nodes["web"], WEB) is None
    assert reach(nodes["alice"], nodes["nas"], NAS)


def test_a_family_without_clients_gets_none(rules, nodes):
    host = nodes["host"]
    host.nft(CLOSED % ("ip6 filter", "FORWARD") + CLOSED % ("ip filter", "FORWARD"))
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    assert accepts(host, "ip6", "filter", "FORWARD") == []


def test_a_comment_of_somebody_else_stays(rules, nodes):
    """And a rule in a table of which nobody else may remove it is no reason to put none elsewhere."""
    host = nodes["host"]
    host.run("iptables", "-P", "FORWARD", "DROP")
    host.nft('add rule ip filter FORWARD iifname "lan0" counter accept '
             'comment "natd: from here the home network"')
    host.nft("table inet mine { chain in { type filter hook input priority 0; "
             'udp dport 51820 accept comment "natd: wireguard"; }; }')
    with subprocess.Popen(host.command("nft", "-i"), stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, text=True) as owner:
        owner.stdin.write("add table inet other { flags owner; }\n"
                          "add chain inet other gate { type filter hook forward priority 0; }\n"
                          'add rule inet other gate iifname "wg0" accept comment "natd: from wg0"\n')
        owner.stdin.flush()
        wait_until(lambda: "natd: from" in host.run("nft", "list", "ruleset").stdout.split("gate")[-1],
                   15, "the rule")
        rules.say("coexist 1 1")
        rules.put(*WG0)
        wait_accepts(host, [*ALL, "from here the home network"], "ip", "filter", "FORWARD")
        rules.say("remove 1")
        rules.wait("removed")
        assert accepts(host, "ip", "filter", "FORWARD") == ["from here the home network"]
        assert accepts(host, "inet", "mine", "in") == ["wireguard"]
        owner.stdin.close()


def test_docker_user_only_where_it_is_asked(rules, nodes):
    host = nodes["host"]
    for line in ("-P FORWARD DROP", "-N DOCKER-USER", "-A DOCKER-USER -j RETURN"):
        host.run("iptables", *line.split())
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    host.run("iptables", "-I", "FORWARD", "-j", "DOCKER-USER")
    wait_accepts(host, ALL, "ip", "filter", "DOCKER-USER")
    assert accepts(host, "ip", "filter", "FORWARD") == []
    assert reach(nodes["alice"], nodes["web"], WEB)


def test_chains_that_let_through_are_left_alone(rules, nodes):
    host = nodes["host"]
    host.run("iptables", "-A", "FORWARD", "-i", "lan0", "-j", "DROP")
    host.nft("table inet mine { chain gate { type filter hook forward priority 0; "
             "ct state invalid drop; }; chain post { type nat hook postrouting priority 0; }; }")
    before = {name: chain(host, *name) for name in (("ip", "filter", "FORWARD"),
                                                    ("inet", "mine", "gate"))}
    rules.say("coexist 1 1")
    rules.put(*WG0)
    assert reach(nodes["alice"], nodes["web"], WEB)
    found = look(rules)
    assert found["ip filter FORWARD"]["closes"] == "0"
    assert found["inet mine gate"]["closes"] == "0"
    assert "inet mine post" in found
    assert {name: chain(host, *name) for name in before} == before


def test_a_last_rule_closes_like_a_policy(rules, nodes):
    """As on cloud images of Red Hat's family and Oracle's: policy accept, then reject all."""
    host = nodes["host"]
    host.run("iptables", "-A", "FORWARD", "-j", "REJECT")
    host.nft("table inet mine { chain gate { type filter hook forward priority 0; "
             "counter reject; }; }")
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    wait_accepts(host, ALL, "inet", "mine", "gate")
    assert reach(nodes["alice"], nodes["web"], WEB)


def test_a_chain_to_which_all_is_led_closes_too(rules, nodes):
    """As in many a script: log what is left, and drop it."""
    host = nodes["host"]
    for line in ("-N LOGDROP", "-A LOGDROP -m limit --limit 5/min -j LOG", "-A LOGDROP -j DROP",
                 "-N REST", "-A REST -j LOGDROP", "-A FORWARD -i lan0 -j ACCEPT",
                 "-A FORWARD -j REST", "-N SOME", "-A SOME -j DROP", "-A OUTPUT -o lan0 -j SOME"):
        host.run("iptables", *line.split())
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    found = look(rules)
    assert found["ip filter FORWARD"]["closes"] == "1"
    assert found["ip filter OUTPUT"]["closes"] == "0"
    assert reach(nodes["alice"], nodes["web"], WEB)


def test_what_only_its_program_may_change_is_told(rules, nodes):
    host = nodes["host"]
    with subprocess.Popen(host.command("nft", "-i"), stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, text=True) as owner:
        owner.stdin.write("add table inet other { flags owner; }\n" +
                          "add chain inet other gate { type filter hook forward priority 0; "
                          "policy drop; }\n")
        owner.stdin.flush()
        wait_until(lambda: "gate" in host.run("nft", "list", "chains").stdout, 15, "the chain")
        rules.say("coexist 1 1")
        rules.put(*WG0)
        found = look(rules)
        assert found["inet other gate"]["closes"] == "1"
        assert found["inet other gate"]["passed"] == "0"
        assert found["inet other gate"]["owner"] == "5"
        owner.stdin.close()


# ---- for how long ----

def test_put_back_and_taken_away(rules, nodes):
    host = nodes["host"]
    host.run("iptables", "-P", "FORWARD", "DROP")
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    host.run("iptables", "-F", "FORWARD")
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    host.run("iptables", "-I", "FORWARD", "-i", "wg0", "-j", "DROP")  # before ours
    wait_until(lambda: accepts(host, "ip", "filter", "FORWARD") == ALL
               and reach(nodes["alice"], nodes["web"], WEB), 15, "the accepts at the head")
    rules.put(*WG0, "tunnel wg1 7", "network wg1 10.9.0.0/24 masquerade", generation=2)
    wait_until(lambda: len(accepts(host, "ip", "filter", "FORWARD")) == 6, 15, "wg1 as well")
    rules.say("coexist 1 0")
    wait_accepts(host, [], "ip", "filter", "FORWARD")
    rules.say("coexist 1 1")
    wait_until(lambda: len(accepts(host, "ip", "filter", "FORWARD")) == 6, 15, "both again")
    rules.say("remove 1")
    rules.wait("removed")
    assert accepts(host, "ip", "filter", "FORWARD") == []
    assert "-i wg0 -j DROP" in host.run("iptables", "-S").stdout  # not ours: it stays


def test_what_iptables_has_saved_and_loaded_again(rules, nodes):
    """At a shutdown and the next start, mostly: the comments are iptables' own then."""
    host = nodes["host"]
    host.run("iptables", "-P", "FORWARD", "DROP")
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    listed = host.run("iptables", "-S", "FORWARD").stdout
    saved = host.run("iptables-save").stdout
    subprocess.run(host.command("iptables-restore"), input=saved, text=True, check=True)
    host.run("iptables", "-I", "FORWARD", "-i", "lan0", "-j", "ACCEPT")
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")  # at the head again, and once
    assert host.run("iptables", "-S", "FORWARD").stdout == listed + "-A FORWARD -i lan0 -j ACCEPT\n"
    subprocess.run(host.command("iptables-restore"), input=saved, text=True, check=True)
    rules.say("remove 1")
    rules.wait("removed")
    assert host.run("iptables", "-S", "FORWARD").stdout == "-P FORWARD DROP\n"


def test_a_comment_is_no_condition(rules, nodes):
    host = nodes["host"]
    host.run("iptables", "-A", "FORWARD", "-m", "comment", "--comment", "and no more", "-j", "DROP")
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    assert reach(nodes["alice"], nodes["web"], WEB)


@pytest.mark.parametrize("coexist", [0, 1])
def test_what_a_killed_run_left(nodes, rules, coexist):
    """Its accepts, for a tunnel that is there no more, go or stay as the next one is told."""
    host = nodes["host"]
    host.run("iptables", "-P", "FORWARD", "DROP")
    first = Rules(host)
    first.say("coexist 1 1")
    first.put("tunnel wg1 7", "network wg1 10.9.0.0/24 masquerade")
    wait_until(lambda: len(accepts(host, "ip", "filter", "FORWARD")) == 3, 15, "wg1's")
    first.end()
    assert len(accepts(host, "ip", "filter", "FORWARD")) == 3
    rules.say(f"coexist 1 {coexist}")
    rules.put(*WG0)
    wait_accepts(host, ALL if coexist else [], "ip", "filter", "FORWARD")


def test_a_contest_is_no_storm(rules, nodes):
    """Another program takes them away as often as it can: natd becomes slower, and wins at the end."""
    host = nodes["host"]
    host.run("iptables", "-P", "FORWARD", "DROP")
    rules.say("coexist 1 1")
    rules.put(*WG0)
    for _ in range(4):
        wait_accepts(host, ALL, "ip", "filter", "FORWARD")
        host.run("iptables", "-F", "FORWARD")
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    looks = 0
    while not rules.lines.empty():
        looks += rules.lines.get()[0] == "scanned"
    assert looks <= 12


# ---- what it sees ----

def test_who_and_how_much(rules, nodes):
    host = nodes["host"]
    for line in ("-P FORWARD DROP", "-N ufw-before-input", "-A INPUT -j ufw-before-input",
                 "-A ufw-before-input -p udp --dport 4000 -j DROP", "-P INPUT DROP",
                 "-I INPUT -i lo -j ACCEPT"):
        host.run("iptables", *line.split())
    host.nft("table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; "
             "counter reject; }; }")
    host.nft("table inet mine { chain gate { type filter hook input priority 10; policy drop; "
             "accept; }; }")
    rules.say("coexist 1 0")
    rules.put(*WG0)
    assert reach(nodes["alice"], nodes["web"], WEB) is None
    assert reach(nodes["web"], nodes["host"], "11.0.3.1") is None
    rules.count()

    def counted():
        rules.say("count 1")
        try:
            found = look(rules, 2)
        except Exception:  # asked twice within a second: no new look
            return None
        return found if found["ip filter FORWARD"]["dropped"] != "0" else None

    found = wait_until(counted, 20, "counted drops", every=1.1) or counted()
    wait_until(lambda: found is not None, 1)
    assert found["ip filter FORWARD"]["owner"] == "2"   # ufw
    assert found["ip filter INPUT"]["owner"] == "2"
    assert int(found["ip filter INPUT"]["dropped"]) > 0
    assert found["inet firewalld filter_FORWARD"]["owner"] == "4"
    assert found["inet firewalld filter_FORWARD"]["closes"] == "1"
    assert found["inet mine gate"]["owner"] == "0"
    assert found["inet mine gate"]["hook"] == "0"
    assert "inet natd forwarding" not in found
    # firewalld's table is not ours to write into, whatever it drops
    rules.say("coexist 1 1")
    wait_accepts(host, ALL, "ip", "filter", "FORWARD")
    assert accepts(host, "inet", "firewalld", "filter_FORWARD") == []


@pytest.mark.parametrize("nft,told", [("wan0", "wan0"), ("wan*", "wan+"),
                                      ("fifteen-letters", "fifteen-letters"),
                                      ("fourteen-more-*", "fourteen-more-+")])
@pytest.mark.parametrize("iptables", [False, True])
def test_by_which_way_out_another_masquerades(rules, nodes, nft, told, iptables):
    host = nodes["host"]
    if iptables:
        host.run("iptables", "-t", "nat", "-A", "POSTROUTING", "-o", told, "-j", "MASQUERADE")
    else:
        host.nft("table ip mine { chain post { type nat hook postrouting priority srcnat; "
                 f'oifname "{nft}" masquerade; }}; }}')
    rules.put(*WG0)
    assert rules.wait("way-out")[4] == f'"{told}"'


def test_counts_what_passes(rules, nodes):
    host = nodes["host"]
    rules.say("coexist 1 0")
    rules.put(*WG0)
    reach(nodes["alice"], nodes["web"], WEB)
    host.run("iptables", "-P", "FORWARD", "DROP")
    reach(nodes["alice"], nodes["web"], WEB)
    rules.say("count 1")
    words = rules.wait("tunnel")
    allowed, passed = int(words[5]), int(words[6])
    assert passed == 1          # a new connection's first packet
    assert allowed >= passed + 1


def test_many_foreign_rules(rules, nodes):
    """A ruleset of ten thousand rules is looked at and no reason to be late."""
    host = nodes["host"]
    host.nft("table ip mine {\n" + "".join(
        f"chain c{i} {{\n" + "".join(f"ip saddr 10.{i}.{j}.1 counter drop\n" for j in range(100)) +
        "}\n" for i in range(100)) +
        "chain gate { type filter hook forward priority 0; policy drop; " +
        "".join(f"jump c{i}\n" for i in range(100)) + "}\n}\n")
    rules.say("coexist 1 1")
    rules.put(*WG0)
    wait_until(lambda: len(accepts(host, "ip", "mine", "gate")) == 3, 15, "the accepts")
    assert reach(nodes["alice"], nodes["web"], WEB)


def test_garbage_is_refused(nodes):
    running = Rules(nodes["host"])
    running.say("coexist 1 2")
    assert int(running.wait("gone")[0]) != 0
    assert "coexist = 2: not from this build of natd" in running.log.read_text()
    running.log.unlink()
