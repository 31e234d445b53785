# SPDX-License-Identifier: GPL-2.0-or-later
"""A router that wants another lease or another port than upnp asks for, or says yes and does nothing."""

import pytest

from test_upnp import lan, start  # noqa: F401  (fixtures)
from upnp_router import HOST

HERE = "http://192.168.77.1:5000/desc.xml"
NONCE = "0102030405060708090a0b0c"
OTHER = ["192.168.77.7", 51820, "console"]


def upnp_on(lan, start, order=("upnp",), **manners):
    lan.start_rude(**{"location": HERE, **manners})
    return start(order)


def ask(upnp, external=51820, nonce=NONCE, former="", lease=7200):
    upnp.send(f"map 1 udp any 51820 {external} {lease} wireguard {nonce} {external} {former}", "ask")


def adds(lan, name="ExternalPort"):
    return [request[name] for request in lan.hears("AddPortMapping")]


# ---- the lease ----

@pytest.mark.parametrize("grants, code, lease, asked", [
    (["0"], 725, 7200, ["7200", "0"]),
    (["0"], 402, 7200, ["7200", "0"]),
    (["604800"], 402, 7200, ["7200", "0", "604800"]),
    (["604800"], 725, 7200, ["7200", "0", "604800"]),
    (["7200"], 402, 3600, ["3600", "0", "604800", "7200"])])
def test_lease_ladder(lan, start, grants, code, lease, asked):
    upnp = upnp_on(lan, start, leases=grants, lease_code=code)
    ask(upnp, lease=lease)
    assert upnp.next("mapped 1 upnp").split()[5] == grants[0]
    assert adds(lan, "LeaseDuration") == asked
    upnp.send(f"map 1 udp upnp 51820 51820 {lease} wireguard")
    assert upnp.next("mapped 1 upnp").split()[5] == grants[0]
    assert adds(lan, "LeaseDuration") == asked + grants, "it is remembered"


def test_router_that_grants_no_lease_at_all(lan, start):
    upnp = upnp_on(lan, start, leases=[])
    ask(upnp)
    upnp.next("failed 1 upnp other UPnP 402")
    assert adds(lan, "LeaseDuration") == ["7200", "0", "604800"]


def test_lease_that_does_not_grow_is_made_anew(lan, start):
    """field/routers.md 35"""
    upnp = upnp_on(lan, start, stuck="600")
    ask(upnp)
    assert upnp.next("mapped 1 upnp").split()[5] == "7200"
    upnp.send("map 1 udp upnp 51820 51820 7200 wireguard")
    assert upnp.next("mapped 1 upnp").split()[5] == "7200"
    changes = [r["what"][:6] for r in lan.heard if r["what"] in ("AddPortMapping",
                                                                  "DeletePortMapping")]
    assert changes == ["AddPor", "AddPor", "Delete", "AddPor"]


def test_shorter_lease_than_asked_is_the_lease(lan, start):
    upnp = upnp_on(lan, start, stuck="600", stuck_for_ever=True)
    ask(upnp)
    assert upnp.next("mapped 1 upnp").split()[5] == "600"
    upnp.send("map 1 udp upnp 51820 51820 7200 wireguard")
    assert upnp.next("mapped 1 upnp").split()[5] == "600"
    assert len(lan.hears("DeletePortMapping")) == 1, "once: then it is known"


def test_lease_that_never_grows_is_a_lie(lan, start):
    upnp = upnp_on(lan, start, stuck="5", stuck_for_ever=True)
    ask(upnp)
    assert "for 5 s and not for 7200 s" in upnp.next("failed 1 upnp not-done")


# ---- the port ----

@pytest.mark.parametrize("code", [718, 729, 501])
def test_port_of_another_host_is_left_and_another_taken(lan, start, code):
    upnp = upnp_on(lan, start, taken={"51820": OTHER}, conflict=code)
    ask(upnp)
    mapped = upnp.next("mapped 1 upnp")
    assert f"UPnP {code} UDP 51820 is held by 192.168.77.7 port 51820 (console)" in mapped
    assert int(mapped.split()[3]) >= 49152
    assert not lan.hears("DeletePortMapping") and len(adds(lan)) == 2


def test_other_ports_come_in_the_same_order_each_time(lan, start):
    upnp = upnp_on(lan, start, taken="all")
    ask(upnp)
    assert "held by 192.168.77.7" in upnp.next("failed 1 upnp port-taken")
    first = adds(lan)
    assert len(first) == 6 and len(set(first)) == 6, "the wanted one and five others"
    again = start(("upnp",))
    ask(again)
    again.next("failed 1 upnp port-taken")
    assert adds(lan) == first + first
    ask(again, nonce="ff" * 12)
    again.next("failed 1 upnp port-taken")
    assert not set(adds(lan)[12:]) & set(first[1:]), "another mapping has others"


