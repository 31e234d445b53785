# SPDX-License-Identifier: GPL-2.0-or-later
"""upnp alone, on real miniupnpd: every way to open a port, and what the router's kernel then does."""

import signal
import subprocess

import pytest

from upnp_router import GATEWAY, HOST, WAN, Lan, Upnp, run, wait_for

ALL = ("pcp", "nat-pmp", "upnp")
PORT = "dport 51820 dnat ip to 192.168.77.2:51820"


@pytest.fixture
def lan():
    lan = Lan()
    yield lan
    lan.close()


@pytest.fixture
def start(lan):
    """Starts upnp on the host; ends it after the test and sees that it ended well."""
    started = []

    def start_upnp(*arguments, **options):
        started.append(Upnp(lan, *arguments, **options))
        return started[-1]

    yield start_upnp
    for upnp in started:
        upnp.close()


def assert_open(lan, count=1):
    redirects = lan.redirects()
    assert len(redirects) == count and PORT in redirects[0], redirects


# which routers, what is asked of them, and who then holds the mapping
OFFERS = [
    pytest.param({}, ALL, "pcp", id="everything"),
    pytest.param({"natpmp": False}, ALL, "upnp", id="igd2"),
    pytest.param({"natpmp": False, "v1": True}, ALL, "upnp", id="igd1"),
    pytest.param({"upnp": False}, ALL, "pcp", id="pcp-and-nat-pmp"),
    pytest.param({"upnp": False}, ("nat-pmp", "pcp"), "nat-pmp", id="nat-pmp-preferred"),
    pytest.param({}, ("upnp",), "upnp", id="upnp-alone"),
    pytest.param({}, ("upnp", "pcp", "nat-pmp"), "upnp", id="upnp-preferred"),
    pytest.param({"v1": True}, ("nat-pmp",), "nat-pmp", id="nat-pmp-alone"),
]


@pytest.mark.parametrize("offer, order, via", OFFERS)
def test_opens_renews_and_closes(lan, start, offer, order, via):
    lan.start(**offer)
    upnp = start(order)
    upnp.open()
    words = upnp.next("mapped 1").split()
    assert words[2:4] == [via, "51820"] and int(words[5]) == 7200
    assert_open(lan)
    # slowest: an SSDP answer (miniupnpd waits 50 ms) and a handful of round trips
    assert int(words[6]) < 1_000_000
    upnp.send(f"map 1 udp {via} 51820 51820 3600 wireguard")
    words = upnp.next("mapped 1").split()
    assert words[2:4] == [via, "51820"] and int(words[5]) == 3600
    assert_open(lan)
    upnp.send(f"unmap 1 udp {via} 51820 51820 0 wireguard")
    upnp.next("unmapped 1 removed")
    assert lan.redirects() == []


def test_says_what_the_router_is_and_its_address(lan, start):
    lan.start()
    upnp = start()
    upnp.open()
    assert upnp.next("mapped 1").split()[4] == WAN
    assert upnp.said("wan nat-pmp") == f"wan nat-pmp {WAN}"
    router = upnp.said("router")
    assert "igd=2" in router and f"url=[http://{GATEWAY}/]" in router and "MiniUPnPd" in router
    upnp.said("protocol upnp ok")
    upnp.said("protocol pcp ok")


def test_tcp_and_several_mappings(lan, start):
    lan.start()
    upnp = start()
    upnp.send("map 1 udp any 51820 51820 7200 wireguard", "map 2 tcp any 1194 1194 7200 openvpn",
              "map 3 udp any 4500 4500 7200 ike", "ask")
    via = dict(upnp.next("mapped").split()[1:3] for _ in range(3))  # a slow router's is the next
    assert sorted(via) == ["1", "2", "3"]
    wait_for(lambda: len(lan.redirects()) == 3, 10, "three redirects")
    upnp.send(*(f"unmap {number} {protocol} {via[number]} {port} {port} 0 x"
                for number, protocol, port in
                (("1", "udp", 51820), ("2", "tcp", 1194), ("3", "udp", 4500))))
    for _ in range(3):
        upnp.next("unmapped")
    assert lan.redirects() == []


