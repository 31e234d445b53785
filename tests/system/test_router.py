# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever miniupnpd offers, natd opens the port or says what to do by hand."""

import pytest

from lab import GATEWAY, HOST, WAN, Lab, Redirect, wait_until

WIREGUARD = Redirect("udp", 51820, HOST, 51820)


@pytest.mark.parametrize("variant, via", [("everything", "pcp"), ("igd2", "upnp"),
                                          ("igd1", "upnp"), ("pcp", "pcp")])
def test_opens_and_the_tunnel_works(variant, via):
    with Lab(router=variant) as lab:
        natd = lab.natd()
        status = natd.wait_status("OK", via=via, state="open", external_port=51820)
        assert lab.router.redirects() == {WIREGUARD}
        assert status["router"]["address"] == GATEWAY
        # UPnP is asked for it only when the port is open.
        router = wait_until(lambda: (lambda now: now["wan_address"] and now)(
            natd.status()["router"]), 10, "the WAN address")
        assert router["wan_address"] == WAN
        assert router["wan_kind"] == "public"
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN


def test_nat_pmp_alone():
    with Lab(router="pcp") as lab:
        lab.natd('router { protocols = { "nat-pmp" } }').wait_status("OK", via="nat-pmp")
        assert lab.router.redirects() == {WIREGUARD}


def test_order_of_preference():
    with Lab(router="everything") as lab:
        natd = lab.natd('router { protocols = { "upnp", "pcp", "nat-pmp" } }')
        natd.wait_status("OK", via="upnp")
        assert lab.router.redirects() == {WIREGUARD}


def test_several_forwards():
    with Lab(router="everything") as lab:
        natd = lab.natd('forward "vpn" { protocol = "udp" port = 51820 }\n'
                        'forward "web" { protocol = "tcp" port = 8443 external = 18443 }\n')
        natd.wait_status(None, name="web", state="open", external_port=18443)
        natd.wait_status(None, name="vpn", state="open", external_port=51820)
        assert lab.router.redirects() == {WIREGUARD, Redirect("tcp", 18443, HOST, 8443)}


@pytest.mark.parametrize("variant", ["nothing", "silent"])
def test_router_that_cannot_be_asked(variant):
    """No protocol answers: the verdict is E10 and the manual shows the real values."""
    with Lab(router=variant) as lab:
        natd = lab.natd()
        status = natd.wait_status("E10")
        assert status["host"]["address"] == HOST
        assert status["host"]["mac"] == lab.host.mac("eth0")
        assert status["host"]["dynamic"] is True
        assert status["verdict"]["works"] == "unknown" or status["verdict"]["works"] == "no"
        assert natd.ctl("status").returncode == 2
        manual = natd.ctl("manual")
        for value in (HOST, lab.host.mac("eth0"), "51820", "UDP", GATEWAY):
            assert value in manual.stdout, manual.stdout
        assert lab.router.redirects() == set()


def test_opened_by_hand():
    """The user did what the manual said: the tunnel works, with natd's rules on the host."""
    with Lab(router="nothing") as lab:
        lab.natd().wait_status("E10")
        lab.router.node.run("nft", "add rule inet filter prerouting_miniupnpd iifname wan "
                            f"udp dport 51820 dnat ip to {HOST}:51820")
        lab.router.node.run("nft", "add rule inet filter miniupnpd iifname wan "
                            f"ip daddr {HOST} udp dport 51820 accept")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN


def test_router_switched_on_later():
    """UPnP off, then switched on by the user: natd finds out by itself or when told to."""
    with Lab(router="nothing") as lab:
        natd = lab.natd()
        natd.wait_status("E10")
        lab.router.restart("everything")
        natd.ctl("reload")
        natd.wait_status("OK", timeout=30, state="open")
        assert lab.router.redirects() == {WIREGUARD}


def test_router_without_internet_of_its_own():
    """miniupnpd behind a private WAN address maps nothing and says that it has none: whatever is
    before it, the fault is on the line (E20 to E23), not in this home."""
    with Lab(router="everything") as lab:
        lab.router.node.ip("addr flush dev wan", "addr add 10.200.0.2/24 dev wan")
        lab.router.restart()
        natd = lab.natd()
        wait_until(lambda: (natd.status()["verdict"]["code"] or "").startswith("E2"), 20,
                   "a verdict on the line")
        status = natd.status()
        assert status["verdict"]["works"] == "no"
        assert natd.ctl("status").returncode == 2
        assert natd.ctl("wan-ip").stdout == ""


def test_renewed_by_time():
    """A lease of 20 s is renewed in time, twice, and the router's rule is there all the while."""
    with Lab(router="igd2") as lab:
        natd = lab.natd("router { lease = 20 }")
        status = natd.wait_status("OK", via="upnp", state="open")
        seen = [status["forwards"][0]["expires_in"]]
        assert seen[0] <= 20

        def renewed_twice():
            assert lab.router.redirects() == {WIREGUARD}
            seen.append(natd.status()["forwards"][0]["expires_in"])
            return sum(later > earlier for earlier, later in zip(seen, seen[1:])) >= 2

        wait_until(renewed_twice, 35, "two renewals", every=0.2)


def test_router_rebooted():
    """The router lost its table: the mapping is back at the next renewal at the latest."""
    with Lab(router="igd2") as lab:
        lab.natd("router { lease = 20 }").wait_status("OK", state="open")
        lab.router.restart()
        assert lab.router.redirects() == set()
        wait_until(lambda: lab.router.redirects() == {WIREGUARD}, 25, "the mapping", every=0.2)


def test_lease_runs_out_when_natd_is_gone():
    """The lease is a lease: what natd cannot remove, the router forgets."""
    with Lab(router="igd2") as lab:
        natd = lab.natd("router { lease = 20 }")
        natd.wait_status("OK", state="open")
        natd.kill()
        wait_until(lambda: lab.router.redirects() == set(), 30, "the lease to end", every=0.5)
