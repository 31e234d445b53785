# SPDX-License-Identifier: GPL-2.0-or-later
"""Quirks of routers that somebody has met (tests/QUIRKS has the list), one test each; those that have
their place in another file are there."""

import time

import pytest

from test_upnp import lan, start  # noqa: F401  (fixtures)
from test_upnp_ladder import adds, upnp_on
from upnp_router import run, wait_for

HERE = "http://192.168.77.1:5000/desc.xml"
UPNP = ("upnp",)


def mapped(lan, start, order=UPNP, via="upnp", **manners):
    """upnp, once it has a mapping from a router of these manners."""
    upnp = upnp_on(lan, start, order, **manners)
    upnp.open()
    upnp.next(f"mapped 1 {via}")
    return upnp


# ---- discovery ----

@pytest.mark.parametrize("target", ["InternetGatewayDevice:1", "InternetGatewayDevice:2",
                                    "WANIPConnection:1", "WANIPConnection:2", "WANPPPConnection:1",
                                    "upnp:rootdevice"])
def test_router_that_knows_one_search_only(lan, start, target):
    """1: the Sagemcom says to others that it is a device of Wi-Fi Protected Setup."""
    mapped(lan, start, targets=[target])


def test_answer_to_a_search_from_another_port(lan, start):
    """3, 4: not from port 1900."""
    mapped(lan, start, search="unicast")


def test_location_of_ipv6(lan, start):
    """7: asked over IPv4, it says where it is in IPv6."""
    mapped(lan, start, location="http://[fe80::1:2%25lan0]:5000/desc.xml")
    assert {request["host"] for request in lan.hears("get")} == {"192.168.77.1:5000"}


def test_nothing_is_searched_over_ipv6(lan, start):
    """8: a FRITZ!Box that is asked over both at once answers neither well."""
    for name, link in ((lan.router, "lan0"), (lan.host, "eth0")):
        lan.ip(name, f"addr add fe80::77:{1 if link == 'lan0' else 2}/64 dev {link} nodad")
        wait_for(lambda: "ff00::/8" in run("ip", "-n", name, "-6", "route", "show", "table", "local",
                                           "dev", link), 20, "IPv6 on the link")
    lan.start_rude()
    upnp = start(UPNP)
    upnp.open()
    upnp.next("failed 1 any no-protocol")
    assert lan.hears("search") and not [one for one in lan.hears("search") if one["ipv6"]]


def neighbour(lan):
    """A television: it answers before the router, and where it says that it is, the gateway has nothing."""
    lan.ip(lan.router, "addr add 192.168.77.66/24 dev lan0")
    return {"192.168.77.66": "http://192.168.77.66:5000/television.xml"}


def test_neighbour_that_answers_is_not_read_first(lan, start):
    """9: others answer as well, and their URLs hang."""
    mapped(lan, start, neighbours=neighbour(lan),
           description={"/television.xml": "drip", "/desc.xml": "plain"})
    assert [one["path"] for one in lan.hears("get")] == ["/desc.xml"]


def test_repeater_is_not_asked(lan, start):
    """10: a repeater offers an IGD of its own, and the router is not found; only the gateway is asked."""
    mapped(lan, start, neighbours=neighbour(lan), location="http://8.8.8.8/desc.xml")
    assert {one["host"] for one in lan.hears("get")} == {"192.168.77.1:5000"}


def test_router_that_is_found_no_more(lan, start):
    """11: OPNsense answers no search after some minutes; the service is where it was."""
    upnp = mapped(lan, start)
    # one to the router, two to all
    wait_for(lambda: len(lan.hears("search")) == 3, 20, "the first burst")
    lan.tell(location=None)
    upnp.send("map 1 udp upnp 51820 51820 7200 wireguard")
    upnp.next("mapped 1 upnp")
    assert len(lan.hears("search")) == 3


def test_description_on_the_port_of_the_search(lan, start):
    """12: TP-Link Archer C8."""
    mapped(lan, start, location="http://192.168.77.1:1900/desc.xml", http=1900)


def test_search_says_how_long_it_waits(lan, start):
    """13: without MX some do not answer; with 0 some divide by it. The router here answers neither."""
    mapped(lan, start)


# ---- descriptions ----

def test_two_descriptions_of_one_router(lan, start):
    """15: Livebox; one of them is of no use."""
    mapped(lan, start, location=["http://192.168.77.1:5000/1/IGDV1/rootDesc.xml",
                                 "http://192.168.77.1:5000/1/rootDesc.xml"],
           description={"/1/IGDV1/rootDesc.xml": "no-service", "/1/rootDesc.xml": "plain"})
    assert len(lan.hears("get")) == 2


