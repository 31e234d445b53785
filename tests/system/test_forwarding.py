# SPDX-License-Identifier: GPL-2.0-or-later
"""Forwarding, and what the host itself must not lose by it: a real router advertisement daemon."""

import json

from lab import GATEWAY, HOST, WAN, Lab, wait_until

# The shortest times that radvd allows: an advertisement each three or four seconds.
RADVD = """interface lan {
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	AdvDefaultLifetime 60;
	prefix 2a11:0:77::/64 { AdvValidLifetime 120; AdvPreferredLifetime 60; };
};
"""


def advertised_route(lab):
    """The host's IPv6 default route, if an advertisement made it."""
    return [route for route in json.loads(lab.host.run("ip", "-j", "-6", "route", "show",
                                                       "default").stdout)
            if route.get("protocol") == "ra"]


def advertise(lab):
    router = lab.router.node
    path = router.folder / "radvd.conf"
    path.write_text(RADVD, encoding="ascii")
    router.start("radvd", "radvd", "-n", "-m", "stderr", "-C", path,
                 "-p", router.folder / "radvd.pid")
    wait_until(lambda: advertised_route(lab), 20, "the host's default route from radvd")
    wait_until(lambda: "2a11:0:77:" in lab.host.run("ip", "-6", "addr", "show", "dev", "eth0",
                                                    "scope", "global", "-tentative").stdout,
               20, "the host's own address")


def test_clients_have_ipv6_and_the_host_keeps_its_own():
    """The host's address and route come from advertisements, and go on to, while it forwards."""
    with Lab(online=False) as lab:
        lab.host.ip("link set eth0 up", f"addr add {HOST}/24 dev eth0",
                    f"route add default via {GATEWAY} dev eth0",
                    "link add wlan0 type veth peer name nowhere")
        advertise(lab)
        before = lab.host.sysctls()
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_until(lambda: natd.status()["rules"]["changed"], 20, "the switches")
        changed = {one["name"]: (one["before"], one["now"])
                   for one in natd.status()["rules"]["changed"]}
        assert changed["ipv4/ip_forward"] == (0, 1)
        if "ipv6/conf/eth0/force_forwarding" in before:  # Linux 6.17: of these interfaces only
            assert changed["ipv6/conf/eth0/force_forwarding"] == (0, 1)
            assert changed["ipv6/conf/wg0/force_forwarding"] == (0, 1)
            assert lab.host.sysctl("ipv6/conf/all/forwarding") == "0"
        else:
            assert {changed[f"ipv6/conf/{name}/accept_ra"]
                    for name in ("eth0", "wlan0", "default")} == {(1, 2)}
            lab.host.ip("link add usb0 type veth peer name nowhere-either")
            assert lab.host.sysctl("ipv6/conf/usb0/accept_ra") == "2"
            lab.host.ip("link del usb0")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN
        wait_until(lambda: lab.fetch_through_tunnel(ipv6=True).startswith("2a11:0:77:"), 20,
                   "the client's way out by IPv6")
        # Only an advertisement that is still heard brings the route back.
        lab.host.run("ip", "-6", "route", "del", "default", "dev", "eth0")
        wait_until(lambda: advertised_route(lab), 20, "the next advertisement")
        wait_until(lambda: lab.fetch_through_tunnel(ipv6=True).startswith("2a11:0:77:"), 20,
                   "the client's way out by IPv6 again")
        assert natd.stop() == 0
        after = lab.host.sysctls()
        assert {name: (value, after.get(name)) for name, value in before.items()
                if after.get(name) != value} == {}


def test_what_is_on_already_is_not_touched():
    """With forwarding on before natd, nothing is changed, and nothing put back at the end."""
    with Lab() as lab:
        lab.host.sysctl("ipv4/ip_forward", 1)
        lab.host.sysctl("ipv6/conf/all/forwarding", 1)
        lab.host.sysctl("ipv6/conf/eth0/accept_ra", 2)
        before = lab.host.sysctls()
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN
        assert lab.fetch_through_tunnel(ipv6=True)
        changed = [one["name"] for one in natd.status()["rules"]["changed"]]
        assert changed == []
        assert natd.stop() == 0
        assert lab.host.sysctl("ipv4/ip_forward") == "1"
        assert lab.host.sysctls() == before
