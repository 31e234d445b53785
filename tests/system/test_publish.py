# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports of this host that are a client's, by natd.conf, in a real tunnel."""

import socket

from lab import HOST, WAN, WEB, Lab, wait_until

FORWARDS = ('forward "wireguard" { port = 51820 }\n'
            'forward "web" { protocol = "tcp" port = 8443 external = 9443 }\n')
PUBLISH = 'publish "web" { protocol = "tcp" port = 8443 to = "10.8.0.2" to-port = 80 }\n'


def published(natd):
    return {one["name"]: one for one in natd.status()["publish"]}


def test_a_client_serves_the_internet():
    """From the internet through the router, from the home network, from this host; the client sees
    who calls, except that this host calls as itself."""
    with Lab() as lab:
        natd = lab.natd(FORWARDS + PUBLISH)
        lab.tunnel_up()
        # Nobody listens here on port 8443, and nothing is delivered here: neither E60 nor E40.
        natd.wait_status("OK", name="web", state="open")
        lab.serve(lab.client)
        assert lab.fetch(lab.web_node, WAN, port=9443) == WEB
        assert lab.fetch(lab.other, HOST, port=8443) == "192.168.77.11"
        assert lab.fetch(lab.host, HOST, port=8443) == "10.8.0.1"
        wait_until(lambda: published(natd)["web"]["connections"] == 3, 15, "three connections")
        assert published(natd)["web"] == {
            "name": "web", "protocol": "tcp", "port": 8443, "last_port": 8443, "to": "10.8.0.2",
            "to_port": 80, "source": "keep", "interface": "wg0", "connections": 3}
        status = natd.wait_status("OK")
        assert [one["listening"] for one in status["forwards"]] == [True, None]


def test_it_comes_and_goes_with_the_configuration():
    with Lab() as lab:
        natd = lab.natd(FORWARDS.splitlines()[0])
        natd.wait_status("OK")
        lab.tunnel_up()
        lab.serve(lab.client)
        assert published(natd) == {}
        natd.configure(FORWARDS.splitlines()[0] + "\n" + PUBLISH)
        assert natd.ctl("reload").returncode == 0
        wait_until(lambda: answers(lab), 5, "the published port")
        natd.configure(FORWARDS.splitlines()[0])
        assert natd.ctl("reload").returncode == 0
        wait_until(lambda: not answers(lab), 5, "the end of the published port")


def answers(lab):
    try:
        return lab.fetch(lab.other, HOST, port=8443, timeout=1)
    except OSError:
        return None


def test_a_client_that_is_nowhere_is_said():
    with Lab() as lab:
        natd = lab.natd('publish "web" { port = 443 to = "10.99.0.2" }\n')
        natd.wait_status("OK")
        assert published(natd)["web"]["interface"] is None
        assert natd.log.count('publish "web": 10.99.0.2 is in no tunnel\'s networks') == 1


def test_spoofed_packets_are_in_the_status():
    """WireGuard itself lets only a peer's own addresses in, as far as it was told them."""
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK")
        lab.tunnel_up()
        lab.host.run("wg", "set", "wg0", "peer", lab.vpn.keys[lab.client][1], "allowed-ips",
                     "0.0.0.0/0,::/0")
        lab.client.ip("addr add 192.168.77.11/32 dev lo")
        with lab.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("192.168.77.11", 0))
            for _ in range(2):
                sender.sendto(b"x", (HOST, 9))
        wait_until(lambda: natd.status()["tunnels"][0]["spoofed"] == 2, 15, "two spoofed packets")
