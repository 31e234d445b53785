# SPDX-License-Identifier: GPL-2.0-or-later
"""What natctl opens is the user's business: it neither costs the VPN its port nor changes the verdict."""

import time

import pytest

from lab import Lab
from lab.lab import HOST
from lab.process import wait_until
from lab.router import Redirect

VPN = Redirect("udp", 51820, HOST, 51820)
# natd.conf wants the port that natctl opened.
CLAIMED = 'forward "vpn" { port = 51820 }\nforward "web" { protocol = "tcp"  port = 8443  external = 4443 }\n'


@pytest.mark.parametrize("router", ["everything", "igd2"])
def test_the_port_of_the_vpn_is_refused(router):
    """A router with one table for all would let the second take the first one's entry."""
    with Lab(router=router) as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        done = natd.ctl("open", "9999/udp", "51820")
        assert done.returncode == 2
        assert done.stderr == ("natctl: udp 9999 cannot have external port 51820: "
                               "it leads to udp 51820 already\n")
        assert lab.router.redirects() == {VPN}
        assert natd.ctl("open", "9999/udp", "9998").returncode in (0, 4)
        wait_until(lambda: lab.router.redirect("udp", 9998), 10, "the mapping")
        assert natd.ctl("open", "9997/udp", "9998").returncode == 2
        assert natd.ctl("close", "9999/udp").returncode == 0
        wait_until(lambda: lab.router.redirects() == {VPN}, 10, "the VPN's alone")
        lab.tunnel_up()


@pytest.mark.parametrize("router", ["everything", "igd2"])
def test_natd_conf_takes_a_port_from_natctl(router):
    with Lab(router=router) as lab:
        natd = lab.natd("")
        natd.wait_status("OK", state="open")
        assert natd.ctl("open", "9999/tcp", "4443").returncode in (0, 4)
        wait_until(lambda: lab.router.redirect("tcp", 4443), 10, "the mapping")
        natd.configure(CLAIMED)
        assert natd.ctl("reload").returncode == 0
        both = {VPN, Redirect("tcp", 4443, HOST, 8443)}
        wait_until(lambda: lab.router.redirects() == both, 20, "the port to lead to 8443")
        natd.wait_status(None, protocol="tcp", port=8443, external_port=4443, state="open")
        assert "tcp 9999 is closed: its external port 4443 is forward \"web\"'s now" in natd.log


def test_one_that_the_router_refuses_is_no_trouble_of_the_vpn():
    """miniupnpd opens nothing below port 1024."""
    with Lab(router="igd2") as lab:
        natd = lab.natd("")
        natd.wait_status("OK", state="open")
        said = natd.ctl("open", "80/tcp")
        assert said.returncode == 2
        assert "UPnP 606 TCP 80 is not allowed; many routers open no port below 1024" in said.stdout
        assert said.stdout.endswith("natd keeps trying; natctl close 80/tcp gives it up\n")
        natd.wait_status(None, protocol="tcp", port=80, state="failed", temporary=True)
        natd.wait_status(None, port=51820, temporary=False, closes_in=None)
        natd.ctl("open", "8080/tcp", "--for", "1h")
        screen = natd.ctl("status").stdout
        assert "TCP port 80 " not in screen and "TCP port 8080  -> 11.0.1.2" in screen
        assert "closed in 60 min" in screen or "closed in 1 h" in screen, screen
        assert natd.status()["verdict"]["code"] == "OK"
        assert natd.ctl("status").returncode == 0
        doctor = natd.ctl("doctor")
        assert "FAIL" not in doctor.stdout and doctor.returncode == 0


def test_a_reload_that_asks_no_router():
    with Lab() as lab:
        natd = lab.natd("")
        natd.wait_status("OK", state="open")
        natd.ctl("open", "80/tcp")  # refused: natd will ask again
        natd.wait_status(None, protocol="tcp", port=80, state="failed")
        natd.configure("router { protocols = { } }\n")
        natd.ctl("reload")
        natd.wait_status("E10", state="off")
        time.sleep(3)  # a question that was due
        status = natd.status()
        assert {one["state"] for one in status["forwards"]} == {"off"}
        assert status["verdict"]["works"] == "unknown"
        assert "is not asked (natd.conf: protocols = { })" in status["verdict"]["text"]
        assert "UPnP" not in status["verdict"]["advice"]
        assert set(status["router"]["protocols"].values()) == {"off"}
        natd.configure("")
        natd.ctl("reload")
        natd.wait_status("OK", state="open")


def test_a_tunnel_by_another_name_is_noticed():
    with Lab() as lab:
        natd = lab.natd('tunnel "wg1" { }\n')
        natd.wait_status("OK", state="open")
        note = ("natd.conf names the tunnel wg1, which does not exist, and not wg0, which does: "
                "natd lets nobody out from there")
        assert note in natd.status()["notes"]
        natd.configure('tunnel "wg0" { }\n')
        natd.ctl("reload")
        assert note not in natd.status()["notes"]


def test_a_state_file_of_another_natd():
    """It knows a switch that this one does not: set aside and said, and all goes on."""
    with Lab() as lab:
        natd = lab.natd_on()
        (natd.state / "state.json").write_text(
            '{"version": 1, "mappings": [], "sysctls": '
            '[{"name": "ipv4/conf/wg0/of_tomorrow", "before": 0, "ours": 1}]}')
        natd.start()
        natd.wait_status("OK", state="open")
        assert "natd did not write {\"name\":\"ipv4/conf/wg0/of_tomorrow\"" in natd.log
        assert (natd.state / "state.json.broken").exists()


def test_what_natd_conf_says_of_clients_and_publishes_stays():
    config = ('publish "web" { protocol = "tcp" port = 8080 to = "10.8.0.2" to-port = 80 }\n'
              'client "10.8.0.7" { egress = "none" }\n')
    with Lab() as lab:
        natd = lab.natd(config)
        natd.wait_status("OK", state="open")

        def said():
            status = natd.status()
            return [one["name"] for one in status["publish"]], status["tunnels"][0]["clients"]

        before = said()
        assert before[0] == ["web"] and len(before[1]) == 1
        natd.ctl("open", "9999/tcp")
        natd.wait_status(None, protocol="tcp", port=9999, state="open")
        assert said() == before
        natd.ctl("close", "9999/tcp")
        assert said() == before


def test_one_port_of_this_host_by_two_external_ports():
    config = ('router { protocols = { "upnp" } }\nforward "a" { port = 51820 }\n'
              'forward "b" { port = 51820 external = 4443 }\n')
    both = {VPN, Redirect("udp", 4443, HOST, 51820)}
    with Lab() as lab:
        natd = lab.natd(config)
        wait_until(lambda: lab.router.redirects() == both, 20, "both")
        for _ in range(3):
            natd.ctl("reload")
            natd.wait_status(None, port=51820, external_port=4443, state="open")
            assert len(natd.status()["forwards"]) == 2
        wait_until(lambda: lab.router.redirects() == both, 20, "both still")


def test_the_doctor_asks_no_router_that_is_not_to_be_asked():
    with Lab() as lab:
        natd = lab.natd("router { protocols = { } }\n")
        natd.wait_status("E10", state="off")
        pids = natd.pids()
        assert "is not asked" in natd.ctl("doctor").stdout
        assert natd.pids() == pids
        assert natd.status()["verdict"]["code"] == "E10"
