# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that moves: to another router and back, to a router that replaces the old one."""

import json
import socket

import pytest

from lab import GATEWAY, HOST, HOST6, LAN6, Lab, Redirect, wait_until
from lab.natd import NATCTL
from lab.node import Node
from lab.router import Router
from test_ipv6 import pinholes, rule_of

WIREGUARD = Redirect("udp", 51820, HOST, 51820)


def another_router(lab, variant):
    """A router in a cafe: the same addresses as at home, another box."""
    node = Node("cafe", f"{lab.name}-cafe", lab.folder / "cafe")
    lab._nodes["cafe"] = node
    node.wait_ready()
    node.sysctl("ipv4/ip_forward", 1)
    # By themselves bridges take a port's address, and with it change theirs.
    lab.router.node.ip("link set lan address 02:00:00:00:77:01")
    node.ip("link add isp type veth peer name wan", "link add lan type bridge forward_delay 0",
            "addr add 11.0.7.2/24 dev wan", f"addr add {GATEWAY}/24 dev lan",
            "link set lan address 02:00:00:00:77:02", "link set isp up", "link set wan up", "link set lan up",
            "route add default via 11.0.7.1")
    router = Router(node, GATEWAY)
    router.start(variant)
    return router


def plug(lab, from_router, to_router, natd=None):
    """Pulls the host's cable out of one router and puts it into the other. That takes a hand longer
    than the kernel, which tells nobody of a carrier that is back within a second, and than natd,
    which looks 20 ms after an event."""
    from_router.node.ip("link set port1 down")
    wait_until(lambda: "NO-CARRIER" in lab.host.ip("link show eth0"), 20, "the kernel to tell it")
    if natd:
        natd.wait_status("E11")
    from_router.node.ip("link set port1 nomaster", f"link set port1 netns {to_router.node.namespace}")
    to_router.node.ip("link set port1 master lan", "link set port1 up")


def wait_redirects(router, wanted):
    wait_until(lambda: router.redirects() == wanted, 20, f"{wanted} on {router.node.name}")


def saved(natd):
    return json.loads((natd.state / "state.json").read_text())


def wait_router_saved(natd):
    wait_until(lambda: saved(natd)["mappings"][0]["router"], 10, "the router's MAC in the state")


def nonce(natd):
    return saved(natd)["mappings"][0]["nonce"]


@pytest.mark.parametrize("variant", ["pcp", "igd2"])
def test_laptop_in_a_cafe(variant):
    """The cafe's router has the home's address and another MAC. It never sees the home's nonce, home's
    port stays open and is the same mapping afterwards; at the stop, home again, it is removed."""
    with Lab(router=variant) as lab:
        cafe = another_router(lab, variant)
        natd = lab.natd()
        natd.wait_status("OK", state="open", external_port=51820)
        wait_router_saved(natd)
        home_nonce = nonce(natd)
        plug(lab, lab.router, cafe, natd)
        wait_redirects(cafe, {WIREGUARD})
        natd.wait_status(None, state="open")
        assert nonce(natd) != home_nonce
        assert lab.router.redirects() == {WIREGUARD}, "home's is left alone"
        plug(lab, cafe, lab.router, natd)
        wait_until(lambda: nonce(natd) == home_nonce, 20, "home's nonce")
        natd.wait_status("OK", state="open", external_port=51820)
        assert lab.router.redirects() == {WIREGUARD}
        assert cafe.redirects() == {WIREGUARD}, "the cafe's ends with its lease"
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


def test_stopped_in_the_cafe_and_started_at_home():
    with Lab(router="pcp") as lab:
        cafe = another_router(lab, "pcp")
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_router_saved(natd)
        home_nonce = nonce(natd)
        plug(lab, lab.router, cafe, natd)
        wait_redirects(cafe, {WIREGUARD})
        natd.wait_status(None, state="open")
        assert natd.stop() == 0
        assert cafe.redirects() == set()
        assert lab.router.redirects() == {WIREGUARD}
        plug(lab, cafe, lab.router)
        natd.start("").wait_status("OK", state="open", external_port=51820)
        assert nonce(natd) == home_nonce
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


