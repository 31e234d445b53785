# SPDX-License-Identifier: GPL-2.0-or-later
"""A router that loses its mappings: upnp sees it in the epoch, hears it said, or finds out."""

import re
import time

import pytest

from lab import HOST as LAB_HOST, Lab, Redirect, wait_until
from test_upnp import ALL, lan, start  # noqa: F401  (fixtures)
from upnp_router import GATEWAY, HOST, run, wait_for

HERE = "http://192.168.77.1:5000/desc.xml"
RENEW = "map 1 udp {via} 51820 51820 7200 wireguard"


def opened(lan, start, via, **manners):
    """upnp with a mapping by `via` on a rude router."""
    names = {"pcp": {"pcp": "ok"}, "nat-pmp": {"natpmp": "ok"}, "upnp": {"location": HERE}}
    lan.start_rude(**{"epoch": 100000, **names[via], **manners})
    upnp = start((via,), check=manners.get("check", 0))
    upnp.open()
    upnp.next(f"mapped 1 {via}")
    return upnp


def lost(upnp, via, said, seconds=8):
    """The next loss: its delay in ms."""
    text = upnp.next(f"lost {via}", seconds)
    assert said in text
    return int(text.split()[2])


# ---- in the answers ----

@pytest.mark.parametrize("via, kind", [("pcp", "pcp"), ("nat-pmp", "natpmp")])
def test_restart_of_a_router_that_had_just_started_is_heard(lan, start, via, kind):
    """Both say epoch 0, or 1: by the numbers alone it could be the same start. An announcement is made
    for no other reason (RFC 6887 14.1.1)."""
    upnp = opened(lan, start, via, epoch=0)
    lan.tell(do="reboot")
    lan.tell(do="announce", kind=kind)
    lost(upnp, via, "has restarted")


@pytest.mark.parametrize("via", ["pcp", "nat-pmp"])
def test_silent_reboot_is_seen_in_the_next_answer(lan, start, via):
    upnp = opened(lan, start, via)
    upnp.send(RENEW.format(via=via))
    upnp.next("mapped 1")
    assert not upnp.heard("lost")
    lan.tell(do="reboot")
    upnp.send(RENEW.format(via=via))
    assert lost(upnp, via, "has restarted (epoch ") == 0, "nobody else knows: at once"
    upnp.next("mapped 1")


@pytest.mark.parametrize("via", ["pcp", "nat-pmp"])
def test_epoch_that_is_never_right_is_no_hurry(lan, start, via):
    """The first loss may be one; what is asked afresh then must not go on at the speed of the wire."""
    upnp = opened(lan, start, via)
    if via == "nat-pmp":
        upnp.said("wan nat-pmp")  # the last answer with the first epoch
    delays = []
    for epoch in (90000, 80000, 70000):
        lan.tell(epoch=epoch)
        upnp.send(RENEW.format(via=via))
        delays.append(lost(upnp, via, "has restarted"))
        upnp.next("mapped 1")
    assert delays[:2] == [0, 5000] and delays[2] > 0, delays


def test_epoch_of_another_network_is_not_compared(lan, start):
    upnp = opened(lan, start, "pcp")
    lan.tell(do="reboot")
    upnp.use(("pcp",), generation=2)
    upnp.open()
    upnp.next("mapped 1 pcp")
    assert not upnp.heard("lost")


@pytest.mark.parametrize("via", ["pcp", "nat-pmp"])
@pytest.mark.parametrize("epoch, ago", [(5000, 100), (40, "-")])  # ahead of its time; gone back
def test_restart_of_the_run_before_is_told_and_nothing_is_asked_twice(lan, start, via, epoch, ago):
    """natd was down meanwhile. What it asks for now is asked after the restart."""
    lan.start_rude(pcp="ok", natpmp="ok", epoch=30)
    upnp = start((via,), use=False)
    upnp.send(f"epoch {via} {epoch} {ago}")
    upnp.use((via,))
    upnp.open()
    upnp.next("mapped 1")
    upnp.send(RENEW.format(via=via))
    upnp.next("mapped 1")
    said = upnp.heard("epoch", "lost")
    assert len(said) == 1 and re.match(rf"epoch {via} 3\d restarted .*before {epoch}", said[0]), said


