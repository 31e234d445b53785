# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong in homes (tests/failures.md), done for real: natctl doctor names each, of two at the
same time the more upstream one, and nothing where nothing is wrong."""

import contextlib
import socket

import pytest

from lab import HOST, WAN, Lab, LabError, failures, wait_until
from lab.firewall import Docker, Firewalld, Ufw


@pytest.fixture(scope="module")
def home():
    with failures.home() as at_home:
        yield at_home


def consistent(found):
    """The steps and the verdict do not contradict each other."""
    wrong = [step for step in found["steps"] if step["result"] not in ("ok", "info")]
    if found["verdict"]["code"] == "OK":
        assert not wrong
    else:
        assert {"fail", "warn"} & {step["result"] for step in wrong}, found
    return found


@pytest.mark.parametrize("stage", failures.STAGES, ids=lambda stage: stage.name)
def test_alone(home, stage):
    home.doctor("OK")
    with stage.apply(home):
        consistent(home.doctor(stage.code, stage.said))
    consistent(home.doctor("OK"))


# Not those that exclude each other: both about the line, or both about the router's answers.
PAIRS = (
    ("cable_pulled", "upnp_off"), ("cable_pulled", "stale_name"), ("cable_pulled", "nobody_listens"),
    ("no_default_route", "narrow_line"), ("no_default_route", "forwarding_off_for_the_tunnel"),
    ("carrier_nat", "stale_name"), ("carrier_nat", "port_dropped"),
    ("carrier_nat", "egress_gone"), ("second_router", "nobody_listens"),
    ("second_router", "forwarding_dropped"), ("stale_name", "refused_host"),
    ("stale_name", "taken_port"), ("stale_name", "port_dropped"), ("refused_host", "nobody_listens"),
    ("refused_host", "narrow_line"), ("lying_router", "forwarding_off_for_the_tunnel"),
    ("lying_router", "port_dropped"), ("upnp_off", "nobody_listens"), ("upnp_off", "port_dropped"),
    ("silent_router", "forwarding_dropped"), ("port_dropped", "nobody_listens"),
    ("port_dropped", "taken_port"), ("nobody_listens", "forwarding_off_for_the_tunnel"),
    ("nobody_listens", "egress_gone"), ("forwarding_off_for_the_tunnel", "egress_gone"),
    ("forwarding_dropped", "narrow_line"), ("forwarding_dropped", "egress_gone"),
    ("egress_gone", "taken_port"), ("taken_port", "narrow_line"))


@pytest.mark.parametrize("upstream, downstream", PAIRS)
def test_of_two_the_more_upstream_one(home, upstream, downstream):
    """And the other one as soon as that is mended."""
    first, second = (next(stage for stage in failures.STAGES if stage.name == name)
                     for name in (upstream, downstream))
    assert failures.STAGES.index(first) < failures.STAGES.index(second)
    home.doctor("OK")
    with second.apply(home):
        home.doctor(second.code, second.said)
        with first.apply(home):
            home.doctor(first.code, first.said)
        home.doctor(second.code, second.said)
    consistent(home.doctor("OK"))


# ---- what needs a home of its own ----

def wait_doctor(natd, code, said=""):
    """Examines until the verdict is `code` and says that; returns what was found."""
    found = []

    def reached():
        found[:] = [natd.json("doctor")]
        verdict = found[0]["verdict"]
        return verdict["code"] == code and said in f"{verdict['text']}\n{verdict['advice']}"

    try:
        wait_until(reached, 40, f"the verdict {code} of natctl doctor", every=0.2)
    except LabError as error:
        raise LabError(f"{error}; it is {found}") from None
    return consistent(found[0])


def forward_by_hand(lab):
    lab.router.node.run("nft", "add rule inet filter prerouting_miniupnpd iifname wan "
                        f"udp dport 51820 dnat ip to {HOST}:51820")
    lab.router.node.run("nft", "add rule inet filter miniupnpd iifname wan "
                        f"ip daddr {HOST} udp dport 51820 accept")


def test_opened_by_hand():
    """The user did what the manual said: as soon as a packet from outside has come, all is well."""
    with Lab(router="nothing") as lab:
        natd = lab.natd()
        wait_doctor(natd, "E10")
        forward_by_hand(lab)
        lab.tunnel_up()
        wait_doctor(natd, "OK", "open on the router by hand")
        status = natd.wait_status("OK", via="manual", state="open")
        assert status["verdict"]["works"] == "yes" and natd.ctl("status").returncode == 0
        assert "UDP 51820 opened by hand" in natd.ctl("status").stdout


def test_wrong_protocol():
    """OpenVPN listens by TCP, and natd.conf says UDP."""
    with Lab(start_vpn=False) as lab, \
            lab.host.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.bind(("0.0.0.0", 1194))
        server.listen()
        natd = lab.natd('forward "openvpn" { protocol = "udp" port = 1194 }')
        found = wait_doctor(natd, "E60", 'set protocol = "tcp"')
        assert "udp 1194, but a program does by tcp" in found["verdict"]["text"]


def test_overlapping_networks():
    """The home's network is the tunnel's as well: answers to the clients stay at home."""
    with Lab(start_vpn=False) as lab:
        lab.host.ip("addr add 10.8.0.77/24 dev eth0")
        lab.vpn.server_up()
        natd = lab.natd()
        found = wait_doctor(natd, "E46", "wg0 and eth0 have the same network")
        assert found["verdict"]["works"] == "no"
        lab.host.ip("addr del 10.8.0.77/24 dev eth0")
        wait_doctor(natd, "OK")


def test_forwarding_is_switched_on_again():
    """By natd, at its next look at the latest: nothing is left to be told."""
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK")
        lab.host.sysctl("ipv4/ip_forward", 0)
        wait_doctor(natd, "OK")
        assert lab.host.sysctl("ipv4/ip_forward") == "1"


def test_forwarding_that_natd_may_not_switch():
    """As in a container, whose /proc/sys cannot be written."""
    with Lab() as lab:
        lab.host.sysctl("ipv4/ip_forward", 0)
        lab.host.run("sh", "-ec", "mount --bind /proc/sys /proc/sys; "
                     "mount -o remount,bind,ro /proc/sys")
        wait_doctor(lab.natd(), "E42", "IP forwarding is off: clients connect but reach nothing")


@pytest.mark.parametrize("program, command", [
    (Ufw, "sudo ufw allow 51820/udp"),
    (Firewalld, "sudo firewall-cmd --permanent --add-port=51820/udp")])
def test_before_the_port(program, command):
    """The real ones, and the user has not allowed the VPN's port: who it is, and his command."""
    with Lab() as lab:
        firewall = program(lab.host, allow=None)
        firewall.start()
        natd = lab.natd()
        natd.wait_status(None, state="open")
        with lab.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            def knocked():
                sender.sendto(b"x", (WAN, 51820))
                return natd.status()["verdict"]["code"] == "E40"

            wait_until(knocked, 40, "E40", every=0.2)
        assert command in wait_doctor(natd, "E40")["verdict"]["advice"]


