# SPDX-License-Identifier: GPL-2.0-or-later
"""Homes in which nothing is wrong, of many kinds: natd says so, in status and doctor, and nothing more."""

import contextlib
import os
import unicodedata

import pytest

from lab import BUILD, NATCTL, WAN, WEB, Lab, dns, wait_until
from lab.firewall import Docker, Firewalld, Ufw

NAME = "myhome.ddns.test"
OPENVPN = 'forward "openvpn" { protocol = "udp" port = 1194 }\n'


@contextlib.contextmanager
def plain(config=None, **options):
    with Lab(**options) as lab:
        yield lab, lab.natd(config)


@contextlib.contextmanager
def beside(firewall):
    """The VPN's port is allowed in it, as its users have it."""
    with Lab() as lab:
        firewall(lab.host).start()
        lab.host.sysctl("ipv4/ip_forward", 1)
        yield lab, lab.natd('forward "vpn" { protocol = "udp" port = 51820 }')


@contextlib.contextmanager
def with_a_name():
    with Lab() as lab:
        server = dns.DNS(lab.web_node, {NAME: [WAN]})
        dns.use(lab.host, WEB)
        yield lab, lab.natd(f'name = "{NAME}"')
        server.close()


@contextlib.contextmanager
def on_a_narrow_line():
    """PPPoE of 1454 bytes behind the router, and a WireGuard that knows it."""
    with Lab() as lab:
        lab.router.node.ip("link set wan mtu 1454")
        lab.internet.ip("link set home mtu 1454")
        lab.host.ip("link set wg0 mtu 1394")
        yield lab, lab.natd()


@contextlib.contextmanager
def with_two_tunnels():
    with Lab() as lab:
        lab.host.ip("tuntap add dev tun9 mode tun", "addr add 10.9.0.1/24 dev tun9",
                    "link set tun9 up")
        yield lab, lab.natd()


HOMES = {
    "wireguard": plain,
    "openvpn tun": lambda: plain(OPENVPN, vpn="tun"),
    "openvpn tap": lambda: plain(OPENVPN, vpn="tap"),
    "only upnp": lambda: plain(router="igd1"),
    "only pcp": lambda: plain(router="pcp"),
    "ipv6": lambda: plain(router="everything6"),
    "two routers": lambda: plain(outer="everything", ext_ip=WAN),
    "two tunnels": with_two_tunnels,
    "narrow line": on_a_narrow_line,
    "name": with_a_name,
    "ufw": lambda: beside(Ufw),
    "docker": lambda: beside(Docker),
    "firewalld": lambda: beside(Firewalld),
}


def width(line):
    return sum(2 if unicodedata.east_asian_width(letter) in "FW" else 1 for letter in line)


def translations(node):
    """As installed."""
    node.run("mount", "--bind", BUILD / "locale", "/usr/share/locale")


def screen(lab, natd, language, command):
    """What a person sees; it fits 80 columns and warns of nothing."""
    shown = lab.host.run(NATCTL, "-s", natd.socket, command, check=False, env={
        **os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": language})
    assert shown.returncode == 0, shown.stdout
    assert max(map(width, shown.stdout.splitlines())) <= 80, shown.stdout
    return shown.stdout


def is_well(natd):
    """Nothing is wrong, and there is nothing to say."""
    found = natd.json("doctor")
    assert found["verdict"]["code"] == "OK" and found["verdict"]["advice"] is None, found
    assert [step for step in found["steps"] if step["result"] not in ("ok", "info")] == []
    assert natd.status()["notes"] == []


@pytest.mark.parametrize("kind", HOMES)
def test_nothing_to_say(kind):
    with HOMES[kind]() as (lab, natd):
        natd.settled()
        wait_until(lambda: natd.status()["rules"]["in_sync"] and natd.json("doctor")["verdict"]
                   ["code"] == "OK", 20, "all to be well")
        is_well(natd)
        lab.dial()
        wait_until(lambda: lab.vpn.handshakes() and fetched(lab), 30, "the client's traffic")
        is_well(natd)
        translations(lab.host)
        assert "Home VPN reachable: YES" in screen(lab, natd, "en", "doctor")
        assert "自宅 VPN への外からの接続: 可能" in screen(lab, natd, "ja", "doctor")
        for language, warns in (("en", "Do this"), ("ja", "対処")):
            assert warns not in screen(lab, natd, language, "status")


def fetched(lab):
    with contextlib.suppress(OSError):
        return lab.fetch_through_tunnel(timeout=2)
    return None
