# SPDX-License-Identifier: GPL-2.0-or-later
"""natctl list: whose each entry of the router's table is."""

import socket

from lab import HOST, OTHER, Lab, wait_until


def entries(natd):
    return {one["external_port"]: one for one in natd.json("list").get("mappings", [])}


def test_another_host_is_told_apart():
    with Lab(router="everything") as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.natd('forward "camera" { protocol = "tcp" port = 8080 }', on=lab.other).wait_status(
            None, state="open")
        with lab.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
            box.sendto(b"?", (OTHER, 9))  # the kernel learns who that is
        wait_until(lambda: entries(natd).get(8080, {}).get("mac") == lab.other.mac("eth0"), 10,
                   "its MAC")
        assert entries(natd)[8080]["owner"] == "other"
        assert entries(natd)[51820]["owner"] == "us"
        shown = natd.ctl("list").stdout
        assert lab.other.mac("eth0") in shown, shown


def test_router_without_upnp():
    """It shows no table; what it holds for this host is known all the same."""
    with Lab(router="pcp") as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open", via="pcp")
        listed = natd.json("list")
        assert listed["complete"] is False
        ours = listed["mappings"][0]
        assert (ours["client"], ours["external_port"], ours["owner"]) == (HOST, 51820, "us")
        assert 0 < ours["expires_in"] <= 7200