def test_pinholes_of_a_router_replaced_behind_a_switch():
    """The link stays, the new box has the old one's addresses, IPv6 as well, and says nothing."""
    with Lab(router="pcp6") as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_until(lambda: pinholes(lab) == [rule_of(HOST6)], 20, "the pinhole")
        wait_router_saved(natd)
        lab.host.nft("table inet deaf { chain input { type filter hook input priority -10; "
                     "udp dport { 1900, 5350 } drop; }; }")
        lab.router.node.ip("link set lan address 02:00:00:00:77:02")
        lab.router.restart()
        lab.host.ip(*(f"neigh replace {address} lladdr 02:00:00:00:77:02 dev eth0 nud reachable"
                      for address in (GATEWAY, f"{LAN6}:1")))
        wait_redirects(lab.router, {WIREGUARD})
        wait_until(lambda: pinholes(lab) == [rule_of(HOST6)], 20, "the pinhole on the new one")


def test_router_replaced():
    """A new box at home: it is asked at once, with nothing that the old one knew."""
    with Lab(router="pcp") as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_router_saved(natd)
        old = nonce(natd)
        lab.router.node.ip("link set port1 down", "link set lan address 02:00:00:00:77:02")
        natd.wait_status("E11")
        lab.router.restart()
        lab.router.node.ip("link set port1 up")
        wait_redirects(lab.router, {WIREGUARD})
        natd.wait_status("OK", state="open", external_port=51820)
        assert nonce(natd) != old
        assert saved(natd)["mappings"][0]["router"] == "02:00:00:00:77:02"
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


def test_router_replaced_behind_a_switch():
    """No link goes down and nothing is announced: the new box is known by its MAC address, as soon as
    it says a word to this host. It is asked at once, with nothing that the old one knew."""
    with Lab(router="pcp") as lab:
        lab.router.node.ip("link set lan address 02:00:00:00:77:01")
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_router_saved(natd)
        old = nonce(natd)
        lab.router.node.ip("link set lan address 02:00:00:00:77:02", "neigh flush dev lan")
        forget(lab.router, WIREGUARD)
        word = lab.router.node.socket(socket.AF_INET, socket.SOCK_DGRAM)

        def asked_anew():
            """Linux believes a new address only a second after the one before (locktime, arp(7))."""
            word.sendto(b"", (HOST, 9))
            return lab.router.redirects() == {WIREGUARD}

        wait_until(asked_anew, 20, "the new box to be asked", every=0.3)
        word.close()
        natd.wait_status("OK", state="open", external_port=51820)
        wait_until(lambda: saved(natd)["mappings"][0]["router"] == "02:00:00:00:77:02", 20,
                   "the new MAC in the state")
        assert nonce(natd) != old
        assert "this is another router than before" in natd.log


# ---- the host's own address ----

NEW = "192.168.77.44"
MOVED = Redirect("udp", 51820, NEW, 51820)


def opened(lab, protocol):
    natd = lab.natd(f'router {{ protocols = {{ "{protocol}" }} }}')
    natd.wait_status("OK", state="open", external_port=51820)
    return natd


def watching(lab, natd):
    """natctl watch, from now on."""
    watch = lab.host.start("watch", NATCTL, "-s", natd.socket, "watch")
    wait_until(lambda: lab.host.run("ss", "-Hx", "state", "connected", "src", natd.socket,
                                    check=False).stdout.strip(), 20, "natctl watch to be connected")
    return watch