@pytest.mark.parametrize("down, up, path", [
    (["Disconnected", ""], ["Connected", "11.0.0.2"], "/ctl/up"),
    (["Connected", "10.9.8.7"], ["Connected", "11.0.0.2"], "/ctl/up"),
    (["Connected", "junk"], ["Up", "11.0.0.2"], "/ctl/up"),
    (["Disconnected", ""], ["Connected", "10.9.8.7"], "/ctl/up"),
    (["Connected", "11.0.0.3"], ["Connected", "11.0.0.2"], "/ctl/down"),
    (["Connected", "10.9.8.7"], ["Connected", "100.64.0.1"], "/ctl/down"),
    (["Disconnected", ""], ["Disconnected", ""], "/ctl/down")])
def test_line_with_a_public_address_is_chosen_of_two(lan, start, down, up, path):
    """16: MikroTik; 53: none says that it is connected, and one works nevertheless."""
    mapped(lan, start, description="two-lines", lines={"/ctl/down": down, "/ctl/up": up})
    assert {add["path"] for add in lan.hears("AddPortMapping")} == {path}


@pytest.mark.parametrize("down, up, path, read", [
    ("", "11.0.0.2", "/ctl/up", 2), ("10.9.8.7", "11.0.0.2", "/ctl/up", 2),
    ("11.0.0.3", "11.0.0.2", "/ctl/down", 1), ("10.9.8.7", "100.64.0.1", "/ctl/down", 3)])
def test_line_with_a_public_address_is_chosen_of_two_descriptions(lan, start, down, up, path, read):
    """15, 16: what is read first takes so long that both answers are there by then."""
    places = [f"http://192.168.77.1:5000/{name}" for name in ("none", "down", "up")]
    mapped(lan, start, location=places, lines={"/ctl/down": ["", down], "/ctl/up": ["", up]},
           description={"/none": {"status": 404, "late_ms": 300}, "/down": "line-down", "/up": "line-up"})
    assert {add["path"] for add in lan.hears("AddPortMapping")} == {path}
    assert len(lan.hears("get")) == 1 + read


# ---- the dialect of HTTP and SOAP ----

@pytest.mark.parametrize("fault", [
    "action-case",    # 24: Linksys WRT120N
    "action-quotes",  # 25: old miniupnpd
    "action-end",     # 26: Homeware
    "body-begin",     # 27: MikroTik
    "newlines",       # 27
    "soap-2003",      # 27
    "two-segments",   # 28: old Linksys
    "half-closed",    # 28: DrayTek
    "remote-host",    # 29: pfSense, RouterOS
    "lower-case",     # 3: TP-Link ER605
    "description",    # 43: Huawei
    "sender",         # 46: miniupnpd in secure mode
])
def test_requests_please_the_pickiest(lan, start, fault):
    upnp = mapped(lan, start, picky=[fault])
    assert upnp.next("wan upnp") == "wan upnp 11.0.0.2"
    upnp.send("list")
    assert upnp.next("listed").startswith("listed 0 complete")
    upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")
    assert lan.hears("DeletePortMapping") and lan.hears("GetSpecificPortMappingEntry")


# ---- leases ----

def test_longer_lease_than_asked_is_not_relied_on(lan, start):
    """33: a Technicolor says 86400 whatever it is asked."""
    upnp = upnp_on(lan, start, stuck="86400", stuck_for_ever=True)
    upnp.open()
    assert upnp.next("mapped 1 upnp").split()[5] == "7200"


def test_router_that_a_lease_crashes(lan, start):
    """34: after the second time it is asked for none, also where natd has everything asked afresh."""
    upnp = upnp_on(lan, start, crash=True)
    for generation in range(2, 4):
        upnp.open()
        upnp.next("failed 1")
        upnp.use(UPNP, generation)
    upnp.open()
    assert upnp.next("mapped 1 upnp").split()[5] == "0"
    assert adds(lan, "LeaseDuration") == ["7200", "7200", "0"]


def test_permanent_mapping_that_goes_is_missed(lan, start):
    """33, 37: gone after a day, or removed because nothing used it: seen when it is looked after."""
    lan.start_rude(location=HERE, leases=["0"], lease_code=725)
    upnp = start(UPNP, check=1)
    upnp.open()
    assert upnp.next("mapped 1 upnp").split()[5] == "0"
    lan.tell(do="reboot")
    assert "has lost the mapping" in upnp.next("lost upnp")


# ---- conflicts and errors ----

