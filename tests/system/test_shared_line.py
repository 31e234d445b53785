# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines that share an IPv4 address: MAP-E (E22). The home's IPv6 prefix is one of v6 Plus, and the
router's WAN address is the one that belongs to it."""

from lab import HOST, HOST6, Lab, Redirect, wait_until

SHARED = "106.72.3.4"  # of 240b:10:304::/48, field/failures.md 8
OURS = "240b:10:304:5600::10"  # PSID 0x56
PICKED = Redirect("udp", 50528, HOST, 51820)


def live_at(lab, wan, host=OURS):
    """The home gets another WAN address, and this host an address of a prefix of v6 Plus."""
    lab.internet.ip(f"addr add {wan.rsplit('.', 1)[0]}.1/24 dev home")
    lab.router.node.ip("addr flush dev wan scope global", f"addr add {wan}/24 dev wan",
                       f"route replace default via {wan.rsplit('.', 1)[0]}.1")
    lab.host.ip(f"addr del {HOST6}/64 dev eth0", f"addr add {host}/64 dev eth0 nodad")
    lab.router.restart()


def test_an_owned_port_is_opened_instead():
    with Lab(router="everything") as lab:
        live_at(lab, SHARED)
        natd = lab.natd("router { lease = 7200 }")
        status = natd.wait_status("E22", state="open", external_port=50528)
        assert status["verdict"]["works"] == "yes"
        assert "50528 is open instead" in status["verdict"]["text"]
        assert "5472-5487, 9568-9583" in status["verdict"]["advice"]
        assert status["router"]["shared"]["count"] == 240
        wait_until(lambda: lab.router.redirects() == {PICKED}, 20, "only the owned port")
        manual = natd.ctl("manual").stdout
        assert "50528" in manual and "9568-9583" in manual, manual
        natd.kill()
        natd.start()
        natd.wait_status("E22", state="open", external_port=50528)
        assert lab.router.redirects() == {PICKED}
        natd.configure('forward "wireguard" { protocol = "udp" port = 51820 external = 50528 }')
        assert natd.ctl("reload").returncode == 0
        natd.wait_status("OK", state="open", external_port=50528)


def test_a_home_of_that_prefix_with_its_own_address():
    """The prefix alone proves nothing: many have an IPv4 address of their own beside it."""
    with Lab(router="everything") as lab:
        live_at(lab, "106.72.3.5")
        natd = lab.natd()
        natd.wait_status("OK", state="open", external_port=51820)
        assert natd.status()["router"]["shared"] is None


def test_ds_lite_shows_on_the_way_out():
    """The router tells nothing; the provider's end of the tunnel is the next on the way (RFC 6333)."""
    with Lab(router="nothing") as lab:
        lab.internet.ip("addr add 192.0.0.1/29 dev home")
        lab.router.node.ip("addr flush dev wan scope global", "addr add 192.0.0.2/29 dev wan",
                           "route replace default via 192.0.0.1")
        natd = lab.natd()
        status = natd.wait_status("E23")
        assert "192.0.0.1" in status["verdict"]["text"]
        assert (status["router"]["line"], status["verdict"]["works"]) == ("ds-lite", "no")
        assert "DS-Lite" in natd.ctl("status").stdout


def test_router_that_cannot_be_asked():
    """Nobody tells the WAN address: the manual says what holds if it is such a line."""
    with Lab(router="nothing") as lab:
        live_at(lab, SHARED)
        natd = lab.natd()
        natd.wait_status("E10")
        assert natd.status()["router"]["shared"]["certain"] is False
        manual = natd.ctl("manual").stdout
        assert "50528" in manual and "v6 Plus" in manual and "9568-9583" in manual, manual
