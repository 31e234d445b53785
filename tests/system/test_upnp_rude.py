# SPDX-License-Identifier: GPL-2.0-or-later
"""upnp alone, on a router without manners (upnp_rude.py): silence, lies, garbage and old dialects."""

import os
import signal
import time

import pytest

from lab.process import PATIENCE
from test_upnp import ALL, lan, start  # noqa: F401  (fixtures)
from upnp_router import HOST, wait_for

HERE = "http://192.168.77.1:5000/desc.xml"
RENEW = "map 1 udp {via} 51820 51820 7200 wireguard"


def took_ms(mapped):
    """What upnp says that it took. Its bounds are those of the next way out, which comes seconds
    later: they tell which way it went, not how fast this machine is."""
    return int(mapped.split()[6]) / 1000


# ---- who writes ----

def test_silent_pcp_gives_way_to_nat_pmp_at_once(lan, start):
    lan.start_rude(pcp="silent", natpmp="ok")
    upnp = start()
    upnp.open()
    assert took_ms(upnp.next("mapped 1 nat-pmp")) < 200 * PATIENCE
    upnp.next("protocol pcp silent")
    assert len(lan.hears("pcp-map")) == 1, "only one protocol writes"
    assert lan.hears("pcp-announce"), "what changes nothing may go on"
    assert len(lan.hears("natpmp-map")) == 1


def test_first_burst_is_five_datagrams_at_once(lan, start):
    lan.start_rude(pcp="silent")
    upnp = start()
    upnp.open()
    wait_for(lambda: len(lan.heard) >= 6)
    burst = [request for request in lan.heard if request["what"] != "ready"
             and request["at"] < lan.heard[1]["at"] + 0.2]
    assert sorted(request["what"] for request in burst) == [
        "natpmp-address", "pcp-map", "search", "search", "search"]
    assert burst[-1]["at"] - burst[0]["at"] < 0.1
    upnp.next("failed 1 any no-protocol")
    at = [request["at"] for request in lan.hears("pcp-map")]
    gaps = [round(b - a, 2) for a, b in zip(at, at[1:])]
    assert gaps == pytest.approx([0.25, 0.5, 1.0], abs=0.1)
    asked = {request["target"] for request in lan.hears("search")}
    for target in ("device:InternetGatewayDevice:1", "device:InternetGatewayDevice:2",
                   "service:WANIPConnection:1", "service:WANIPConnection:2",
                   "service:WANPPPConnection:1"):
        for way in (False, True):
            assert [r for r in lan.hears("search") if r["target"].endswith(target)
                    and r["multicast"] is way], (target, way, asked)


def test_lost_datagram_costs_a_quarter_of_a_second(lan, start):
    lan.start_rude(pcp={"deaf": 1})
    upnp = start(("pcp",))
    upnp.open()
    assert 240 < took_ms(upnp.next("mapped 1 pcp")) < 450 * PATIENCE


@pytest.mark.parametrize("via, manners", [
    ("nat-pmp", {"natpmp": {"deaf": 2}}), ("upnp", {"location": HERE, "lost_searches": 3})])
def test_lost_datagrams_are_sent_again(lan, start, via, manners):
    """The address and the mapping of NAT-PMP; all searches of the first burst."""
    lan.start_rude(**manners)
    upnp = start((via,))
    upnp.open()
    upnp.next(f"mapped 1 {via}")


def test_late_pcp_mapping_is_undone(lan, start):
    lan.start_rude(pcp={"late_ms": 2000}, natpmp="ok")
    upnp = start(("pcp", "nat-pmp"))
    upnp.open()
    assert took_ms(upnp.next("mapped 1 nat-pmp")) < 300 * PATIENCE
    # the answer of PCP comes: its mapping goes, and NAT-PMP's is made sure of
    upnp.next("mapped 1 nat-pmp")
    assert [request["lifetime"] for request in lan.hears("pcp-map")][-1] == 0
    assert len(lan.hears("natpmp-map")) == 2
    assert lan.heard[-1]["what"] == "natpmp-map"