def test_nothing_there_is_said(lan, start):
    upnp = start()
    upnp.open()
    upnp.next("failed 1 any no-protocol")
    states = {line.split()[1]: line.split()[2] for line in upnp.reports
              if line.startswith("protocol") and "asking" not in line}
    assert states == {"pcp": "refused", "nat-pmp": "refused", "upnp": "silent"}
    # asked again, it asks again
    lan.start()
    upnp.send("map 1 udp any 51820 51820 7200 wireguard", "ask")
    upnp.next("mapped 1 ")  # by UPnP where its NOTIFY was heard before
    assert_open(lan)


def test_no_order_never_asks(lan, start):
    lan.start()
    upnp = start(())
    upnp.open()
    upnp.next("failed 1 any no-protocol", 1)
    assert lan.redirects() == []


def test_nothing_is_asked_before_the_word(lan, start):
    lan.start()
    upnp = start()
    upnp.send("map 1 udp any 51820 51820 7200 wireguard")
    upnp.quiet("mapped", 0.5)
    assert lan.redirects() == []
    upnp.send("ask")
    upnp.next("mapped 1 pcp")


@pytest.mark.parametrize("via", ALL)
def test_what_the_run_before_left_is_removed(lan, start, via):
    lan.start()
    before = start((via,))
    before.open()
    before.next(f"mapped 1 {via}")
    before.close()  # mappings stay
    assert_open(lan)
    after = start(ALL)
    after.send(f"unmap 9 udp {via} 51820 51820 0 wireguard 010101010101010101010101")
    after.next("unmapped 9 removed")
    assert lan.redirects() == []


def test_pcp_mapping_of_another_nonce_is_not_removed(lan, start):
    lan.start()
    upnp = start()
    upnp.open()
    upnp.next("mapped 1 pcp")
    upnp.send("unmap 1 udp pcp 51820 51820 0 wireguard 0202")
    assert "PCP 2 NOT_AUTHORIZED" in upnp.next("unmapped 1 kept")
    assert_open(lan)


@pytest.mark.parametrize("via", ALL)
def test_what_is_gone_need_not_be_removed(lan, start, via):
    lan.start()
    upnp = start((via,))
    upnp.open()
    upnp.next(f"mapped 1 {via}")
    for _ in range(2):
        upnp.send(f"unmap 1 udp {via} 51820 51820 0 wireguard")
        upnp.next("unmapped 1 removed")
    assert lan.redirects() == []


@pytest.mark.parametrize("via", ALL)
def test_router_that_went_away_and_came_back(lan, start, via):
    lan.start()
    upnp = start((via,))
    upnp.open()
    upnp.next(f"mapped 1 {via}")
    lan.stop(signal.SIGKILL)
    run("ip", "netns", "exec", lan.router, "nft", "flush", "chain", "inet", "filter",
        "prerouting_miniupnpd")
    renew = f"map 1 udp {via} 51820 51820 7200 wireguard"
    upnp.send(renew)
    said = upnp.next(f"failed 1 {via} no-answer")
    assert via == "upnp" or "refuses the port" in said, "not silence: ICMP ends it at once"
    lan.start()  # at another HTTP port
    upnp.send(renew)
    upnp.next(f"mapped 1 {via}")
    assert_open(lan)


def test_router_behind_a_dead_cable_does_not_answer(lan, start):
    lan.start()
    upnp = start(("pcp",))
    upnp.open()
    upnp.next("mapped 1 pcp")
    lan.ip(lan.router, "link set lan0 down")
    upnp.send("map 1 udp pcp 51820 51820 7200 wireguard")
    upnp.next("failed 1 pcp no-answer")


@pytest.mark.parametrize("v1", [False, True])
def test_who_holds_a_taken_port(lan, start, v1):
    lan.start(v1=v1)
    lan.ip(lan.host, "addr add 192.168.77.3/24 dev eth0")
    other = start(use=False)
    other.send(f"use {GATEWAY} 192.168.77.3 eth0 24 1 0 pcp")
    other.open(name="other")
    other.next("mapped 1 pcp")
    upnp = start(("upnp",))
    upnp.open()
    mapped = upnp.next("mapped 1 upnp")
    assert mapped.split()[3] != "51820" and "718" in mapped and "192.168.77.3" in mapped
    assert len(lan.redirects()) == 2
    # the wanted port becomes free, and is taken back
    other.send("unmap 1 udp pcp 51820 51820 0 other")
    other.next("unmapped 1 removed")
    upnp.send(f"map 1 udp upnp 51820 {mapped.split()[3]} 7200 wireguard 01 51820")
    assert upnp.next("mapped 1 upnp").split()[3] == "51820"
    assert_open(lan)


