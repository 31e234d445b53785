# SPDX-License-Identifier: GPL-2.0-or-later
"""upnp alone: pinholes on a router without manners, whose gateway address is link-local."""

import json
import pathlib
import subprocess

import pytest

from test_upnp import lan, start  # noqa: F401  (fixtures)
from upnp_router import run, wait_for

HERE = "http://192.168.77.1:5000/desc.xml"
ROUTER = "fe80::77:1"
OURS = "2a11:0:77::2"


class Six:
    """upnp_rude6.py in the router's namespace."""

    def __init__(self, lan, manners):
        self.file = lan.directory / "heard6"
        lan.ip(lan.router, f"addr add {ROUTER}/64 dev lan0 nodad")
        lan.ip(lan.router, "addr add 2a11:0:77::1/64 dev lan0 nodad")
        lan.ip(lan.host, f"addr add {OURS}/64 dev eth0 nodad")
        script = pathlib.Path(__file__).with_name("upnp_rude6.py")
        with open(self.file, "w", encoding="utf-8") as heard:
            self.process = lan.router_popen(
                "/usr/bin/python3", "-u", str(script),
                json.dumps({"address": f"{ROUTER}%lan0", **manners}), stdin=subprocess.DEVNULL,
                stdout=heard)
        wait_for(lambda: self.hears("ready"), 10, "the rude router's IPv6")

    def hears(self, what):
        lines = self.file.read_text("utf-8").splitlines(keepends=True)
        heard = [json.loads(line) for line in lines if line.endswith("\n")]
        return [request for request in heard if request["what"] == what]


@pytest.fixture
def six(lan):
    made = []

    def make(**manners):
        made.append(Six(lan, manners))
        return made[0]

    yield make
    for one in made:
        one.process.kill()
        one.process.wait(5)


def pin(upnp, what="pin", via="any", unique=0, order="pcp upnp"):
    upnp.send(f"{what} 1 udp {via} 51820 7200 {OURS} {ROUTER} eth0 {unique} {order}")


def with_upnp(lan, start, description="firewall"):
    """A router with UPnP on IPv4, whose description was read."""
    lan.start_rude(location=HERE, description=description)
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    return upnp


def test_pcp_from_and_for_our_address(lan, start, six):
    router = six()
    upnp = start(use=False)
    pin(upnp)
    assert upnp.next("pinned") == f"pinned 1 pcp 0 [{OURS}]:51820 7200 "
    asked = router.hears("pcp-map")[-1]
    assert asked["source"] == asked["client"] == OURS
    pin(upnp, "unpin", via="pcp")
    upnp.next("unpinned 1 removed")
    assert [one["lifetime"] for one in router.hears("pcp-map")] == [7200, 0]
    assert len({one["nonce"] for one in router.hears("pcp-map")}) == 1


@pytest.mark.parametrize("manner", ["closed", "other-version", {"result": 2}, {"result": 8}])
def test_pcp_that_does_not_do_it_gives_way_to_upnp(lan, start, six, manner):
    router = six(pcp=manner)
    upnp = with_upnp(lan, start)
    pin(upnp)
    assert upnp.next("pinned") == f"pinned 1 upnp 4711 [{OURS}]:51820 7200 "
    added = router.hears("AddPinhole")[-1]
    assert added == {"what": "AddPinhole", "source": OURS, "path": "/ctl/firewall", "InternalClient": OURS,
                     "InternalPort": "51820", "Protocol": "17", "LeaseTime": "7200"}
    assert len(router.hears("pcp-map")) == (0 if manner == "closed" else 1)


@pytest.mark.parametrize("manner", ["silent", "garbage"])
def test_pcp_without_an_answer_gives_way_to_upnp(lan, start, six, manner):
    router = six(pcp=manner)
    upnp = with_upnp(lan, start)
    pin(upnp)
    upnp.next("pinned 1 upnp", 15)
    assert len(router.hears("pcp-map")) == 4