def test_late_pcp_mapping_that_is_not_wanted_any_more_is_undone(lan, start):
    lan.start_rude(pcp={"late_ms": 2000}, natpmp="ok")
    upnp = start(("pcp", "nat-pmp"))
    upnp.open()
    upnp.next("mapped 1 nat-pmp")
    upnp.send("unmap 1 udp nat-pmp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")
    wait_for(lambda: [r for r in lan.hears("pcp-map") if r["lifetime"] == 0])
    upnp.quiet("mapped", 1.5)


def test_late_nat_pmp_mapping_is_undone(lan, start):
    """NAT-PMP is asked first and answers when UPnP has done it."""
    lan.start_rude(natpmp={"late_ms": 2000}, location="http://192.168.77.1:5000/desc.xml")
    upnp = start(("nat-pmp", "upnp"))
    upnp.open()
    upnp.next("mapped 1 upnp")
    upnp.next("mapped 1 upnp")  # made sure of, when NAT-PMP's is gone
    wait_for(lambda: [one["lifetime"] for one in lan.hears("natpmp-map")][-1] == 0, 10,
             "the late mapping to be removed")


@pytest.mark.parametrize("pcp, natpmp", [({"foreign": True}, "silent"), ("silent", {"foreign": True})])
def test_answer_from_another_port_is_none(lan, start, pcp, natpmp):
    """Both protocols answer from port 5351; what comes from another is not the server."""
    lan.start_rude(pcp=pcp, natpmp=natpmp)
    upnp = start(("pcp", "nat-pmp"))
    upnp.open()
    upnp.next("failed 1 any no-protocol")
    assert not [line for line in upnp.heard("") if line.startswith("wan") or " ok " in line]


@pytest.mark.parametrize("manner", ["other-version", "natpmp-version", {"result": 4},
                                    {"result": 2}])
def test_pcp_that_declines_gives_way(lan, start, manner):
    lan.start_rude(pcp=manner, natpmp="ok")
    upnp = start()
    upnp.open()
    assert took_ms(upnp.next("mapped 1 nat-pmp")) < 200 * PATIENCE
    assert [line for line in upnp.reports if line.startswith(
        "protocol pcp error" if isinstance(manner, dict) else "protocol pcp unsupported")]


def test_upnp_writes_while_the_others_are_silent(lan, start):
    lan.start_rude(location=HERE)
    upnp = start()
    upnp.open()
    assert took_ms(upnp.next("mapped 1 upnp")) < 500 * PATIENCE
    assert upnp.next("wan upnp") == "wan upnp 11.0.0.2"
    assert len(lan.hears("pcp-map")) == 1
    [add] = lan.hears("AddPortMapping")
    assert (add["InternalClient"], add["Protocol"], add["LeaseDuration"], add["RemoteHost"],
            add["PortMappingDescription"]) == (HOST, "UDP", "7200", "", "natd wireguard")
    order = [request["what"] for request in lan.heard]
    assert order.index("AddPortMapping") < order.index("GetExternalIPAddress")


def test_preferred_upnp_that_is_missing_is_waited_for(lan, start):
    lan.start_rude(pcp="ok")
    upnp = start(("upnp", "pcp"))
    upnp.open()
    assert 1450 < took_ms(upnp.next("mapped 1 pcp")) < 1800 * PATIENCE


def test_preferred_upnp_is_served_before_a_faster_pcp(lan, start):
    lan.start_rude(pcp="ok", location=HERE)
    upnp = start(("upnp", "pcp"))
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert not lan.hears("pcp-map")


def test_refusal_is_told_when_nobody_else_does_it(lan, start):
    lan.start_rude(pcp={"result": 2})
    upnp = start()
    upnp.open()
    assert upnp.next("failed 1") == "failed 1 pcp host-refused PCP 2 NOT_AUTHORIZED"


@pytest.mark.parametrize("result, failure", [(7, "network-failure"), (8, "no-resources"),
                                             (10, "no-resources"), (11, "port-taken")])
def test_pcp_results_that_are_final(lan, start, result, failure):
    # NAT-PMP would do it, and answers after PCP, on a busy machine too
    lan.start_rude(pcp={"result": result}, natpmp={"late_ms": 3000})
    upnp = start()
    upnp.open()
    assert upnp.next("failed 1", 2).startswith(f"failed 1 pcp {failure} PCP {result} ")