def test_pcp_grants_another_port_where_the_wanted_one_is_taken(lan, start):
    lan.start()
    lan.ip(lan.host, "addr add 192.168.77.3/24 dev eth0")
    other = start(use=False)
    other.send(f"use {GATEWAY} 192.168.77.3 eth0 24 1 0 pcp")
    other.open(name="other")
    other.next("mapped 1 pcp")
    upnp = start(("pcp",))
    upnp.open()
    assert upnp.next("mapped 1 pcp").split()[3] != "51820"


def test_lists_the_table(lan, start):
    lan.start()
    upnp = start()
    upnp.send("map 1 udp any 51820 51820 7200 wireguard", "map 2 tcp any 1194 1195 7200 openvpn",
              "ask")
    upnp.next("mapped")
    upnp.next("mapped")
    upnp.send("list")
    entries = sorted([upnp.next("entry").split(" ", 4)[1:5] for _ in range(2)])
    assert [entry[:4] for entry in entries] == [
        ["tcp", "1195", HOST, entries[0][3]], ["udp", "51820", HOST, entries[1][3]]]
    assert upnp.next("listed") == "listed 2 complete "


def test_lists_without_being_asked_before(lan, start):
    lan.start()
    upnp = start()
    upnp.send("list")
    assert upnp.next("listed") == "listed 0 complete "


def test_list_says_why_it_cannot(lan, start):
    upnp = start()
    upnp.send("list")
    assert upnp.next("listed").startswith("listed 0 incomplete UPnP: nobody answers")
    upnp.use(("pcp",))
    upnp.send("list")
    assert upnp.next("listed").startswith("listed 0 incomplete UPnP is not to be asked")


def test_probe_asks_everything_and_changes_nothing(lan, start):
    lan.start()
    upnp = start()
    upnp.send("probe")
    upnp.next("probed")
    said = "\n".join(upnp.reports)
    for protocol in ALL:
        assert f"protocol {protocol} ok" in said
    for via in ("nat-pmp", "upnp"):
        assert f"wan {via} {WAN}" in said
    assert "router igd=2" in said
    assert lan.redirects() == []
    upnp.send("probe")  # and again
    upnp.next("probed")


def test_probe_leaves_the_mappings_alone(lan, start):
    lan.start()
    upnp = start()
    upnp.open()
    upnp.next("mapped 1 pcp")
    upnp.send("probe")
    upnp.next("probed")
    assert_open(lan)
    upnp.send("map 1 udp pcp 51820 51820 7200 wireguard")
    upnp.next("mapped 1 pcp")


def test_another_network_forgets_the_old_one(lan, start):
    upnp = start()  # nobody answers
    upnp.open()
    lan.start()
    upnp.use(ALL, generation=2)
    upnp.send("map 7 udp any 51820 51820 7200 wireguard", "ask")
    upnp.next("mapped 7 pcp")
    upnp.quiet("failed", 4)


def test_it_may_do_nothing_but_speak(lan, start):
    upnp = start()

    def status():
        with open(f"/proc/{upnp.pid}/status", encoding="ascii") as lines:
            return dict(line.split(":\t", 1) for line in lines.read().splitlines() if ":\t" in line)

    wait_for(lambda: status()["Seccomp"] == "2", 5, "the sandbox")
    now = status()
    assert now["Uid"].split() == ["65534"] * 4
    assert now["NoNewPrivs"] == "1"
    assert int(now["CapEff"], 16) == int(now["CapPrm"], 16) == int(now["CapBnd"], 16) == 0


def test_message_of_another_build_ends_it(lan, start):
    upnp = start()
    upnp.send("raw")
    assert upnp.next("upnp ended") == "upnp ended 1"
    wait_for(lambda: any("not from this build" in line for line in upnp.debug))


def test_it_ends_when_natd_goes(lan, start):
    upnp = start()
    upnp.process.stdin.close()
    assert upnp.next("upnp ended") == "upnp ended 0"
    upnp.process.wait(5)
    assert subprocess.run(["kill", "-0", str(upnp.pid)], capture_output=True).returncode != 0