@pytest.mark.parametrize("manners, pcp, firewall", [
    ({}, "ok [PCP version 2, epoch 1000]", "ok 1 1 []"),
    ({"pcp": "closed", "allowed": "0"}, "refused [PCP over IPv6: the router refuses the port]",
     "ok 1 0 []"),
    ({"pcp": "silent", "allowed": None}, "silent [PCP over IPv6 does not answer]",
     "error 0 0 [UPnP 401 Invalid Action]"),
    ({"pcp": {"result": 2}, "faults": {"GetFirewallStatus": "html"}},
     "error [PCP 2 NOT_AUTHORIZED]", "error 0 0 [UPnP: an answer that cannot be read]"),
    ({"pcp": "other-version"}, "unsupported [PCP 1 UNSUPP_VERSION]", "ok 1 1 []"),
])
def test_probe_changes_nothing(lan, start, six, manners, pcp, firewall):
    router = six(**manners)
    upnp = with_upnp(lan, start)
    pin(upnp, "probe6")
    assert upnp.next("probed6", 15) == f"probed6 pcp {pcp} firewall {firewall}"
    assert not router.hears("AddPinhole")
    assert {one["source"] for one in router.hears("pcp-map")} <= {OURS}
    assert {one["lifetime"] for one in router.hears("pcp-map")} <= {0}, "an ANNOUNCE has none"


def test_probe_without_a_control_of_the_firewall(lan, start, six):
    six(pcp="closed")
    upnp = with_upnp(lan, start, description="plain")
    pin(upnp, "probe6")
    assert "firewall unsupported 0 0 [UPnP: no control of the IPv6 firewall]" in upnp.next("probed6")


def test_order_of_preference(lan, start, six):
    router = six()
    upnp = with_upnp(lan, start)
    pin(upnp, order="upnp nat-pmp pcp")
    upnp.next("pinned 1 upnp 4711")
    assert not router.hears("pcp-map")


@pytest.mark.parametrize("manners", [{}, {"chunked": 7}])
def test_upnp_pinhole_is_renewed_and_removed_by_its_number(lan, start, six, manners):
    router = six(pcp="closed", **manners)
    upnp = with_upnp(lan, start)
    pin(upnp, via="upnp", unique=99)
    upnp.next("pinned 1 upnp 99")
    assert [one["UniqueID"] for one in router.hears("UpdatePinhole")] == ["99"]
    assert not router.hears("AddPinhole")
    pin(upnp, "unpin", via="upnp", unique=99)
    upnp.next("unpinned 1 removed")
    assert [one["UniqueID"] for one in router.hears("DeletePinhole")] == ["99"]


def test_pinhole_that_the_router_forgot_is_made_again(lan, start, six):
    router = six(pcp="closed", faults={"UpdatePinhole": 704, "DeletePinhole": 704})
    upnp = with_upnp(lan, start)
    pin(upnp, via="upnp", unique=99)
    upnp.next("pinned 1 upnp 4711")
    assert len(router.hears("AddPinhole")) == 1
    pin(upnp, "unpin", via="upnp", unique=4711)
    upnp.next("unpinned 1 removed")


def test_page_is_no_renewal(lan, start, six):
    """The control is not there any more: neither renewed nor removed, which a page says nothing of."""
    six(pcp="closed", faults={"UpdatePinhole": "missing", "DeletePinhole": "missing"})
    upnp = with_upnp(lan, start)
    pin(upnp, via="upnp", unique=99)
    assert "cannot be read" in upnp.next("pin-failed 1")
    pin(upnp, "unpin", via="upnp", unique=99)
    assert "cannot be read" in upnp.next("unpinned 1 kept")


def test_control_is_elsewhere(lan, start, six):
    """tests/QUIRKS 23: FRITZ!Box, in the description of IGD:1, with a URL of its IGD:2."""
    router = six(pcp="closed")
    upnp = with_upnp(lan, start, "elsewhere-firewall")
    pin(upnp)
    upnp.next("pinned 1 upnp 4711")
    assert router.hears("AddPinhole")[-1]["path"] == "/igd2upnp/control/WANIPv6Firewall1"


def test_renewal_that_the_firewall_cannot_do(lan, start, six):
    """tests/QUIRKS 63: OPNsense. What is there is closed and opened again, by PCP."""
    router = six(pcp="no-update")
    upnp = start(use=False)
    pin(upnp)
    upnp.next("pinned 1 pcp")
    pin(upnp, via="pcp")
    upnp.next("pinned 1 pcp")
    assert [one["lifetime"] for one in router.hears("pcp-map")] == [7200, 7200, 0, 7200]


@pytest.mark.parametrize("manners, failure, said", [
    ({"faults": {"AddPinhole": 701}}, "no-resources", "701"),
    ({"faults": {"AddPinhole": 606}}, "host-refused", "606"),
    ({"faults": {"AddPinhole": "html"}}, "other", "cannot be read"),
    ({"faults": {"GetFirewallStatus": "html"}}, "other", "cannot be read"),
    ({"faults": {"GetFirewallStatus": "hang"}}, "no-answer", "does not answer"),
    ({"allowed": "0"}, "host-refused", "allows this host no IPv6 pinhole"),
    ({"http": None}, "no-answer", "does not answer"),
])
def test_upnp_refusal_is_told(lan, start, six, manners, failure, said):
    six(pcp="closed", **manners)
    upnp = with_upnp(lan, start)
    pin(upnp)
    told = upnp.next("pin-failed 1", 15)
    assert told.startswith(f"pin-failed 1 {failure} PCP over IPv6: refused; UPnP"), told
    assert said in told


