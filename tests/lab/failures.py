# SPDX-License-Identifier: GPL-2.0-or-later
"""failures: what goes wrong in a home, done for real in the laboratory, and undone again.

The table STAGES is in the order of a packet's way: of two that are so at the same time, natctl doctor
has to name the one that stands first. tests/failures.md says which failure of which list each one is."""

import contextlib
import functools
import socket
import sys
from dataclasses import dataclass
from typing import Callable

from . import dns
from .lab import BETWEEN, EGRESS, GATEWAY, HOST, OTHER, WAN, WEB, Lab
from .natd import ROOT
from .process import wait_until

NAME = "myhome.ddns.test"
OLD_WAN = "11.0.9.12"
PORT = 51820
DISCARD = 9
CONFIG = f"""
name = "{NAME}"
coexist = false
rules {{ owned = false }}
client "10.8.0.9" {{ egress = "{EGRESS}" }}
"""


class Home:
    """A laboratory in which all is well, with natd, a name, and a client in the tunnel."""

    def __init__(self, lab):
        self.lab = lab
        lab.give_egress_address()
        dns.use(lab.host, WEB)
        self.dns = dns.DNS(lab.web_node, {NAME: [WAN]}, ttl=1)
        self.natd = lab.natd(CONFIG)
        self.natd.settled()
        lab.tunnel_up()

    def knock(self):
        """Packets of a stranger for the VPN's port, and of the client for the internet."""
        for address, port in ((WAN, PORT), (WEB, DISCARD)):
            with contextlib.suppress(OSError), \
                    self.lab.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for _ in range(3):
                    sender.sendto(b"x", (address, port))

    def call_home(self):
        """The client calls the home where it was at first: what came from elsewhere meanwhile has made
        its WireGuard believe in that."""
        self.lab.client.run("wg", "set", "wg0", "peer", self.lab.vpn.keys[self.lab.host][1],
                            "endpoint", f"{WAN}:{PORT}")

    def doctor(self, code, said="", timeout=40):
        """Examines until the verdict is `code` and its text or advice has `said`, which may take
        another look of natd at the router; returns what was found."""
        found = []

        def reached():
            self.knock()
            found[:] = [self.natd.json("doctor")]
            verdict = found[0]["verdict"]
            return verdict["code"] == code and said in f"{verdict['text']}\n{verdict['advice']}"

        try:
            wait_until(reached, timeout, f"the verdict {code} of natctl doctor", every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {found}") from None
        return found[0]

    def close(self):
        self.dns.close()


@contextlib.contextmanager
def home(**options):
    with Lab(**options) as lab:
        at_home = Home(lab)
        try:
            yield at_home
        finally:
            at_home.close()


def undone(stage):
    """A stage does something, yields, and undoes it, whatever happened between."""
    @contextlib.contextmanager
    @functools.wraps(stage)
    def staged(*arguments, **options):
        steps = stage(*arguments, **options)
        next(steps)
        try:
            yield
        finally:
            next(steps, None)
            arguments[0].call_home()

    return staged


# ---- the way to the internet ----

@undone
def cable_pulled(at):
    at.lab.router.node.ip("link set port1 down")
    yield
    at.lab.router.node.ip("link set port1 up")


@undone
def no_default_route(at):
    at.lab.host.ip("route del default")
    yield
    at.lab.host.ip(f"route add default via {GATEWAY} dev eth0")


@undone
def wan_address(at, address):
    """The line gives the router another address, and the next hop one of the same network."""
    lab, peer = at.lab, address.rsplit(".", 1)[0] + ".1"
    lab.internet.ip(f"addr add {peer}/24 dev home")
    lab.router.node.ip("addr flush dev wan scope global", f"addr add {address}/24 dev wan",
                       f"route replace default via {peer}")
    lab.router.restart()
    yield
    lab.internet.ip(f"addr del {peer}/24 dev home")
    lab.router.node.ip("addr flush dev wan scope global", f"addr add {WAN}/24 dev wan",
                       "route replace default via 11.0.1.1")
    lab.router.restart()


def carrier_nat(at):
    return wan_address(at, "100.64.7.2")


def second_router(at):
    return wan_address(at, f"{BETWEEN}.2")


@undone
def stale_name(at):
    at.dns.records[NAME] = [OLD_WAN]
    yield
    at.dns.records[NAME] = [WAN]


# ---- the router ----

@undone
def router_with(at, **attributes):
    """It is started anew with other attributes, and with the old ones in the end."""
    router = at.lab.router
    before = {name: getattr(router, name) for name in attributes}
    vars(router).update(attributes)
    router.restart()
    yield
    vars(router).update(before)
    router.restart()


def refused_host(at):
    """By UPnP: miniupnpd asks its rules about all 65535 ports before it refuses by another protocol."""
    return router_with(at, variant="igd2", denied=(HOST,))


def upnp_off(at):
    return router_with(at, variant="nothing")


def silent_router(at):
    return router_with(at, variant="silent")


def taken_port(at):
    return router_with(at, leases=(f"UDP:{PORT}:{OTHER}:{PORT}:0:console",))


@undone
def lying_router(at):
    """It says yes to everything, and its table stays empty: none of the real programs does that."""
    router = at.lab.router
    router.miniupnpd.kill()
    router.node.run("conntrack", "-F", check=False)
    rude = router.node.start(
        "rude", sys.executable, ROOT / "tests/system/upnp_rude.py",
        '{"lan": "lan", "pcp": "closed", "soap": "liar", "location": "http://192.168.77.1:5000/desc.xml", '
        f'"wan": "{WAN}"}}')
    rude.wait_log("ready")
    yield
    rude.kill()
    router.restart()


# ---- this host ----

@undone
def ruleset(at, text, table):
    at.lab.host.nft(text)
    yield
    at.lab.host.run("nft", "delete", "table", *table.split())


def port_dropped(at):
    return ruleset(at, "table inet mine { chain input { type filter hook input priority 0; policy "
                   f"drop; meta l4proto != udp accept; udp dport != {PORT} accept; }}; }}",
                   "inet mine")


@undone
def nobody_listens(at):
    at.lab.host.run("wg", "set", "wg0", "listen-port", PORT + 7)
    yield
    at.lab.host.run("wg", "set", "wg0", "listen-port", PORT)


@undone
def switch(at, name, value, back):
    at.lab.host.sysctl(name, value)
    yield
    at.lab.host.sysctl(name, back)


def forwarding_off_for_the_tunnel(at):
    return switch(at, "ipv4/conf/wg0/forwarding", 0, 1)


def forwarding_dropped(at):
    return ruleset(at, "table ip filter { chain FORWARD { type filter hook forward priority 0; "
                   "policy drop; }; }", "ip filter")


@undone
def egress_gone(at):
    at.lab.host.ip(f"addr del {EGRESS}/32 dev eth0")
    yield
    at.lab.host.ip(f"addr add {EGRESS}/32 dev eth0")


@undone
def narrow_line(at):
    at.lab.host.ip("link set eth0 mtu 1454")
    yield
    at.lab.host.ip("link set eth0 mtu 1500")


@dataclass(frozen=True)
class Stage:
    code: str
    said: str  # in the verdict's text or advice
    apply: Callable

    @property
    def name(self):
        return self.apply.__name__


STAGES = (
    Stage("E11", "eth0 is not connected", cable_pulled),
    Stage("E11", "no IPv4 default route", no_default_route),
    Stage("E20", "Ask the provider for a public", carrier_nat),
    Stage("E21", f"set the outer router {BETWEEN}.1 to bridge mode", second_router),
    Stage("E30", f"points to {OLD_WAN}, but this home is {WAN}", stale_name),
    Stage("E14", f"refuses to open ports for this host ({HOST})", refused_host),
    Stage("E15", "says yes but does not open", lying_router),
    Stage("E10", "natctl manual", upnp_off),
    Stage("E10", "natctl manual", silent_router),
    Stage("E40", f"nft insert rule inet mine input udp dport {PORT} accept", port_dropped),
    Stage("E60", f"nothing on this host listens on udp {PORT}", nobody_listens),
    Stage("E42", "IP forwarding is off for wg0", forwarding_off_for_the_tunnel),
    Stage("E41", "table ip filter, chain FORWARD", forwarding_dropped),
    Stage("E43", f"{EGRESS} is not on this host", egress_gone),
    Stage("E13", "is open as external port", taken_port),
    Stage("E50", "MTU = 1394", narrow_line),
)
