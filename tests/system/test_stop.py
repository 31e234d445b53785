# SPDX-License-Identifier: GPL-2.0-or-later
"""natd leaves everything as it found it, and two natds leave each other in peace."""

import socket

import pytest

from lab import HOST, OTHER, WEB, Lab, Redirect, wait_until
from lab.traffic import Traffic

WIREGUARD = Redirect("udp", 51820, HOST, 51820)


def settled(lab):
    """natd has done all it does at first: OK, and nothing changes any more."""
    natd = lab.natd_on()
    natd.wait_status("OK", state="open")
    wait_until(lambda: "inet natd" in lab.host.tables(), 10, "table inet natd")
    return natd


@pytest.mark.parametrize("router", ["everything", "igd2", "pcp"])
def test_stopped(router):
    with Lab(router=router) as lab:
        before = lab.snapshot()
        natd = lab.natd()
        settled(lab)
        during = lab.snapshot()
        assert during["router"] == {WIREGUARD}
        assert during["settings"]["ipv4/ip_forward"] == "1"
        assert "1" in [during["settings"].get(f"ipv6/conf/{one}")  # force_forwarding: Linux 6.17
                       for one in ("all/forwarding", "wg0/forwarding", "wg0/force_forwarding")]
        assert natd.stop() == 0
        assert lab.snapshot() == before


def test_stopped_while_asking():
    """SIGTERM when the router has done it and natd hardly knows: nothing stays open."""
    with Lab() as lab:
        before = lab.snapshot()
        natd = lab.natd_on()
        natd.start(wait=False)
        wait_until(lab.router.redirects, 10, "the mapping", every=0)
        assert natd.stop() == 0
        assert lab.snapshot() == before


def test_stopped_after_a_crash():
    """SIGKILL: everything stays in force. Started again and stopped: all as at first."""
    with Lab() as lab:
        before = lab.snapshot()
        natd = lab.natd()
        settled(lab).settled()
        during = lab.snapshot()
        natd.kill()
        assert lab.snapshot() == during
        natd.start()
        settled(lab)
        assert natd.stop() == 0
        assert lab.snapshot() == before


@pytest.mark.parametrize("owned", ["true", "false"])
def test_a_restart_is_not_noticed(owned):
    """As systemctl restart does it, twice, under traffic: no datagram of the tunnel is lost or leaks,
    the router is asked to close nothing, and a stop afterwards leaves all as it was at first."""
    with Lab() as lab:
        before = lab.snapshot()
        natd = lab.natd(f"rules {{ owned = {owned} }}")
        settled(lab).settled()
        during = lab.snapshot()
        lab.tunnel_up()
        with Traffic(lab.client, lab.web_node, WEB, wire=(lab.router.node, "lan")) as traffic:
            for _ in range(2):
                sent = len(traffic.sent)
                wait_until(lambda: len(traffic.sent) > sent + 100, 20, "traffic")
                assert natd.handover() == 0
                now = lab.snapshot()
                assert (now["router"], now["settings"]) == (during["router"], during["settings"])
                assert {"inet natd", "inet natd-guard"} <= lab.host.tables()
                natd.start()
                settled(lab)
        count = traffic.count(HOST)
        assert (count.lost, count.leaked) == (0, 0) and count.sent > 200
        assert natd.stop() == 0
        assert lab.snapshot() == before


def test_forwarding_that_was_on_stays_on():
    with Lab() as lab:
        lab.host.sysctl("ipv4/ip_forward", 1)
        before = lab.snapshot()
        natd = lab.natd()
        settled(lab)
        assert natd.stop() == 0
        assert lab.snapshot() == before
        assert lab.host.sysctl("ipv4/ip_forward") == "1"


def test_keep():
    """keep = true: the mapping outlives natd."""
    with Lab() as lab:
        natd = lab.natd("router { keep = true }")
        settled(lab)
        assert natd.stop() == 0
        assert lab.router.redirects() == {WIREGUARD}
        assert "inet natd" not in lab.host.tables()


def test_other_tables_are_not_touched():
    with Lab() as lab:
        lab.host.nft("table inet mine { chain input { type filter hook input priority 0;\n"
                     "tcp dport 22 accept\n}\n}\n")
        before = lab.snapshot()
        natd = lab.natd()
        settled(lab)
        assert natd.stop() == 0
        assert lab.snapshot() == before


def test_a_mapping_of_somebody_else_stays():
    with Lab() as lab:
        lab.other.run("upnpc", "-m", "eth0", "-e", "game", "-a", "192.168.77.11", 3074, 3074,
                      "UDP", 3600)
        before = lab.router.redirects()
        assert before
        natd = lab.natd()
        settled(lab)
        assert lab.router.redirects() == before | {WIREGUARD}
        assert natd.stop() == 0
        assert lab.router.redirects() == before


def listening(node):
    """A VPN server's socket, so that a port that is opened leads to somebody."""
    server = node.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", 51820))
    return server


def test_two_natds_by_upnp():
    """The second on the LAN wants the same port: the first keeps it, the second gets another one and says
    who has the wanted one."""
    with Lab(router="igd2") as lab, listening(lab.other):
        first = lab.natd("router { lease = 120 }")
        first.wait_status("OK", state="open", external_port=51820)
        second = lab.natd("router { lease = 120 }", on=lab.other)
        status = second.wait_status("E13")
        assert HOST in status["verdict"]["text"] + status["verdict"]["advice"]
        assert second.ctl("status").returncode == 1
        assert status["forwards"][0]["external_port"] != 51820
        assert len(lab.router.redirects()) == 2
        assert second.stop() == 0
        assert lab.router.redirects() == {WIREGUARD}
        first.wait_status("OK", state="open", external_port=51820)
        lab.tunnel_up()


def test_two_natds_by_pcp():
    """PCP gives the second another port: it works, and natctl warns that it is another one."""
    with Lab(router="everything") as lab, listening(lab.other):
        first = lab.natd()
        first.wait_status("OK", state="open", external_port=51820)
        second = lab.natd(on=lab.other)
        status = second.wait_status(None, state="open")
        port = status["forwards"][0]["external_port"]
        assert port != 51820
        assert lab.router.redirects() == {WIREGUARD, Redirect("udp", port, OTHER, 51820)}
        done = second.ctl("status")
        assert done.returncode == 1
        assert str(port) in done.stdout
        assert second.stop() == 0
        assert lab.router.redirects() == {WIREGUARD}
        lab.tunnel_up()


def test_the_second_takes_over():
    """The first stops; the second gets the port without being told."""
    with Lab(router="igd2") as lab:
        first = lab.natd("router { lease = 20 }")
        first.wait_status("OK", state="open", external_port=51820)
        second = lab.natd("router { lease = 20 }", on=lab.other)
        assert second.wait_status(None, state="open")["forwards"][0]["external_port"] != 51820
        first.stop()
        wait_until(lambda: lab.router.redirect("udp", 51820), 90, "the second natd's mapping",
                   every=0.5)
        assert lab.router.redirect("udp", 51820).address != HOST
        wait_until(lambda: len(lab.router.redirects()) == 1, 20, "its other port to be closed")
