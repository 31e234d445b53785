# SPDX-License-Identifier: GPL-2.0-or-later
"""Pinholes: the router lets packets to this host's IPv6 address through, because natd asked."""

import json
import socket

import pytest

from lab import GATEWAY, HOST6, LAN6, Lab, wait_until

PORT = 40000
FORWARD = f'forward "box" {{ protocol = "udp" port = {PORT} }}\n'
UPNP = 'router { protocols = { "upnp" } }\n'
SECOND = f"{LAN6}:20"  # of the host, in the same network


def pinholes(lab):
    """How many rules of the router's kernel let IPv6 in: miniupnpd compares the whole address."""
    chain = lab.router.node.run("nft", "list", "chain", "inet", "filter", "miniupnpd").stdout
    return [line.split("@nh,192,128 ")[1].split()[0] for line in chain.splitlines()
            if "@nh,192,128" in line]


def rule_of(address):
    return hex(int.from_bytes(socket.inet_pton(socket.AF_INET6, address), "big"))


def ipv6_of(natd):
    return natd.status()["forwards"][0]["ipv6"]


def wait_open(natd, address=HOST6, **values):
    def reached():
        now = ipv6_of(natd)
        return (now["state"] == "open" and now["address"] == address and
                all(now[key] == value for key, value in values.items()) and now)
    return wait_until(reached, 20, f"the pinhole of {address}")


@pytest.mark.parametrize("router, config, via", [("everything6", "", "pcp"),
                                                 ("upnp6", UPNP, "upnp")])
def test_packet_from_outside_comes_in(router, config, via):
    with Lab(router=router) as lab:
        box = lab.host.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        outside = lab.client.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        with box, outside:
            box.bind(("::", PORT))
            box.settimeout(0.2)
            outside.sendto(b"before natd", (HOST6, PORT))
            natd = lab.natd(config + FORWARD)
            wait_open(natd, via=via, port=PORT)

            def arrives():
                outside.sendto(b"through the pinhole", (HOST6, PORT))
                try:
                    return box.recv(100)
                except TimeoutError:
                    return None

            assert wait_until(arrives, 10, "the packet") == b"through the pinhole"
        assert pinholes(lab) == [rule_of(HOST6)]
        shown = natd.ctl("status").stdout
        assert f"[{HOST6}]:{PORT}" in shown, shown
        assert natd.stop() == 0
        assert pinholes(lab) == []


def test_probe_shows_what_the_router_does_for_ipv6_and_how_large_its_table_is():
    with Lab(router="everything6") as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        natd.ctl("open", "8080/tcp")
        wait_until(lambda: len(lab.router.redirects()) == 2, 20, "the second port")
        probe = natd.json("probe")
        assert (probe["table"]["entries"], probe["table"]["complete"]) == (2, True)
        six = probe["ipv6"]
        assert (six["address"], six["gateway"]) == (HOST6, f"{LAN6}:1")
        assert {one["protocol"]: one["state"] for one in six["answers"]} == {"pcp": "ok",
                                                                              "upnp": "ok"}
        assert (six["firewall"], six["pinholes"]) == (True, True)
        assert all(one["took"] > 0 for one in six["answers"])
        text = natd.ctl("probe").stdout
        assert "2 ports are open" in text and "on, and this host may open it" in text, text


@pytest.mark.parametrize("router, config", [("everything6", ""), ("upnp6", UPNP)])
def test_killed_and_started_again(router, config):
    """The same pinhole is renewed; there are never two, and it can still be removed."""
    with Lab(router=router) as lab:
        natd = lab.natd(config + FORWARD)
        wait_open(natd)
        held = json.loads((natd.state / "state.json").read_text())["pinholes"]
        natd.kill()
        assert pinholes(lab) == [rule_of(HOST6)]
        natd.start()
        wait_open(natd)
        assert json.loads((natd.state / "state.json").read_text())["pinholes"] == held
        assert pinholes(lab) == [rule_of(HOST6)]
        assert natd.stop() == 0
        assert pinholes(lab) == []