def test_port_that_the_router_does_not_explain_is_taken_elsewhere(lan, start):
    """field/routers.md 38: 718, while the query says 714."""
    upnp = upnp_on(lan, start, faults={"AddPortMapping": [718]})
    ask(upnp)
    assert "does not say by whom" in upnp.next("mapped 1 upnp")


def test_igd2_chooses_the_other_port_itself(lan, start):
    upnp = upnp_on(lan, start, taken={"51820": OTHER}, description="v2")
    ask(upnp)
    assert upnp.next("mapped 1 upnp").split()[3] == "51821"
    assert adds(lan) == ["51820"] and len(lan.hears("AddAnyPortMapping")) == 1


def test_igd1_is_not_asked_for_any_port(lan, start):
    upnp = upnp_on(lan, start, taken={"51820": OTHER})
    ask(upnp)
    upnp.next("mapped 1 upnp")
    assert not lan.hears("AddAnyPortMapping")


def test_own_mapping_of_a_former_address_is_replaced(lan, start):
    upnp = upnp_on(lan, start, taken={"51820": ["192.168.77.9", 51820, "natd wireguard"]})
    ask(upnp, former="192.168.77.9")
    assert upnp.next("mapped 1 upnp").split()[3] == "51820"
    assert len(lan.hears("DeletePortMapping")) == 1


@pytest.mark.parametrize("holder", [["192.168.77.8", 51820, "natd wireguard"],
                                    ["192.168.77.9", 51821, "natd wireguard"],
                                    ["192.168.77.9", 51820, "console"]])
def test_what_only_looks_like_ours_is_left(lan, start, holder):
    """Another natd on the LAN, or another device that has our former address now."""
    upnp = upnp_on(lan, start, taken={"51820": holder})
    ask(upnp, former="192.168.77.9")
    assert upnp.next("mapped 1 upnp").split()[3] != "51820"
    assert not lan.hears("DeletePortMapping")


def test_same_ports_where_the_router_wants_them(lan, start):
    """724 SamePortValuesRequired"""
    upnp = upnp_on(lan, start, faults={"AddPortMapping": [724]})
    ask(upnp, external=1443)
    assert upnp.next("mapped 1 upnp").split()[3] == "51820"
    assert adds(lan) == ["1443", "51820"]


def test_privileged_port_that_is_refused_is_taken_elsewhere(lan, start):
    upnp = upnp_on(lan, start, faults={"AddPortMapping": [606]})
    ask(upnp, external=443)
    assert int(upnp.next("mapped 1 upnp").split()[3]) >= 49152


@pytest.mark.parametrize("code", [726, 727, 606])
def test_nothing_wider_is_asked_for(lan, start, code):
    """727 wants every port forwarded: that is not what a forward means. 606: this host may not."""
    upnp = upnp_on(lan, start, faults={"AddPortMapping": code})
    ask(upnp)
    assert f"UPnP {code}" in upnp.next("failed 1 upnp")
    assert adds(lan) == ["51820"]
    assert adds(lan, "RemoteHost") == [""]


def test_wanted_port_is_taken_back_without_a_gap(lan, start):
    upnp = upnp_on(lan, start, taken={"51820": OTHER})
    ask(upnp)
    other = upnp.next("mapped 1 upnp").split()[3]
    renew = f"map 1 udp upnp 51820 {other} 7200 wireguard {NONCE} 51820"
    upnp.send(renew)
    assert upnp.next("mapped 1 upnp").split()[3] == other, "still taken: renewed where it is"
    lan.tell(taken={})
    upnp.send(renew)
    assert upnp.next("mapped 1 upnp").split()[3] == "51820"
    last = [(r["what"], r["ExternalPort"]) for r in lan.heard if r["what"] in (
        "AddPortMapping", "DeletePortMapping")][-2:]
    assert last == [("AddPortMapping", "51820"), ("DeletePortMapping", other)]


# ---- lies ----

def test_next_protocol_is_tried_after_a_lie(lan, start):
    upnp = upnp_on(lan, start, ("upnp", "pcp"), soap="liar", pcp="ok")
    ask(upnp)
    upnp.next("mapped 1 pcp")
    assert any(line.startswith("protocol upnp error") and "said yes" in line
               for line in upnp.reports)


def test_renewal_that_was_not_done_is_said(lan, start):
    upnp = upnp_on(lan, start)
    ask(upnp)
    upnp.next("mapped 1 upnp")
    lan.tell(do="reboot")
    lan.tell(soap="liar")
    upnp.send(f"map 1 udp upnp 51820 51820 7200 wireguard {NONCE}")
    upnp.next("failed 1 upnp not-done")


# ---- what the run before knew ----

