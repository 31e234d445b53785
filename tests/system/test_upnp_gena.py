# SPDX-License-Identifier: GPL-2.0-or-later
"""UPnP's events: the router says by itself that its WAN address or its table has changed. Nothing is
checked by the clock in these tests (check=900) unless they say so."""

import pytest

from lab import Lab, wait_until
from test_upnp import lan, start  # noqa: F401  (fixtures)
from upnp_router import GATEWAY, HOST, run, wait_for

HERE = "http://192.168.77.1:5000/desc.xml"
LOOK = "GetSpecificPortMappingEntry"


def subscribed(lan, start, check=900, **manners):
    """upnp with a mapping and a subscription on a rude router, and what it was asked by then."""
    lan.start_rude(**{"location": HERE, "events": "ok", **manners})
    upnp = start(("upnp",), check=check)
    upnp.open()
    upnp.next("mapped 1 upnp")
    wait_for(lambda: lan.hears("subscribe"), 10, "a subscription")
    if manners.get("events", "ok") == "ok":
        wait_for(lambda: lan.hears("told"), 10, "the first event to be taken")
    return upnp


def told(lan, **event):
    """What the router gets for a NOTIFY."""
    before = len(lan.hears("told"))
    lan.tell(do="event", event=event)
    wait_for(lambda: len(lan.hears("told")) > before, 30, "an answer")
    return lan.hears("told")[-1]["status"]


def looks(lan):
    return len(lan.hears(LOOK))


# ---- subscribing ----

def test_it_subscribes_when_all_is_done(lan, start):
    subscribed(lan, start)
    one = lan.hears("subscribe")[0]
    assert one["path"] == "/evt" and one["nt"] == "upnp:event"
    assert one["callback"].startswith(f"<http://{HOST}:")
    assert one["timeout"] == "Second-86400"
    assert lan.hears("told")[0]["status"] == "200"
    asked = [request["what"] for request in lan.heard]
    assert asked.index("subscribe") > asked.index("GetExternalIPAddress") > asked.index(LOOK)


@pytest.mark.parametrize("events", [404, 503, 412, "silent"])
def test_refusal_is_taken_once(lan, start, events):
    upnp = subscribed(lan, start, check=1, events=events)
    before = looks(lan)
    wait_for(lambda: looks(lan) >= before + 3, 30, "three checks")
    assert len(lan.hears("subscribe")) == 1
    assert not upnp.heard("lost")
    upnp.use(("upnp",), generation=2, check=900)  # asked afresh, it is asked again
    upnp.open()
    wait_for(lambda: len(lan.hears("subscribe")) == 2, 10, "a second try")


def test_nothing_is_subscribed_by_who_does_not_stay(lan, start):
    lan.start_rude(location=HERE, events="ok")
    upnp = start(("upnp",), check=0)
    upnp.open()
    upnp.next("mapped 1 upnp")
    upnp.send("probe")
    upnp.next("probed")
    assert not lan.hears("subscribe")


def test_it_unsubscribes_at_the_end(lan, start):
    upnp = subscribed(lan, start)
    upnp.send("leave")
    wait_for(lambda: lan.hears("unsubscribe"), 10, "the end of the subscription")
    assert lan.hears("unsubscribe")[0]["sid"] == "uuid:1"


# ---- keeping ----

def test_long_subscription_is_not_renewed(lan, start):
    subscribed(lan, start, check=1)
    before = looks(lan)
    wait_for(lambda: looks(lan) >= before + 3, 30, "three checks")
    assert not lan.hears("renew") and len(lan.hears("subscribe")) == 1


def test_short_subscription_is_renewed_with_the_checks(lan, start):
    subscribed(lan, start, check=4, timeout="Second-5")
    wait_for(lambda: len(lan.hears("renew")) >= 2, 60, "two renewals")
    assert {one["sid"] for one in lan.hears("renew")} == {"uuid:1"}
    assert len(lan.hears("renew")) <= looks(lan), "each with a check"
    assert len(lan.hears("subscribe")) == 1
    assert told(lan) == "200"


