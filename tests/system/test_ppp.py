# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines as PPP has them: the interface vanishes and returns as another, the address has a peer."""

import re
import socket

from lab import GATEWAY, LAN, WAN, WEB, Lab, Redirect, wait_until

FIRST, SECOND = f"{LAN}.44", f"{LAN}.45"


def route(lab, address):
    """The line's address, with its peer, and the way out."""
    lab.host.ip("link set eth0 up", f"addr add {address} peer {GATEWAY}/32 dev eth0",
                f"route replace default via {GATEWAY} dev eth0")


def left_with(lab):
    """The addresses with which the client's connections leave."""
    listing = lab.host.run("conntrack", "-L", "--orig-src", "10.8.0.2").stdout
    return set(re.findall(r"src=\S+ dst=(\S+)(?: sport=\d+ dport=\d+| type=\d+ code=\d+ id=\d+)"
                          r"(?: \[\w+\])? mark", listing))


def wait_line(lab, natd, address):
    natd.wait_status("OK", state="open")
    wait_until(lambda: lab.router.redirects() == {Redirect("udp", 51820, address, 51820)}, 20,
               f"the port to lead to {address}")
    wait_until(lambda: talks(lab) == {address}, 20, f"connections that leave with {address} only")


def talks(lab):
    """One datagram of a connection that lasts, and one of a new one."""
    for port in (4000, 0):
        with lab.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("10.8.0.2", port))
            sender.sendto(b"x", (WEB, 9))
    return left_with(lab)


def test_the_line_comes_back_as_another():
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN
        index = lab.host.interfaces()["eth0"]["ifindex"]
        lab.router.node.ip("link del port1")
        natd.wait_status("E11")
        lab.router.node.ip(f"link add port1 type veth peer name eth0 netns {lab.host.namespace}",
                           "link set port1 master lan up")
        lab.router.restart()
        route(lab, FIRST)
        assert lab.host.interfaces()["eth0"]["ifindex"] != index
        wait_line(lab, natd, FIRST)
        # Only the address changes: the kernel does not end what left with it.
        lab.host.ip(f"addr del {FIRST} peer {GATEWAY}/32 dev eth0")
        lab.router.restart()
        route(lab, SECOND)
        wait_line(lab, natd, SECOND)
        assert lab.fetch_through_tunnel() == WAN
        assert natd.status()["rules"]["purged"] > 0