@pytest.mark.parametrize("result, failure", [(2, "host-refused"), (3, "network-failure"),
                                             (4, "no-resources")])
def test_nat_pmp_results(lan, start, result, failure):
    lan.start_rude(natpmp={"result": result})
    upnp = start(("nat-pmp",))
    upnp.open()
    assert upnp.next("failed 1").startswith(f"failed 1 nat-pmp {failure} NAT-PMP {result} ")


def test_garbage_of_every_kind_is_no_answer(lan, start):
    lan.start_rude(pcp="garbage", natpmp="garbage", location="garbage")
    upnp = start()
    upnp.open()
    upnp.next("failed 1 any no-protocol")
    assert lan.daemon.poll() is None and upnp.process.poll() is None


def test_short_answers_are_no_answers(lan, start):
    lan.start_rude(pcp="short", natpmp="short")
    upnp = start(("pcp", "nat-pmp"))
    upnp.open()
    upnp.next("failed 1 any no-protocol")


# ---- the search ----

@pytest.mark.parametrize("way", ["multicast", "unicast"])
def test_router_that_answers_one_way_only(lan, start, way):
    """field/routers.md 2: Eero hears only what is for everybody; others only what is for them."""
    lan.start_rude(location=HERE, search=way)
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")


def test_router_that_answers_a_search_with_a_notify_seconds_later(lan, start):
    """field/routers.md 6: D-Link DSL-2730E."""
    lan.start_rude(location=HERE, search="notify")
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("failed 1 any no-protocol")
    upnp.next("protocol upnp ok")
    upnp.open()  # as natd does then
    assert took_ms(upnp.next("mapped 1 upnp")) < 1000 * PATIENCE


# ---- the description ----

@pytest.mark.parametrize("description", ["names", "elsewhere"])
def test_urls_of_others_are_turned_to_the_router(lan, start, description):
    lan.start_rude(location=HERE, description=description)
    upnp = start()
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert {request["path"] for request in lan.hears("AddPortMapping")} <= {
        "/ctl/WANIPConnection", "/ctl/x"}


def test_line_that_is_connected_is_chosen_of_two(lan, start):
    """field/routers.md 16: two WANConnectionDevices, the first one down."""
    lan.start_rude(location=HERE, description="two-lines",
                   lines={"/ctl/up": ["Connected", "11.0.0.2"]})
    upnp = start()
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert {add["path"] for add in lan.hears("AddPortMapping")} == {"/ctl/up"}


@pytest.mark.parametrize("description, path", [
    ("query", "/?control=WANIPConnection"), ("base", "/ctl/WANIPConnection"),
    ("base-path", "/ctl/WANIPConnection"), ("base-junk", "/ctl/WANIPConnection")])
def test_control_urls_of_every_kind(lan, start, description, path):
    """field/routers.md 21, 22"""
    lan.start_rude(location=HERE, description=description)
    upnp = start()
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert {add["path"] for add in lan.hears("AddPortMapping")} == {path}


@pytest.mark.parametrize("description", ["dslforum", "dslforum-mixed"])
def test_service_of_the_dsl_forum_is_asked_by_its_own_name(lan, start, description):
    """field/routers.md 20: Huawei HG531."""
    lan.start_rude(location=HERE, description=description)
    upnp = start()
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert {add["service"] for add in lan.hears("AddPortMapping")} == {
        "urn:dslforum-org:service:WANIPConnection:1"}


def test_chunked_answers_are_read(lan, start):
    """field/routers.md 28: BiPAC 7404VNOX chunks whatever it is asked."""
    lan.start_rude(location=HERE, chunked=True)
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert upnp.next("wan upnp") == "wan upnp 11.0.0.2"


def test_service_that_is_connected_is_chosen_of_two(lan, start):
    lan.start_rude(location=HERE, description="two",
                   lines={"/ctl/WANPPPConnection": ["Connected", "11.0.0.2"]})
    upnp = start()
    upnp.open()
    upnp.next("mapped 1 upnp")
    [add] = lan.hears("AddPortMapping")
    assert add["path"] == "/ctl/WANPPPConnection"
    assert add["service"] == "urn:schemas-upnp-org:service:WANPPPConnection:1"