def test_subscription_that_the_router_forgot_is_made_again(lan, start):
    subscribed(lan, start, check=4, timeout="Second-5", renewals=412)
    wait_for(lambda: len(lan.hears("subscribe")) >= 2, 60, "a second subscription")
    assert lan.hears("renew")
    wait_for(lambda: lan.hears("told")[-1]["status"] == "200" and len(lan.hears("told")) >= 2, 10,
             "its first event")


def test_asked_afresh_the_subscription_stays(lan, start):
    upnp = subscribed(lan, start)
    upnp.use(("upnp",), generation=2, check=900)
    upnp.open()
    upnp.next("mapped 1 upnp")
    wait_for(lambda: lan.hears("renew"), 10, "a renewal")
    assert len(lan.hears("subscribe")) == 1


@pytest.mark.parametrize("check, manners", [(4, {"timeout": "Second-4"}), (1, {"events": "mute"})])
def test_useless_subscription_is_ended(lan, start, check, manners):
    """It would end before the next check; or a firewall keeps the events out."""
    subscribed(lan, start, check=check, **manners)
    wait_for(lambda: lan.hears("unsubscribe"), 30, "the end of the subscription")
    before = looks(lan)
    wait_for(lambda: looks(lan) >= before + 2, 30, "two checks")
    assert len(lan.hears("subscribe")) == 1


# ---- hearing ----

def test_new_wan_address_is_asked_for(lan, start):
    upnp = subscribed(lan, start)
    lan.tell(wan="11.0.0.9")
    assert told(lan) == "200"
    upnp.next("wan upnp 11.0.0.9")


def test_lost_mapping_is_found_when_the_table_changes(lan, start):
    upnp = subscribed(lan, start)
    lan.tell(do="reboot")
    assert told(lan, entries=0) == "200"
    assert upnp.next("lost upnp").split()[2] == "0"


def test_lost_mapping_is_found_where_the_number_of_entries_is_as_before(lan, start):
    upnp = subscribed(lan, start)
    lan.tell(do="reboot")
    assert told(lan, entries=1) == "200"
    upnp.next("lost upnp")


def test_busy_table_is_not_looked_at_each_time(lan, start):
    upnp = subscribed(lan, start)
    before = looks(lan)
    for entries in range(20):
        assert told(lan, entries=10 + entries) == "200"
    wait_for(lambda: looks(lan) > before, 10, "a look")
    assert looks(lan) - before < 10
    assert not upnp.heard("lost")


@pytest.mark.parametrize("event, status, asked", [
    ({"sid": "uuid:forged"}, "412", 0),
    ({"body": "x" * 100000}, "400", 0),
    ({"seq": "x"}, "400", 0),
    ({"body": "<ExternalIPAddress>" * 200}, "200", 1),
    ({"body": "<ExternalIPAddress>" + "9" * 3000 + "<"}, "200", 1),
    ({"body": "<ExternalIPAddress>11.0.0.66</ExternalIPAddress>"}, "200", 1),
    ({"body": "\0\x01\x7f<<<&&&]]>" * 50}, "200", 1),
])
def test_hostile_event_does_no_more_than_have_it_looked(lan, start, event, status, asked):
    upnp = subscribed(lan, start)
    before = looks(lan)
    assert told(lan, **event) in (status, "ConnectionResetError")
    lan.tell(do="reboot")
    assert told(lan) == "200"  # a true one is heard
    upnp.next("lost upnp", 20)
    assert looks(lan) <= before + asked + 1
    assert not [line for line in upnp.heard("") if ".66" in line]


def test_event_of_another_host_is_not_heard(lan, start):
    lan.ip(lan.router, "addr add 192.168.77.66/24 dev lan0")
    upnp = subscribed(lan, start)
    before = looks(lan)
    assert told(lan, source="192.168.77.66") in ("", "ConnectionResetError", "TimeoutError")
    lan.tell(do="reboot")
    assert told(lan) == "200"
    upnp.next("lost upnp")
    assert looks(lan) == before + 1