@pytest.mark.parametrize("via", ["pcp", "nat-pmp"])
def test_epoch_that_goes_on_is_no_news(lan, start, via):
    lan.start_rude(pcp="ok", natpmp="ok", epoch=5000)
    upnp = start((via,), use=False)
    upnp.send(f"epoch {via} 4000 1000")
    upnp.use((via,))
    upnp.open()
    upnp.next("mapped 1")
    assert not upnp.heard("epoch", "lost")


@pytest.mark.parametrize("via", ["pcp", "nat-pmp"])
def test_epoch_of_an_earlier_boot_is_dated_again(lan, start, via):
    """How long this host was off is not known: any epoch that has not gone back may be right."""
    lan.start_rude(pcp="ok", natpmp="ok", epoch=500000)
    upnp = start((via,), use=False)
    upnp.send(f"epoch {via} 4000 -")
    upnp.use((via,))
    upnp.open()
    upnp.next("mapped 1")
    said = upnp.heard("epoch", "lost")
    assert len(said) == 1 and re.match(rf"epoch {via} 5000\d\d new", said[0]), said


def test_announcement_of_a_router_that_starts_is_heard_although_its_epoch_is_known(lan, start):
    """After a power cut this host is up first: nobody answers, until the router announces itself."""
    lan.start_rude(pcp="silent", epoch=0)
    upnp = start(("pcp",), use=False)
    upnp.send("epoch pcp 4000 -")
    upnp.use(("pcp",))
    upnp.open()
    upnp.next("failed 1")
    lan.tell(pcp="ok", do="announce", kind="pcp")
    lost(upnp, "pcp", "")


# ---- said to everybody ----

@pytest.mark.parametrize("via, kind", [("pcp", "pcp"), ("nat-pmp", "natpmp")])
def test_announced_reboot_is_heard(lan, start, via, kind):
    upnp = opened(lan, start, via)
    lan.tell(do="announce", kind=kind)  # its clock goes on: nothing is lost
    lan.tell(do="reboot")
    lan.tell(do="announce", kind=kind)
    assert 0 <= lost(upnp, via, "has restarted") <= 5000
    assert len(upnp.heard("lost")) == 1


def test_delay_after_an_announcement_is_random(lan, start):
    """While one loss waits to be asked about, others are told for nothing: they are not told."""
    upnp = opened(lan, start, "pcp")
    delays = []
    for epoch in (100, 70, 40):
        lan.tell(do="reboot")
        lan.tell(epoch=epoch, do="announce", kind="pcp")
        delays.append(lost(upnp, "pcp", "has restarted"))
        for times in range(200):
            lan.tell(epoch=times % 2 * 1000, do="announce", kind="pcp")
        time.sleep(delays[-1] / 1000)
    assert len(set(delays)) > 1 and max(delays) <= 5000
    assert len(upnp.heard("lost")) < 30


def test_server_that_starts_says_so_ten_times(lan, start):
    """RFC 6887 14.1.1. It is lost once, also where the question that follows did not have to wait."""
    upnp = opened(lan, start, "pcp", epoch=100000)
    lan.tell(do="reboot")
    lan.tell(do="announce", kind="pcp")
    lost(upnp, "pcp", "has restarted")
    for _ in range(20):
        time.sleep(0.1)
        lan.tell(do="announce", kind="pcp")
    assert len(upnp.heard("lost")) == 1