@pytest.mark.parametrize("description, state", [
    ("no-service", "unsupported"), ("dslforum-flood", "unsupported"), ("truncated", "unsupported"),
    ("binary", "unsupported"), ("split", "unsupported"), ("empty", "error"), ("huge", "error"),
    ({"status": 404}, "error"), ("drip", "unsupported"), ("flood", "error")])
def test_description_of_no_use(lan, start, description, state):
    lan.start_rude(location=HERE, description=description)
    upnp = start()
    upnp.open()
    upnp.next("protocol upnp " + state, 10)
    upnp.next("failed 1 any no-protocol")
    assert not lan.hears("AddPortMapping")


def test_endless_description_does_not_stop_pcp(lan, start):
    lan.start_rude(pcp={"late_ms": 400}, location=HERE, description="drip")
    upnp = start()
    upnp.open()
    assert took_ms(upnp.next("mapped 1 pcp")) < 3500 * PATIENCE


@pytest.mark.parametrize("location", [
    "http://192.168.88.1:5000/desc.xml", "http://127.0.0.1:5000/desc.xml",
    "http://router.example:5000/desc.xml", "https://192.168.77.1:5000/desc.xml"])
def test_location_elsewhere_is_not_followed(lan, start, location):
    lan.start_rude(location=location)
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("failed 1 any no-protocol")
    assert not lan.hears("get")


def test_location_of_another_address_of_the_gateway_is_asked_at_the_gateway(lan, start):
    lan.start_rude(location="http://192.168.77.99:5000/desc.xml")
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")


def test_pair_of_routers_is_asked_at_the_gateway(lan, start):
    """One of a CARP pair answers with its own address; the gateway is what both share. So a neighbour
    that claims to be the router gains nothing: it is never asked itself."""
    lan.ip(lan.router, "addr add 192.168.77.50/24 dev lan0")
    lan.start_rude(location="http://192.168.77.50:5000/desc.xml", answers_from="192.168.77.50")
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert {request["host"] for request in lan.hears("get")} == {"192.168.77.1:5000"}


# ---- the service ----

@pytest.mark.parametrize("code", [725, 402])
def test_router_without_leases_gets_none(lan, start, code):
    lan.start_rude(location=HERE, faults={"AddPortMapping": [code]})
    upnp = start(("upnp",))
    upnp.open()
    assert upnp.next("mapped 1 upnp").split()[5] == "0"
    upnp.send(RENEW.format(via="upnp"))
    assert upnp.next("mapped 1 upnp").split()[5] == "0"
    leases = [add["LeaseDuration"] for add in lan.hears("AddPortMapping")]
    assert leases == ["7200", "0", "0"], "it is remembered"


@pytest.mark.parametrize("code, failure", [(606, "host-refused"), (728, "no-resources"),
                                           (402, "other"), (501, "other"), (911, "other")])
def test_upnp_error_codes(lan, start, code, failure):
    lan.start_rude(location=HERE, faults={"AddPortMapping": code})
    upnp = start(("upnp",))
    upnp.open()
    assert upnp.next("failed 1").startswith(f"failed 1 upnp {failure} UPnP {code}")


def test_line_that_is_down(lan, start):
    lan.start_rude(location=HERE, faults={"AddPortMapping": 501}, wan="")
    upnp = start(("upnp",))
    upnp.open()
    assert upnp.next("failed 1").startswith("failed 1 upnp network-failure UPnP 501")


@pytest.mark.parametrize("manners, said", [
    ({"wan": ""}, ["wan upnp 0.0.0.0"]),
    ({"faults": {"GetExternalIPAddress": 501}}, ["wan upnp 0.0.0.0"]),
    ({"faults": {"GetExternalIPAddress": 401}}, []),
    ({"faults": {"GetExternalIPAddress": 402}}, []),
    ({"faults": {"GetExternalIPAddress": 606}}, [])])