def test_event_without_end_is_cut_off(lan, start):
    upnp = subscribed(lan, start)
    lan.tell(do="event", event={"slow": True})
    wait_for(lambda: lan.hears("told")[-1]["status"] == "", 30, "it to hang up")
    lan.tell(do="reboot")
    assert told(lan, entries=0) == "200"
    upnp.next("lost upnp")


def test_events_without_end_are_not_listened_to(lan, start):
    upnp = subscribed(lan, start)
    lan.tell(do="event", event={"times": 40})
    wait_for(lambda: lan.hears("unsubscribe"), 30, "the end of the subscription")
    wait_for(lambda: lan.hears("told")[-1]["status"] == "ConnectionRefusedError", 30, "no listener")
    upnp.send("map 1 udp upnp 51820 51820 7200 wireguard")
    upnp.next("mapped 1 upnp")
    assert len(lan.hears("subscribe")) == 1


# ---- the real one ----

def test_miniupnpd_tells_its_new_address(lan, start):
    lan.start(natpmp=False)
    upnp = start(("upnp",), check=900)
    upnp.open()
    upnp.next("wan upnp 11.0.0.2")
    wait_for(lambda: any("GENA: event 0" in line for line in upnp.debug), 10, "the first event")
    lan.ip(lan.router, "addr del 11.0.0.2/24 dev wan0")
    lan.ip(lan.router, "addr add 11.0.0.9/24 dev wan0")
    upnp.next("wan upnp 11.0.0.9")


ADD = """<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
 s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>
<u:AddPortMapping xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1"><NewRemoteHost></NewRemoteHost>
<NewExternalPort>4000</NewExternalPort><NewProtocol>UDP</NewProtocol><NewInternalPort>4000</NewInternalPort>
<NewInternalClient>192.168.77.3</NewInternalClient><NewEnabled>1</NewEnabled>
<NewPortMappingDescription>other</NewPortMappingDescription><NewLeaseDuration>600</NewLeaseDuration>
</u:AddPortMapping></s:Body></s:Envelope>"""


def test_entry_of_another_shows_that_ours_is_gone(lan, start):
    """miniupnpd does not see that its rules are flushed; the next change of its table shows it."""
    lan.start(natpmp=False, http_port=5000)
    lan.ip(lan.host, "addr add 192.168.77.3/24 dev eth0")
    upnp = start(("upnp",), check=900)
    upnp.open()
    upnp.next("mapped 1 upnp")
    wait_for(lambda: any("GENA: event 0" in line for line in upnp.debug), 10, "the first event")
    for chain in ("prerouting_miniupnpd", "miniupnpd"):
        run("ip", "netns", "exec", lan.router, "nft", "flush", "chain", "inet", "filter", chain)
    run("ip", "netns", "exec", lan.host, "curl", "-sf", "--interface", "192.168.77.3", "-o",
        "/dev/null", "-H", 'SOAPAction: "urn:schemas-upnp-org:service:WANIPConnection:1#'
        'AddPortMapping"', "--data-binary", ADD, f"http://{GATEWAY}:5000/ctl/IPConn")
    upnp.next("lost upnp")


def test_natd_follows_an_address_that_only_upnp_tells():
    """The whole program; and its router need not call a host that has stopped."""
    with Lab(router="igd2") as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_until(lambda: "GENA: event 0" in natd.log, 20, "a subscription")
        lab.router.node.ip(f"addr del {lab.wan}/24 dev wan", "addr add 11.0.1.9/24 dev wan")
        wait_until(lambda: natd.status()["router"]["wan_address"] == "11.0.1.9", 20, "the address")
        natd.stop()
        lab.router.miniupnpd.wait_log("UNSUBSCRIBE")