def test_docker_before_the_tunnel():
    """The real dockerd; natd is told to leave it alone."""
    with Lab() as lab:
        Docker(lab.host).start()
        lab.host.sysctl("ipv4/ip_forward", 1)
        lab.host.run("iptables", "-P", "FORWARD", "DROP")
        natd = lab.natd("coexist = false")
        natd.wait_status("OK")
        lab.tunnel_up()

        def tried():
            with contextlib.suppress(OSError):
                lab.fetch_through_tunnel(timeout=1)
            return natd.status()["verdict"]["code"] == "E41"

        wait_until(tried, 40, "E41")
        found = wait_doctor(natd, "E41", "Docker")
        assert "iptables -I DOCKER-USER -i wg0 -j ACCEPT" in found["verdict"]["advice"]


def test_keys_do_not_fit():
    """Packets come and are delivered, and WireGuard stays silent: nothing of that is natd's fault, and
    it says what it sees."""
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.host.run("wg", "set", "wg0", "peer", lab.vpn.keys[lab.client][1], "remove")
        lab.dial()
        wait_until(lambda: lab.reached_home() or natd.status()["forwards"][0]["packets"], 20,
                   "the handshake to arrive")
        found = wait_doctor(natd, "OK")
        assert "delivered" in " ".join(found["verdict"]["evidence"])
        assert not lab.vpn.handshakes()


def test_a_filter_of_the_provider():
    """All that can be seen from home is well; that nothing has come from outside is said."""
    with Lab() as lab:
        lab.internet.nft("table ip isp { chain forward { type filter hook forward priority 0; "
                         "oifname home udp dport 51820 drop; }; }")
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.dial()
        assert not lab.reached_home()
        arrival, = [step for step in wait_doctor(natd, "OK")["steps"] if step["name"] == "arrival"]
        assert arrival["result"] == "info" and "no packet from outside has come" in arrival["text"]