@pytest.mark.parametrize("protocol", ["pcp", "nat-pmp"])
def test_new_address_while_the_old_one_lasts(protocol):
    """As from DHCP: the old address is deprecated, then it goes. The mapping moves, with its port."""
    with Lab(router="pcp") as lab:
        natd = opened(lab, protocol)
        watch = watching(lab, natd)
        lab.host.ip(f"addr add {NEW}/24 dev eth0",
                    f"addr change {HOST}/24 dev eth0 preferred_lft 0")
        wait_redirects(lab.router, {MOVED})
        natd.wait_status("OK", state="open", external_port=51820)
        wait_until(lambda: f'"host_address":"{NEW}"' in watch.log, 20, "host-changed")
        assert '"host-changed"' in watch.log and f'"old_host_address":"{HOST}"' in watch.log


# Of what the old address asks, the router hears the first datagram never.
LOSE_THE_FIRST = f"""
table inet lossy {{
	chain input {{
		type filter hook input priority 0;
		ip saddr {HOST} udp dport 5351 numgen inc mod 1000000 == 0 counter drop
	}}
}}
"""


@pytest.mark.parametrize("protocol", ["pcp", "nat-pmp"])
def test_a_lost_removal_is_sent_again(protocol):
    """The router gives the new address another port meanwhile; the wanted one is taken back as soon as
    the second try has come through, without waiting for a renewal."""
    with Lab(router="pcp") as lab:
        natd = opened(lab, protocol)
        lab.router.node.nft(LOSE_THE_FIRST)
        lab.host.ip(f"addr add {NEW}/24 dev eth0",
                    f"addr change {HOST}/24 dev eth0 preferred_lft 0")
        wait_redirects(lab.router, {MOVED})
        natd.wait_status("OK", state="open", external_port=51820)
        lost = lab.router.node.run("nft", "list", "table", "inet", "lossy").stdout
        assert "counter packets 1 " in lost


def test_new_address_after_the_old_one_is_gone():
    """Only the old address could have removed its mapping: E12, another port for the meantime, and the
    wanted one again as soon as the router has let it go."""
    with Lab(router="pcp") as lab:
        natd = opened(lab, "pcp")
        lab.host.ip("addr flush dev eth0 scope global", f"addr add {NEW}/24 dev eth0",
                    f"route add default via {GATEWAY} dev eth0")
        status = natd.wait_status("E12", state="open", external_port=51821)
        assert status["verdict"]["works"] == "yes"
        assert HOST in status["verdict"]["text"]
        assert NEW in status["verdict"]["advice"]
        natd.ctl("reload")  # not free yet: nothing is lost
        wait_until(lambda: "the trial of external port 51820 has ended" in natd.log, 20, "a trial")
        assert lab.router.redirect("udp", 51821).address == NEW
        forget(lab.router, WIREGUARD)
        natd.ctl("reload")
        natd.wait_status("OK", state="open", external_port=51820)
        wait_redirects(lab.router, {MOVED})
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


def forget(router, redirect):
    """As when its lease has ended."""
    listing = router.node.run("nft", "-a", "list", "chain", "inet", "filter", "prerouting_miniupnpd")
    handle = next(line.rsplit(" ", 1)[1] for line in listing.stdout.splitlines()
                  if f"dnat ip to {redirect.address}:{redirect.port}" in line)
    router.node.run("nft", "delete", "rule", "inet", "filter", "prerouting_miniupnpd", "handle",
                    handle)


def test_rule_by_hand_for_an_old_address():
    """What was made by hand stays; UPnP shows for whom it is, and natd knows that it was this host."""
    with Lab(router="igd2") as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        assert natd.stop() == 0
        lab.host.run("upnpc", "-e", "VPN", "-a", HOST, 51820, 51820, "udp")
        lab.host.ip("addr flush dev eth0 scope global", f"addr add {NEW}/24 dev eth0",
                    f"route add default via {GATEWAY} dev eth0")
        natd.start()
        status = natd.wait_status("E12", state="open")
        assert HOST in status["verdict"]["text"]
        assert WIREGUARD in lab.router.redirects()