@pytest.mark.parametrize("router, config", [("everything6", ""), ("upnp6", UPNP)])
def test_follows_a_new_address(router, config):
    """The provider gives a new prefix: the old address is deprecated, and its pinhole closed."""
    with Lab(router=router) as lab:
        natd = lab.natd(config + FORWARD)
        wait_open(natd)
        lab.host.ip(f"addr add {SECOND}/64 dev eth0 nodad",
                    f"addr change {HOST6}/64 dev eth0 preferred_lft 0")
        wait_open(natd, SECOND)
        wait_until(lambda: pinholes(lab) == [rule_of(SECOND)], 10, "the old pinhole to be closed")


def test_address_that_is_gone_at_once():
    """Nobody can close its pinhole any more; the new one is opened, and the old one is forgotten."""
    with Lab(router="everything6") as lab:
        natd = lab.natd(FORWARD)
        wait_open(natd)
        lab.host.ip(f"addr del {HOST6}/64 dev eth0", f"addr add {SECOND}/64 dev eth0 nodad")
        wait_open(natd, SECOND)
        wait_until(lambda: "may stay open on the router until" in natd.log, 20, "the end of the old")
        assert natd.stop() == 0
        assert rule_of(SECOND) not in pinholes(lab)


def test_router_restarts():
    with Lab(router="everything6") as lab:
        natd = lab.natd("router { lease = 20 }\n" + FORWARD)
        wait_open(natd)
        lab.router.restart()
        assert pinholes(lab) == []
        wait_until(lambda: pinholes(lab) == [rule_of(HOST6)], 30, "the pinhole", every=0.2)


def test_router_without_control_of_ipv6():
    with Lab(router="everything") as lab:
        natd = lab.natd(FORWARD)
        natd.wait_status(None, state="open")
        wait_until(lambda: ipv6_of(natd)["state"] == "failed", 20, "the reason")
        assert ipv6_of(natd)["reason"] == ("PCP over IPv6: refused; "
                                           "UPnP: the router does not answer over IPv6")
        assert "not opened: PCP over IPv6: refused" in natd.ctl("status").stdout


def test_not_wanted_and_not_possible():
    with Lab(router="everything6") as lab:
        natd = lab.natd(f'forward "box" {{ protocol = "udp" port = {PORT} ipv6 = false }}')
        natd.wait_status(None, state="open")
        assert ipv6_of(natd) == {"state": "off", "address": None, "port": None, "via": None,
                                 "expires_in": None, "renew_in": None,
                                 "reason": "natd.conf says ipv6 = false"}
        natd.configure(FORWARD)
        assert natd.ctl("reload").returncode == 0
        wait_open(natd)
        lab.host.ip(f"addr del {HOST6}/64 dev eth0")
        wait_until(lambda: ipv6_of(natd)["reason"] == "this host has no public IPv6 address", 10,
                   "the reason")


def test_advice_where_ipv4_is_closed():
    """A line without a public IPv4 address: the advice names the way that is open."""
    with Lab(router="everything6") as lab:
        lab.router.node.ip("addr flush dev wan", "addr add 10.200.0.2/24 dev wan",
                           "addr add 2a11:0:1::2/64 dev wan nodad")
        lab.router.restart()
        natd = lab.natd(FORWARD)
        wait_open(natd)
        wait_until(lambda: (natd.status()["verdict"]["code"] or "").startswith("E2"), 20,
                   "a verdict on the line")
        assert f"their Endpoint is [{HOST6}]:{PORT}\n" in natd.status()["verdict"]["advice"]
        assert f"[{HOST6}]:{PORT}" in natd.ctl("status").stdout


def test_ipv6_is_there_before_ipv4():
    """At boot a router's advertisement may come before DHCP has answered. UPnP, which is found on IPv4,
    opens the pinhole then."""
    with Lab(router="upnp6", start_vpn=False) as lab:
        lab.host.ip("route del default")
        natd = lab.natd(UPNP + FORWARD)
        wait_until(lambda: ipv6_of(natd)["state"] == "failed", 20, "nobody to ask")
        lab.host.ip(f"route add default via {GATEWAY} dev eth0")
        wait_open(natd, via="upnp")
        assert pinholes(lab) == [rule_of(HOST6)]