@pytest.mark.parametrize("kind", ["pcp", "natpmp", "alive", "byebye"])
def test_announcement_of_another_host_is_not_believed(lan, start, kind):
    lan.ip(lan.router, "addr add 192.168.77.66/24 dev lan0")
    lan.start_rude(pcp="ok", natpmp="ok", location=HERE, boot_id=1, epoch=100000)
    upnp = start(ALL)
    upnp.open()
    upnp.next("mapped 1 pcp")
    upnp.send("probe")  # all three are known, and their addresses
    upnp.next("probed")
    lan.tell(epoch=0, boot_id=2, wan="11.0.0.66", do="announce", kind=kind, source="192.168.77.66")
    lan.tell(epoch=100000, wan="11.0.0.77", do="announce", kind="natpmp")
    # the true one, sent later, is heard; the forged one was not
    assert upnp.next("wan nat-pmp 11.0.0.77")
    assert not [line for line in upnp.heard("") if line.startswith("lost") or ".66" in line]


MAC = "02:00:00:00:77:01"
MADE_OF_MAC = "fe80::ff:fe00:7701"


@pytest.mark.parametrize("router6, mac, source", [("fe80::77:1", "-", "fe80::77:1"),
                                                  ("::", MAC, MADE_OF_MAC)])
def test_announcement_to_all_nodes_is_heard(lan, start, router6, mac, source):
    """By IPv6: of the default route's address, or of the one made of the gateway's MAC; of no other."""
    stranger = "fe80::66"
    for address in (source, stranger):
        lan.ip(lan.router, f"addr add {address}/64 dev lan0 nodad")
    # The kernel takes a moment over a new link before it lets a multicast in.
    wait_for(lambda: "ff00::/8" in run("ip", "-n", lan.host, "-6", "route", "show", "table", "local",
                                       "dev", "eth0"), 20, "IPv6 on eth0")
    lan.start_rude(pcp="ok", epoch=100000)
    upnp = start(("pcp",), use=False)
    upnp.send(f"router6 {router6} {mac}")
    upnp.use(("pcp",))
    upnp.open()
    upnp.next("mapped 1 pcp")
    lan.tell(epoch=100, do="announce", kind="pcp", source=stranger)
    lan.tell(epoch=100000, do="announce", kind="pcp", source=source)  # nothing is lost
    lan.tell(do="reboot")
    lan.tell(do="announce", kind="pcp", source=source)
    assert 0 <= lost(upnp, "pcp", "has restarted") <= 5000
    assert "before 10000" in upnp.heard("lost")[0]