TYPE = "urn:schemas-upnp-org:service:WANIPConnection:1"
CONTROL = "http://192.168.77.1:5000/ctl/WANIPConnection"


def remembering(start, control, order=("upnp", "pcp", "nat-pmp")):
    upnp = start(order, use=False)
    upnp.send(f"service {control} {TYPE}")
    upnp.use(order)
    return upnp


def test_service_is_told_for_the_next_run(lan, start):
    upnp = upnp_on(lan, start)
    ask(upnp)
    assert upnp.next("service") == f"service {CONTROL} {TYPE}"


def test_known_service_is_asked_without_a_search(lan, start):
    lan.start_rude(location=HERE)
    upnp = remembering(start, CONTROL)
    ask(upnp)
    assert upnp.next("mapped 1 upnp").split()[3] == "51820"
    assert not lan.hears("search") and not lan.hears("get")
    assert any(line.startswith("protocol upnp ok") for line in upnp.reports)


def test_known_service_removes_without_a_search(lan, start):
    lan.start_rude(location=HERE, holder=[HOST, 51820])
    upnp = remembering(start, CONTROL)
    upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")
    assert lan.hears("DeletePortMapping") and not lan.hears("search")


@pytest.mark.parametrize("control", [CONTROL.replace("5000", "5009"), CONTROL + "-gone",
                                     "http://192.168.77.66/ctl", "http://8.8.8.8/", "junk"])
def test_service_that_is_not_there_any_more_is_searched(lan, start, control):
    lan.start_rude(location=HERE, only_path="/ctl/WANIPConnection")
    upnp = remembering(start, control)
    ask(upnp)
    upnp.next("mapped 1 upnp")
    assert lan.hears("search") and lan.hears("get")


def test_known_service_does_not_hold_up_a_preferred_pcp(lan, start):
    lan.start_rude(location=HERE, pcp="ok")
    upnp = remembering(start, CONTROL, ("pcp", "upnp"))
    ask(upnp)
    upnp.next("mapped 1 pcp")
    assert not lan.hears("AddPortMapping")


# ---- this host's former address ----

FORMER = "192.168.77.9"
MOVED = f"map 1 udp any 51820 51820 7200 wireguard {'0a' * 12} 51820 {FORMER} "


def moved(lan, start, order, was, **manners):
    """upnp of a host that had another address when `was` was granted."""
    lan.start_rude(location=HERE, **manners)
    upnp = start(order)
    upnp.send(MOVED + was, "ask")
    return upnp


def test_what_pcp_gave_the_former_address_is_removed_by_upnp(lan, start):
    """PCP cannot; a router that is not strict lets UPnP do it."""
    upnp = moved(lan, start, ("pcp", "upnp"), "pcp 51820", pcp="ok", given=51821,
                 taken={"51820": [FORMER, "51820", "PCP MAP 0a0a"]})
    upnp.next("mapped 1 pcp 51821")
    upnp.next(f"holder 1 {FORMER} removed")
    assert [one["ExternalPort"] for one in lan.hears("DeletePortMapping")] == ["51820"]


@pytest.mark.parametrize("taken", [["192.168.77.7", "51820", "PCP MAP 0a0a"],
                                   [FORMER, "1194", "PCP MAP 0a0a"]])
def test_what_is_not_ours_is_told_and_stays(lan, start, taken):
    upnp = moved(lan, start, ("pcp", "upnp"), "pcp 51820", pcp="ok", given=51821,
                 taken={"51820": taken})
    upnp.next("mapped 1 pcp 51821")
    upnp.next(f"holder 1 {taken[0]} stays")
    assert not lan.hears("DeletePortMapping")


def test_other_port_of_the_former_address_is_removed(lan, start):
    upnp = moved(lan, start, ("upnp",), "upnp 49200",
                 taken={"49200": [FORMER, "51820", "natd wireguard"]})
    upnp.next("mapped 1 upnp 51820")
    assert [one["ExternalPort"] for one in lan.hears("DeletePortMapping")] == ["49200"]


# ---- round trips until the port is open: each request is a connection and a question, so two ----

def requests_until_open(lan):
    """The HTTP requests up to the one that opens the port."""
    asked = [one["what"] for one in lan.heard if "path" in one]
    return asked[:asked.index("AddPortMapping") + 1]


def test_round_trips_of_a_cold_start(lan, start):
    upnp = upnp_on(lan, start)
    ask(upnp)
    upnp.next("mapped 1 upnp")
    assert 2 * len(requests_until_open(lan)) <= 6


def test_round_trips_with_the_service_of_the_run_before(lan, start):
    lan.start_rude(location=HERE)
    upnp = remembering(start, CONTROL)
    ask(upnp)
    upnp.next("mapped 1 upnp")
    assert requests_until_open(lan) == ["AddPortMapping"]
    assert not lan.hears("search")