def test_question_for_the_address_that_is_refused_is_not_told_as_none(lan, start, manners, said):
    lan.start_rude(location=HERE, **manners)
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    upnp.send("probe")
    upnp.next("probed")
    assert upnp.heard("wan")[:1] == said


@pytest.mark.parametrize("code", [718, 729])
def test_who_holds_the_port(lan, start, code):
    lan.start_rude(location=HERE, faults={"AddPortMapping": code}, holder=["192.168.77.7", 51820])
    upnp = start(("upnp",))
    upnp.open()
    failed = upnp.next("failed 1 upnp port-taken")
    assert f"UPnP {code} UDP 51820 is held by 192.168.77.7 port 51820 (console)" in failed
    assert not lan.hears("DeletePortMapping")


def test_port_that_is_taken_by_nobody_known(lan, start):
    lan.start_rude(location=HERE, faults={"AddPortMapping": 718})
    upnp = start(("upnp",))
    upnp.open()
    assert "does not say by whom" in upnp.next("failed 1 upnp port-taken")


def test_own_old_mapping_makes_way(lan, start):
    lan.start_rude(location=HERE, faults={"AddPortMapping": [718]}, holder=[HOST, 51820])
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert [r["what"] for r in lan.heard if "PortMapping" in r["what"]][:4] == [
        "AddPortMapping", "GetSpecificPortMappingEntry", "DeletePortMapping", "AddPortMapping"]


def test_yes_without_a_mapping_is_no(lan, start):
    lan.start_rude(location=HERE, soap="liar")
    upnp = start(("upnp",))
    upnp.open()
    assert "said yes, but its table" in upnp.next("failed 1 upnp not-done")


def test_yes_for_another_host_is_no(lan, start):
    lan.start_rude(location=HERE, soap="liar", holder=["192.168.77.7", 51820])
    upnp = start(("upnp",))
    upnp.open()
    assert "held by 192.168.77.7" in upnp.next("failed 1 upnp not-done")


def test_router_that_cannot_tell_its_table_is_believed(lan, start):
    lan.start_rude(location=HERE, faults={"GetSpecificPortMappingEntry": 401})
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")


def test_web_page_is_no_yes(lan, start):
    lan.start_rude(location=HERE, soap="html")
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("failed 1 upnp other")


def test_endless_answer_ends(lan, start):
    lan.start_rude(location=HERE, soap="drip")
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("failed 1 upnp other", 18)


def test_slow_router_without_a_free_port_is_left_after_a_while(lan, start):
    """Each of seven questions is answered in time; everything else waits for the last."""
    lan.start_rude(location=HERE, taken="all", slow=4)
    upnp = start(("upnp",))
    upnp.open()
    assert "takes too long" in upnp.next(("protocol upnp silent", "failed 1"), 40)
    upnp.next("failed 1 any no-protocol")
    assert len(lan.hears("AddPortMapping")) < 6


@pytest.mark.parametrize("via, manners, said", [
    ("pcp", {"pcp": {"result": 2}}, "host-refused PCP 2 NOT_AUTHORIZED"),
    ("nat-pmp", {"natpmp": {"result": 2}}, "host-refused NAT-PMP 2 not authorized"),
    ("upnp", {"faults": {"AddPortMapping": 606}}, "host-refused UPnP 606")])
def test_refusal_is_told_of_every_mapping(lan, start, via, manners, said):
    """Only the first may have been asked for."""
    lan.start_rude(location=HERE, **manners)
    upnp = start((via,))
    upnp.send(*(f"map {number} udp any {port} {port} 7200 wireguard"
                for number, port in ((1, 51820), (2, 51821), (3, 51822))), "ask")
    failed = sorted(upnp.next("failed") for _ in range(3))
    assert all(line.startswith(f"failed {number} {via} {said}")
               for number, line in enumerate(failed, 1)), failed


def granting(lan, start):
    """upnp, whose request the router is about to grant by NAT-PMP."""
    lan.start_rude(natpmp={"late_ms": 400})
    upnp = start(("nat-pmp",))
    upnp.open()
    wait_for(lambda: lan.hears("natpmp-map"), 5, "the request")
    return upnp


