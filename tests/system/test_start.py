# SPDX-License-Identifier: GPL-2.0-or-later
"""natd may be started before there is anything to do, and follows what comes and goes."""

import shutil

from lab import GATEWAY, HOST, LAN, NATD, STRANGER, USER, WAN, Lab, Redirect, wait_until

WIREGUARD = Redirect("udp", 51820, HOST, 51820)


def test_before_everything():
    """At boot: no address, no route, no tunnel. Then they come, one after the other."""
    with Lab(start_vpn=False, online=False) as lab:
        natd = lab.natd()
        status = natd.wait_status("E11")
        assert status["router"]["address"] is None
        assert status["host"]["address"] is None
        assert status["tunnels"] == []
        lab.host_online()
        natd.wait_status(None, state="open", external_port=51820)
        assert lab.router.redirects() == {WIREGUARD}
        lab.vpn.server_up()
        wait_until(lambda: [one["interface"] for one in natd.status()["tunnels"]] == ["wg0"], 10,
                   "natd to see wg0")
        natd.wait_status("OK")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN


def test_tunnel_goes_and_comes_back():
    """`wg-quick down wg0; wg-quick up wg0` while natd runs."""
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK")
        lab.vpn.server_down()
        wait_until(lambda: natd.status()["tunnels"] == [], 10, "natd to see that wg0 is gone")
        lab.vpn.server_up()
        natd.wait_status("OK")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN


def test_address_changes():
    """DHCP gives the host another address: the router's mapping follows."""
    with Lab(router="igd2") as lab:
        natd = lab.natd("router { lease = 20 }")
        natd.wait_status("OK", state="open")
        lab.host.ip(f"addr del {HOST}/24 dev eth0")  # the default route goes with it
        natd.wait_status("E11")
        lab.host.ip(f"addr add {LAN}.30/24 dev eth0 valid_lft 3600 preferred_lft 3600",
                    f"route add default via {GATEWAY} dev eth0")
        # secure_mode: only .10 itself could remove the old mapping, and .10 is no more. natd gets
        # the port when its lease ends.
        wait_until(lambda: Redirect("udp", 51820, f"{LAN}.30", 51820) in lab.router.redirects(),
                   60, "the mapping of the new address", every=0.5)
        natd.wait_status("OK", state="open", external_port=51820)


def test_router_goes_and_comes_back():
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK")
        lab.host.ip("route del default")
        natd.wait_status("E11")
        lab.host.ip(f"route add default via {GATEWAY} dev eth0")
        natd.wait_status("OK", state="open")
        assert lab.router.redirects() == {WIREGUARD}


def test_default_route_into_another_tunnel():
    """The host itself is a client of a commercial VPN: the home router is still the gateway."""
    with Lab() as lab:
        lab.host.ip("tuntap add dev tun7 mode tun", "addr add 10.99.0.2/24 dev tun7",
                    "link set tun7 up", "route add 0.0.0.0/1 dev tun7",
                    "route add 128.0.0.0/1 dev tun7", "route add default dev tun7 metric 50",
                    f"route replace default via {GATEWAY} dev eth0 metric 100", "route del default metric 0")
        status = lab.natd().wait_status(None, state="open", external_port=51820)
        assert status["router"]["address"] == GATEWAY
        assert lab.router.redirects() == {WIREGUARD}


# ---- two of them ----

def second(lab):
    """Another natd in the same network, with a socket and a state of its own."""
    folder = lab.host.folder / "second"
    for name in ("run", "state"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.chown(folder / name, USER)
    return lab.host.run(NATD, "-s", folder / "run/natd.sock", "-S", folder / "state",
                        "-u", USER, check=False, timeout=60)


def test_one_natd_keeps_a_network():
    """Two would take the tables away from each other: the second says who is there, and ends."""
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        done = second(lab)
        assert done.returncode == 1
        assert f"another natd (pid {natd.process.pid}) keeps this network" in done.stderr
        status = natd.status()
        assert status["verdict"]["code"] == "OK" and status["rules"]["repairs"] == 0
        natd.kill()
        natd.start()  # what a natd held that was killed is free
        natd.wait_status("OK", state="open")


CALLER = """
import socket
for _ in range(5000):
    with socket.socket(socket.AF_UNIX) as caller:
        caller.setblocking(False)
        try:
            caller.connect("\\0natd")
        except BlockingIOError:
            pass  # its queue is full
"""


def test_callers_do_not_hide_natd():
    """A queue of more callers than it holds, of which none waits any more."""
    with Lab() as lab:
        natd = lab.natd()
        lab.host.run("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups",
                     "/usr/bin/python3", "-c", CALLER)
        done = second(lab)
        assert done.returncode == 1
        assert f"another natd (pid {natd.process.pid}) keeps this network" in done.stderr


HOLDER = ("import socket, time; s = socket.socket(socket.AF_UNIX); s.bind('\\0natd'); s.listen(); "
          "print('held', flush=True); time.sleep(1000)")


def test_a_stranger_cannot_keep_natd_away():
    with Lab() as lab:
        held = lab.host.start("holder", "setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}",
                              "--clear-groups", "/usr/bin/python3", "-c", HOLDER)
        held.wait_log("held")
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        assert "somebody who is no natd has its name" in natd.log