def test_upnp_without_that_question(lan, start, six):
    six(pcp="closed", allowed=None)
    upnp = with_upnp(lan, start)
    pin(upnp)
    upnp.next("pinned 1 upnp 4711")


def test_router_without_the_service(lan, start, six):
    six(pcp="closed")
    lan.start_rude(location=HERE)
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    pin(upnp)
    assert upnp.next("pin-failed") == ("pin-failed 1 no-protocol PCP over IPv6: refused; "
                                       "UPnP: no control of the IPv6 firewall")


def test_router_without_ipv4(lan, start, six):
    """Nobody was named to be asked on IPv4."""
    six(pcp="closed")
    upnp = start(use=False)
    pin(upnp)
    assert upnp.next("pin-failed") == ("pin-failed 1 no-protocol PCP over IPv6: refused; "
                                       "UPnP: the router does not answer")


def test_ipv4_does_not_wait_for_ipv6(lan, start, six):
    """The pinhole is asked for first, by a service that hangs; the mapping of IPv4 is there before."""
    six(pcp="closed", faults={"GetFirewallStatus": "hang"})
    lan.start_rude(location=HERE, description="firewall")
    upnp = start(("upnp",))
    pin(upnp)
    upnp.open()
    upnp.next("mapped 1 upnp")
    upnp.next("pin-failed 1 no-answer", 15)


def drop(lan, family, port=5000):
    """The router's firewall takes no connection to its UPnP, and does not say so."""
    rules = (f"add table {family} deaf; add chain {family} deaf in "
             "{ type filter hook input priority 0; }; "
             f"add rule {family} deaf in tcp dport {port} drop")
    run("ip", "netns", "exec", lan.router, "nft", rules)


def test_connections_over_ipv6_that_are_dropped_hang_nothing(lan, start, six):
    six(pcp="closed")
    upnp = with_upnp(lan, start, "firewall")
    drop(lan, "ip6")
    pin(upnp)  # asked over IPv4 then, which leads to the rude router's table, without pinholes
    assert "UPnP" in upnp.next("pin-failed 1", 15)
    upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")


def test_connections_that_are_dropped_hang_nothing(lan, start, six):
    six(pcp="closed")
    upnp = with_upnp(lan, start, "firewall")
    for family in ("ip", "ip6"):
        drop(lan, family)
    pin(upnp)
    upnp.next("pin-failed 1 no-answer", 20)
    upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
    upnp.next("unmapped 1 kept UPnP: the router does not answer", 15)
    upnp.open(number=2)  # searched again: the description is not to be had
    upnp.next("failed 2", 20)


def test_pcp_epoch_that_goes_back_is_told(lan, start, six):
    six(pcp="forgetful")
    upnp = start(use=False)
    pin(upnp)
    upnp.next("pinned 1 pcp")
    pin(upnp, via="pcp")
    upnp.next("pinned 1 pcp")
    upnp.next("pins-lost 0 PCP over IPv6: the router has restarted")


def test_pcp_epoch_that_is_never_right_is_no_hurry(lan, start, six):
    six(pcp="forgetful")
    upnp = start(use=False)
    pin(upnp)
    upnp.next("pinned 1 pcp")
    for delay in (0, 5000):
        pin(upnp, via="pcp")
        assert int(upnp.next("pins-lost").split()[1]) == delay


def test_removal_that_pcp_refuses_is_done_by_upnp(lan, start, six):
    """miniupnpd 2.3 does that after a renewal."""
    router = six(pcp={"result": 2})
    upnp = with_upnp(lan, start)
    pin(upnp, "unpin", via="pcp")
    upnp.next("unpinned 1 removed")
    assert [one["UniqueID"] for one in router.hears("DeletePinhole")] == ["4711"]


def test_address_that_this_host_does_not_have(lan, start, six):
    six()
    upnp = start(use=False)
    upnp.send(f"unpin 1 udp pcp 51820 7200 2a11:0:77::99 {ROUTER} eth0 0 pcp")
    assert "Cannot assign" in upnp.next("unpinned 1 kept")
