# SPDX-License-Identifier: GPL-2.0-or-later
"""PCP alone, against a server that knows nothing of natd's codec (pcp_server.py, by RFC 6887): its answers
are understood, natd's requests break none of its rules, and what breaks them is not believed."""

import pytest

from test_upnp import lan, start  # noqa: F401  (fixtures)
from upnp_router import GATEWAY, HOST

NONCE = "0a" * 12
RENEW = f"map 1 udp pcp 51820 51820 7200 wireguard {NONCE}"
UNMAP = f"unmap 1 udp pcp 51820 51820 0 wireguard {NONCE}"


def asked(lan, start, **manners):
    """upnp, after it has asked such a server for a mapping."""
    lan.start_rude("pcp_server.py", **manners)
    upnp = start(("pcp",))
    upnp.send(RENEW.replace("udp pcp", "udp any"), "ask")
    return upnp


def table(lan):
    lan.tell()
    return lan.hears("table")[-1]["ports"]


def assert_by_the_rules(lan):
    requests = [one for one in lan.heard if "faults" in one]
    assert requests and not [one for one in requests if one["faults"] or one["version"] != 2], requests


def test_no_rule_is_broken(lan, start):
    upnp = asked(lan, start)
    assert upnp.next("mapped 1 pcp").split()[3:6] == ["51820", "11.0.0.2", "7200"]
    upnp.send(RENEW)
    upnp.next("mapped 1 pcp")
    upnp.send("map 2 tcp pcp 443 8443 3600 web")
    assert upnp.next("mapped 2 pcp").split()[3] == "8443"
    upnp.send("probe")
    upnp.next("probed")
    assert table(lan) == [8443, 51820]
    upnp.send(UNMAP, "unmap 2 tcp pcp 443 8443 0 web")
    assert {upnp.next("unmapped") for _ in range(2)} == {"unmapped 1 removed ", "unmapped 2 removed "}
    assert table(lan) == []
    assert_by_the_rules(lan)
    maps = lan.hears("map")
    assert lan.hears("announce") and {one["source"] for one in maps} == {HOST}
    # 11.2.1: a renewal suggests the address that was assigned, a first request none
    assert [one["suggested"] for one in maps][:2] == ["0.0.0.0", "11.0.0.2"]


@pytest.mark.parametrize("manners, lifetime, port", [
    ({"shortest": 10000}, "10000", "51820"), ({"longest": 20}, "20", "51820"),
    ({"ports": [5472, 5487]}, "7200", "5472")])
def test_what_it_grants_counts(lan, start, manners, lifetime, port):
    granted = asked(lan, start, **manners).next("mapped 1 pcp").split()
    assert (granted[3], granted[5]) == (port, lifetime)


@pytest.mark.parametrize("result, failure", [
    (2, "host-refused"), (3, "other"), (4, "other"), (5, "other"), (6, "other"), (7, "network-failure"),
    (8, "no-resources"), (9, "other"), (10, "no-resources"), (11, "port-taken"), (12, "other"),
    (13, "no-resources"), (99, "other")])
def test_each_result(lan, start, result, failure):
    upnp = asked(lan, start, results={"1": result})
    assert upnp.next("failed 1").startswith(f"failed 1 pcp {failure} PCP {result} ")
    assert_by_the_rules(lan)


def test_one_that_knows_no_announcement(lan, start):
    upnp = asked(lan, start, results={"0": 4})
    upnp.next("mapped 1 pcp")
    upnp.send("probe")
    upnp.next("probed")
    assert not upnp.heard("lost", "protocol pcp error")


@pytest.mark.parametrize("options", [
    "c8000000",                    # optional to process, empty
    "c80000050102030405000000",    # and of five octets, padded
    "02000000",                    # PREFER_FAILURE, in an answer
    "7f00000401020304"])           # mandatory to process: for servers (7.3)
def test_options_in_an_answer_are_stepped_over(lan, start, options):
    asked(lan, start, options=options).next("mapped 1 pcp")


@pytest.mark.parametrize("change", [
    [24, "ff" * 12],   # the nonce
    [36, "06"],        # the protocol
    [40, "0001"],      # the internal port
    [1, "01"],         # a request
    [1, "82"],         # PEER
    [0, "03"]])        # another version, without saying so
def test_answer_to_another_question_is_none(lan, start, change):
    upnp = asked(lan, start, change=change)
    upnp.next("failed 1 any no-protocol")
    assert not upnp.heard("mapped", "wan")


@pytest.mark.parametrize("cut", [4, 20, 24, 44, 59])
def test_answer_that_is_cut_is_none(lan, start, cut):
    """The next one is whole."""
    upnp = asked(lan, start, cut=[cut])
    assert upnp.next("mapped 1 pcp").split()[3] == "51820"
    assert len(lan.hears("map")) == 2


def test_answers_that_come_thrice(lan, start):
    upnp = asked(lan, start, repeat=3)
    upnp.next("mapped 1 pcp")
    upnp.send(UNMAP)
    upnp.next("unmapped 1 removed")
    assert len(upnp.heard("mapped")) == 1
    assert table(lan) == []


def test_mapping_of_another_client(lan, start):
    """It has the same address and port, and another nonce: neither renewed nor removed."""
    upnp = asked(lan, start)
    upnp.next("mapped 1 pcp")
    lan.tell(do="steal")
    upnp.send(RENEW)
    assert "PCP 2 NOT_AUTHORIZED" in upnp.next("failed 1 pcp host-refused")
    upnp.send(UNMAP)
    assert "PCP 2 NOT_AUTHORIZED" in upnp.next("unmapped 1 kept")


def test_address_that_is_not_the_clients(lan, start):
    """A request that names one address and leaves from another (ADDRESS_MISMATCH)."""
    lan.ip(lan.host, "addr add 192.168.77.3/24 dev eth0")
    lan.start_rude("pcp_server.py")
    upnp = start(use=False)
    upnp.send(f"use {GATEWAY} 192.168.77.3 eth0 24 1 0 pcp", RENEW.replace("udp pcp", "udp any"), "ask")
    upnp.next("mapped 1 pcp")
    assert {one["source"] for one in lan.hears("map")} == {"192.168.77.3"}
    assert_by_the_rules(lan)


def test_restart_is_seen_in_the_next_answer(lan, start):
    upnp = asked(lan, start, epoch=50000)
    upnp.next("mapped 1 pcp")
    lan.tell(do="reboot", epoch=0)
    upnp.send(RENEW)
    upnp.next("lost pcp 0")
    upnp.next("mapped 1 pcp")
    assert table(lan) == [51820]