def test_port_that_the_router_uses_itself(lan, start):
    """40: left alone, another is taken."""
    upnp = upnp_on(lan, start, taken={"51820": ["192.168.77.1", 51820, "router"]})
    upnp.open()
    assert int(upnp.next("mapped 1 upnp").split()[3]) >= 49152
    assert not lan.hears("DeletePortMapping")


def test_conflict_at_every_port(lan, start):
    """41: ends, and is said."""
    upnp = upnp_on(lan, start, faults={"AddPortMapping": 729})
    upnp.open()
    assert "729" in upnp.next("failed 1 upnp port-taken")
    assert len(adds(lan)) == 6


@pytest.mark.parametrize("order", [UPNP, ("upnp", "pcp")])
def test_code_of_their_own(lan, start, order):
    """44: it is the router's answer, not that of none; the next protocol is asked."""
    upnp = upnp_on(lan, start, order, faults={"AddPortMapping": -911}, pcp="ok")
    upnp.open()
    if len(order) > 1:
        upnp.next("mapped 1 pcp")
    else:
        assert upnp.next("failed 1 upnp").startswith("failed 1 upnp other UPnP -911")
    assert len(lan.hears("AddPortMapping")) == 1


# ---- NAT-PMP and PCP ----

def test_ports_cut_to_eight_bits(lan, start):
    """48: old miniupnpd; what it says is recognised."""
    upnp = mapped(lan, start, ("nat-pmp",), "nat-pmp", natpmp={"eight_bits": True})
    assert upnp.reports[-1].split()[3] == "51820"
    upnp.send("unmap 1 udp nat-pmp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")


def test_another_port_cut_to_eight_bits_is_not_known(lan, start):
    """48: which one it opened cannot be seen."""
    upnp = upnp_on(lan, start, ("nat-pmp",), natpmp={"eight_bits": True}, given=51821)
    upnp.open()
    assert "a port of 0" in upnp.next("failed 1 nat-pmp other")


def test_yes_of_nat_pmp_is_looked_at(lan, start):
    """50: miniupnpd says yes for a port that it could not take from another host."""
    upnp = mapped(lan, start, ("nat-pmp", "upnp"), "nat-pmp", natpmp="ok",
                  taken={"51820": ["192.168.77.7", 51820, "console"]})
    assert int(upnp.next("mapped 1 upnp").split()[3]) >= 49152
    assert any("said yes, but UDP 51820 is held by 192.168.77.7" in line for line in upnp.reports)
    lan.tell(taken="all")
    upnp.send("map 2 udp any 51821 51821 7200 second", "ask")
    upnp.next("failed 2 upnp port-taken")
    assert len(lan.hears("natpmp-map")) == 1, "it is not asked again"
    upnp.use(("nat-pmp", "upnp"), 2)
    upnp.open()
    upnp.next("failed 1 upnp port-taken")
    assert len(lan.hears("natpmp-map")) == 1, "nor when all are asked afresh"
    assert not lan.hears("DeletePortMapping")


@pytest.mark.parametrize("via, manners, lease", [
    ("pcp", {"pcp": {"lifetime": 120}}, "120"),              # 62: miniupnpd
    ("pcp", {"pcp": {"lifetime": 86400}}, "86400"),
    ("nat-pmp", {"natpmp": {"lifetime": 60}}, "60")])        # 66: ProtonVPN
def test_lifetime_is_the_servers(lan, start, via, manners, lease):
    upnp = mapped(lan, start, (via,), via, **manners)
    assert upnp.reports[-1].split()[5] == lease


def test_address_of_a_bridge_does_not_matter(lan, start):
    """54: MikroTik names a private address; the mapping works."""
    upnp = mapped(lan, start, ("nat-pmp",), "nat-pmp", natpmp="ok", wan="172.17.0.1")
    assert upnp.said("wan nat-pmp") == "wan nat-pmp 172.17.0.1"


def test_returns_the_port_of_before(lan, start):
    """64: AirPort has one external port for each of ours, and says it whatever is asked."""
    upnp = mapped(lan, start, ("pcp",), "pcp", pcp="ok", given=40000)
    assert upnp.reports[-1].split()[3] == "40000"


def test_both_protocols_announce_a_reboot(lan, start):
    """64: AirPort. It is lost once."""
    upnp = mapped(lan, start, ("pcp", "nat-pmp"), "pcp", pcp="ok", natpmp="ok", epoch=100000)
    upnp.said("protocol nat-pmp ok")
    lan.tell(do="reboot")
    lan.tell(do="announce", kind="natpmp")
    lan.tell(do="announce", kind="pcp")
    upnp.next("lost nat-pmp")
    time.sleep(1)
    assert len(upnp.heard("lost")) == 1