def wakes(upnp):
    """How often the process went to sleep by itself."""
    with open(f"/proc/{upnp.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("voluntary"))


@pytest.mark.parametrize("source", ["192.168.77.66", "192.168.77.1"])
def test_talk_does_not_wake(lan, start, source):
    """A television speaks all the time; the router, a dozen times in a row."""
    lan.ip(lan.router, "addr add 192.168.77.66/24 dev lan0")
    upnp = opened(lan, start, "upnp", boot_id=1000)
    before = wakes(upnp)
    for _ in range(40):
        lan.tell(do="announce", kind="alive", source=source)
    lan.tell(boot_id=1001, do="announce", kind="alive")
    lost(upnp, "upnp", "has restarted", 15)
    assert wakes(upnp) - before < 20


def test_new_wan_address_is_heard(lan, start):
    upnp = opened(lan, start, "nat-pmp")
    upnp.next("wan nat-pmp 11.0.0.2")
    lan.tell(wan="11.0.0.9", do="announce", kind="natpmp")
    upnp.next("wan nat-pmp 11.0.0.9")


def test_upnp_restart_is_heard_by_its_boot_id(lan, start):
    upnp = opened(lan, start, "upnp", boot_id=1000)
    lan.tell(do="announce", kind="alive")  # it is still there
    lan.tell(boot_id=1001, do="announce", kind="alive")
    assert lost(upnp, "upnp", "has restarted") <= 5000
    assert len(upnp.heard("lost")) == 1


def test_upnp_that_goes_and_comes_is_heard(lan, start):
    upnp = opened(lan, start, "upnp")
    lan.tell(do="announce", kind="byebye")
    time.sleep(lost(upnp, "upnp", "says goodbye") / 1000)
    lan.tell(do="announce", kind="byebye")  # one for each of its services
    lan.tell(do="announce", kind="alive")
    lost(upnp, "upnp", "is back")
    assert len(upnp.heard("lost")) == 2


ELSEWHERE = HERE.replace("/desc", "/other")


def test_two_places_of_one_router_are_no_restart(lan, start):
    """15: a router that describes itself twice says both in turn, without BOOTID. Its table tells that
    nothing is lost, and is asked once for that."""
    upnp = opened(lan, start, "upnp")
    before = len(lan.hears("GetSpecificPortMappingEntry"))
    for where in (ELSEWHERE, HERE, ELSEWHERE, HERE):
        lan.tell(location=where, do="announce", kind="alive")
        time.sleep(2.1)  # what is said sooner is read together
    assert len(lan.hears("GetSpecificPortMappingEntry")) == before + 1
    lan.tell(do="announce", kind="byebye")
    lost(upnp, "upnp", "says goodbye")
    assert len(upnp.heard("lost")) == 1


@pytest.mark.parametrize("moved, said", [
    ({"http": 5001}, "does not answer"),              # another port
    ({"only_path": "/elsewhere"}, "not where it was"),  # another path, 404 at the old one
    ({}, "has lost the mapping")])                    # its service is where it was
def test_upnp_at_another_place_has_restarted(lan, start, moved, said):
    upnp = opened(lan, start, "upnp")
    lan.stop()
    lan.start_rude(location=HERE.replace("5000", "5001") if "http" in moved else ELSEWHERE, **moved)
    lan.tell(do="announce", kind="alive")
    lost(upnp, "upnp", said)
    lan.tell(only_path="/ctl/WANIPConnection")
    upnp.use(("upnp",), generation=2)
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert len(upnp.heard("lost")) == 1


def test_first_notice_of_a_service_that_natd_remembers_is_no_restart(lan, start):
    """Where it is described is not known then: natd was started anew, and the router was not."""
    lan.start_rude(location=HERE)
    upnp = start(("upnp",), use=False)
    upnp.send("service http://192.168.77.1:5000/ctl/WANIPConnection "
              "urn:schemas-upnp-org:service:WANIPConnection:1")
    upnp.use(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    upnp.next("wan upnp")  # after the first burst, from when on it hears what is announced
    lan.tell(do="announce", kind="alive")
    time.sleep(2.1)
    lan.tell(do="reboot", location=ELSEWHERE)
    lan.tell(do="announce", kind="alive")
    lost(upnp, "upnp", "has lost the mapping")
    assert len(upnp.heard("lost")) == 1


def test_other_device_in_the_same_box_may_restart(lan, start):
    upnp = opened(lan, start, "upnp", boot_id=1000)
    lan.tell(boot_id=7, uuid="uuid:media-server", do="announce", kind="alive")
    lan.tell(boot_id=1002, uuid="uuid:rude", do="announce", kind="alive")
    lost(upnp, "upnp", "has restarted")
    assert len(upnp.heard("lost")) == 1


# ---- found out ----

@pytest.mark.parametrize("via, asks", [("pcp", "pcp-announce"), ("nat-pmp", "natpmp-address"),
                                       ("upnp", "GetSpecificPortMappingEntry")])
def test_silent_reboot_is_found_by_the_check(lan, start, via, asks):
    upnp = opened(lan, start, via, check=1)
    wait_for(lambda: len(lan.hears(asks)) >= 3, 10, "a third check")
    assert not upnp.heard("lost")
    began = lan.hears("ready")[0]["at"]
    before = lan.hears(asks)
    assert 2 <= len(before) <= (lan.heard[-1]["at"] - began) + 3, "once a second, no more"
    lan.tell(do="reboot")
    assert lost(upnp, via, "has restarted" if via != "upnp" else "has lost the mapping") == 0


@pytest.mark.parametrize("via", ALL)
def test_router_that_went_away_is_found_by_the_check(lan, start, via):
    upnp = opened(lan, start, via, check=1)
    lan.stop()
    lost(upnp, via, "refuses" if via != "upnp" else "does not answer")


@pytest.mark.parametrize("via", ALL)
def test_silent_reboot_of_the_outer_router_is_found_by_the_check(lan, start, via):
    """The second client of upnp, which natd has checked as often as the first."""
    names = {"pcp": {"pcp": "ok"}, "nat-pmp": {"natpmp": "ok"}, "upnp": {"location": HERE}}
    lan.start_rude(epoch=100000, **names[via])
    upnp = start((via,), use=False)
    upnp.send(f"hop 1 {HOST}")
    upnp.use((via,), check=1)
    upnp.open()
    upnp.next("hop 1: mapped 1")
    asks = {"pcp": "pcp-announce", "nat-pmp": "natpmp-address",
            "upnp": "GetSpecificPortMappingEntry"}[via]
    wait_for(lambda: len(lan.hears(asks)) >= 3, 10, "a third check")
    assert not [line for line in upnp.heard("") if "lost" in line]
    lan.tell(do="reboot")
    assert "lost" in upnp.next(f"hop 1: lost {via}")


def test_check_leaves_a_router_alone_that_was_heard(lan, start):
    upnp = opened(lan, start, "pcp", check=3)
    for _ in range(4):  # a renewal each second: no other question is due
        time.sleep(1)
        upnp.send(RENEW.format(via="pcp"))
        upnp.next("mapped 1 pcp")
    assert not lan.hears("pcp-announce")


def test_nothing_is_checked_unasked(lan, start):
    opened(lan, start, "pcp")
    time.sleep(2)
    assert not lan.hears("pcp-announce")


# ---- the real one ----

def restart(lan, **offer):
    lan.stop()
    run("ip", "netns", "exec", lan.router, "nft", "flush", "chain", "inet", "filter",
        "prerouting_miniupnpd")
    lan.start(**offer)


def test_restart_of_miniupnpd_is_heard_on_5350(lan, start):
    lan.start(upnp=False, uptime=False)
    upnp = start(("pcp", "nat-pmp"))
    upnp.open()
    upnp.next("mapped 1 pcp")
    time.sleep(3)  # its epoch is to be old enough to differ from 0
    restart(lan, upnp=False, uptime=False)
    text = upnp.next("lost")
    assert re.search("has restarted", text) and int(text.split()[2]) <= 5000
    upnp.use(("pcp", "nat-pmp"), generation=2)
    upnp.open()
    upnp.next("mapped 1")
    assert len(lan.redirects()) == 1


def test_restart_of_miniupnpd_is_heard_by_notify(lan, start):
    lan.start(natpmp=False)
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    restart(lan, natpmp=False)
    text = upnp.next("lost upnp")  # soon after a goodbye it is back, and that is one loss
    assert "goodbye" in text or "is back" in text or "has restarted" in text
    upnp.use(("upnp",), generation=2)
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert len(lan.redirects()) == 1


@pytest.mark.parametrize("variant", ["pcp", "igd2"])
def test_natd_opens_the_port_again_after_a_restart(variant):
    """The whole program: nobody tells it, no lease has ended, and nothing but the router restarts."""
    with Lab(router=variant) as lab:
        natd = lab.natd("router { lease = 604800 }")
        natd.wait_status("OK", state="open")
        time.sleep(4)  # the epoch is to be old enough to differ from a new one
        lab.router.restart()
        began = time.monotonic()
        wait_until(lambda: lab.router.redirects() == {Redirect("udp", 51820, LAB_HOST, 51820)}, 60,
                   "the port to be open again")
        took = time.monotonic() - began
        natd.wait_status("OK", state="open")
        assert "asked afresh" in natd.log, natd.log
        print(f"open again after {took:.1f} s")