def test_grant_that_came_before_the_removal_was_sent_does_not_answer_it(lan, start):
    upnp = granting(lan, start)
    os.kill(upnp.pid, signal.SIGSTOP)
    upnp.send("unmap 1 udp any 51820 51820 0 wireguard")
    time.sleep(0.8)  # both wait by then
    os.kill(upnp.pid, signal.SIGCONT)
    upnp.next("unmapped 1 removed")
    assert [one["lifetime"] for one in lan.hears("natpmp-map")][-1] == 0


def test_grant_that_comes_after_the_removal_was_sent_does_not_answer_it(lan, start):
    upnp = granting(lan, start)
    lan.tell(natpmp="silent")  # each removal is lost on the way
    upnp.send("unmap 1 udp any 51820 51820 0 wireguard")
    assert upnp.next("unmapped 1") == "unmapped 1 kept NAT-PMP does not answer"


def test_removal_of_what_is_gone_is_done(lan, start):
    lan.start_rude(location=HERE)
    upnp = start(("upnp",))
    upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")


@pytest.mark.parametrize("holder, removed", [([HOST, 51820], True), (["192.168.77.7", 51820], False),
                                             ([HOST, 1194], False)])
def test_removal_of_what_a_former_run_had_looks_whose_it_is(lan, start, holder, removed):
    """Its lease may have ended meanwhile, and the port be another device's."""
    lan.start_rude(location=HERE, holder=holder)
    upnp = start(("upnp",))
    upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")
    assert len(lan.hears("DeletePortMapping")) == removed


def test_removal_where_the_router_does_not_say_whose_it_is(lan, start):
    lan.start_rude(location=HERE, holder=[HOST, 51820], faults={"GetSpecificPortMappingEntry": 401})
    upnp = start(("upnp",))
    upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")
    assert lan.hears("DeletePortMapping")


@pytest.mark.parametrize("lease, looks", [("7200", 0), ("1", 1)])
def test_removal_of_what_this_run_was_granted_looks_only_after_its_lease(lan, start, lease, looks):
    lan.start_rude(location=HERE)
    upnp = start(("upnp",))
    upnp.open(lifetime=lease)
    upnp.next("mapped 1 upnp")
    upnp.next("wan upnp")  # asked for behind the grant
    time.sleep(1.1)
    before = len(lan.hears("GetSpecificPortMappingEntry"))
    upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")
    assert len(lan.hears("GetSpecificPortMappingEntry")) == before + looks
    assert lan.hears("DeletePortMapping")


def test_removal_that_is_refused_is_said(lan, start):
    lan.start_rude(location=HERE, faults={"DeletePortMapping": 606}, holder=[HOST, 51820])
    upnp = start(("upnp",))
    upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
    assert "UPnP 606" in upnp.next("unmapped 1 kept")


def test_table_without_end_is_bounded(lan, start):
    lan.start_rude(location=HERE, soap="endless-table")
    upnp = start(("upnp",))
    upnp.send("list")
    assert upnp.next("listed", 30).startswith("listed 1000 incomplete")


def test_dead_control_url_is_searched_again(lan, start):
    lan.start_rude(location=HERE)
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    lan.stop()
    upnp.send(RENEW.format(via="upnp"))
    upnp.next("failed 1 upnp no-answer", 2)
    lan.start_rude(location=HERE.replace("5000", "5001"), http=5001)
    upnp.send("map 1 udp any 51820 51820 7200 wireguard", "ask")
    upnp.next("mapped 1 upnp")


def test_text_of_a_router_cannot_forge_a_report(lan, start):
    lan.start_rude(location=HERE, description="plain", wan="1.2.3.4\n5")
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert upnp.next("wan upnp") == "wan upnp 0.0.0.0"


def test_all_three_asked_by_probe_on_a_silent_router(lan, start):
    lan.start_rude()
    upnp = start(ALL)
    upnp.send("probe")
    upnp.next("probed")
    states = {line.split()[1]: line.split()[2] for line in upnp.reports
              if line.startswith("protocol")}
    assert states == {"pcp": "silent", "nat-pmp": "silent", "upnp": "silent"}
    assert not lan.hears("pcp-map") and not lan.hears("natpmp-map")
