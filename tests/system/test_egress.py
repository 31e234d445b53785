# SPDX-License-Identifier: GPL-2.0-or-later
"""Each client leaves with the address that natd.conf gives it, in a real tunnel."""

import pytest

from lab import EGRESS, HOST, HOST6, WAN, Lab, wait_until

EGRESS6 = HOST6.replace("::10", "::99")  # a second address of the host in the home network


def give_egress6(lab):
    # Deprecated: the host does not choose it by itself.
    lab.host.ip(f"addr add {EGRESS6}/128 dev eth0 nodad preferred_lft 0")


def test_a_client_has_its_own_address():
    """Both families; the rest of the tunnel's network is masqueraded."""
    with Lab() as lab:
        lab.give_egress_address()
        give_egress6(lab)
        natd = lab.natd(f'client "10.8.0.2" {{ egress = "{EGRESS}" }}\n'
                        f'client "fd42::2" {{ egress = "{EGRESS6}" }}\n')
        natd.wait_status("OK")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == EGRESS
        assert lab.fetch_through_tunnel(ipv6=True) == EGRESS6
        lab.client.ip("addr add 10.8.0.3/32 dev wg0", "addr del 10.8.0.2/24 dev wg0",
                      "addr add fd42::3/64 dev wg0 nodad", "addr del fd42::2/64 dev wg0")
        lab.host.run("wg", "set", "wg0", "peer", lab.vpn.keys[lab.client][1],
                     "allowed-ips", "10.8.0.3/32,fd42::3/128")
        assert lab.fetch_through_tunnel() == WAN
        assert lab.fetch_through_tunnel(ipv6=True) == HOST6
        wait_until(lambda: [client["connections"] for client in clients(natd)] == [1, 1], 15,
                   "one connection of each client")
        assert clients(natd)[0]["network"] == "10.8.0.2/32"
        assert clients(natd)[0]["egress"] == {"kind": "address", "address": EGRESS,
                                              "gone": False}


def clients(natd):
    tunnel, = natd.status()["tunnels"]
    return tunnel["clients"]


def test_the_longest_prefix_wins():
    with Lab() as lab:
        lab.give_egress_address()
        natd = lab.natd(f'client "10.8.0.0/25" {{ egress = "{EGRESS}" }}\n'
                        'client "10.8.0.0/30" { egress = "masquerade" }\n'
                        f'tunnel "wg0" {{ egress = "none" }}')
        natd.wait_status("OK")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN
        natd.configure(f'client "10.8.0.0/25" {{ egress = "masquerade" }}\n'
                       f'client "10.8.0.0/30" {{ egress = "{EGRESS}" }}\n'
                       'tunnel "wg0" { egress = "none" }')
        assert natd.ctl("reload").returncode == 0
        wait_until(lambda: lab.fetch_through_tunnel() == EGRESS, 5, "the client's new address")


def test_a_client_of_no_tunnel_waits_for_one():
    with Lab() as lab:
        lab.give_egress_address()
        natd = lab.natd(f'tunnel "wg0" {{ networks = {{ "10.8.0.0/24" }} }}\n'
                        f'client "10.9.0.2" {{ egress = "{EGRESS}" }}\n')
        natd.wait_status("OK")
        assert clients(natd) == []
        assert natd.log.count("client 10.9.0.2/32 is in no tunnel's networks") == 1


def test_many_clients():
    """More than the queue between natd and rules holds at once."""
    with Lab() as lab:
        lab.give_egress_address()
        natd = lab.natd("".join(f'client "10.8.0.{n}" {{ egress = "{EGRESS}" }}\n'
                                for n in range(256)))
        natd.wait_status("OK")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == EGRESS
        assert len(clients(natd)) == 256


def fetched(lab):
    try:
        return lab.fetch_through_tunnel(timeout=1)
    except OSError:
        return None


@pytest.mark.parametrize("section", ['tunnel "wg0"', 'client "10.8.0.2"'])
def test_an_address_that_goes_closes_the_way(section):
    """Nothing leaves with another address, and all is well again by itself."""
    with Lab() as lab:
        lab.give_egress_address()
        natd = lab.natd(f'{section} {{ egress = "{EGRESS}" }}')
        natd.wait_status("OK")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == EGRESS
        lab.host.ip(f"addr del {EGRESS}/32 dev eth0")
        natd.wait_status("E43")
        wait_until(lambda: natd.status()["rules"]["in_sync"], 5, "the rules")
        assert fetched(lab) is None
        assert natd.ctl("status").returncode == 2
        assert lab.fetch_through_tunnel(ipv6=True) == HOST6  # its other family goes on
        lab.host.ip(f"addr add {EGRESS}/32 dev eth0")
        natd.wait_status("OK")
        wait_until(lambda: fetched(lab) == EGRESS, 10, "the address again")


def test_an_address_that_goes_may_be_replaced():
    with Lab() as lab:
        lab.give_egress_address()
        natd = lab.natd(f'tunnel "wg0" {{ egress = "{EGRESS}" egress-gone = "masquerade" }}')
        natd.wait_status("OK")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == EGRESS
        lab.host.ip(f"addr del {EGRESS}/32 dev eth0")
        status = natd.wait_status("E43")
        assert status["verdict"]["works"] == "yes"
        assert natd.ctl("status").returncode == 1
        wait_until(lambda: fetched(lab) == WAN, 10, "another address")
        assert natd.status()["tunnels"][0]["egress"]["gone"] is True
        lab.host.ip(f"addr add {EGRESS}/32 dev eth0")
        natd.wait_status("OK")
        wait_until(lambda: fetched(lab) == EGRESS, 10, "the address again")


def test_a_second_address_outlives_the_first():
    """A new lease takes the first away; without promote_secondaries the second would go as well."""
    with Lab() as lab:
        lab.host.sysctl("ipv4/conf/all/promote_secondaries", 0)
        lab.host.sysctl("ipv4/conf/eth0/promote_secondaries", 0)
        lab.host.ip("addr add 192.168.77.99/24 dev eth0")
        natd = lab.natd('tunnel "wg0" { egress = "192.168.77.99" }')
        natd.wait_status("OK")
        wait_until(lambda: lab.host.sysctl("ipv4/conf/all/promote_secondaries") == "1", 5,
                   "promote_secondaries")
        lab.host.ip("addr del 192.168.77.10/24 dev eth0")
        assert "192.168.77.99/24" in lab.host.run("ip", "addr", "show", "eth0").stdout
        assert natd.stop() == 0
        assert lab.host.sysctl("ipv4/conf/all/promote_secondaries") == "0"


def test_a_pool_is_whole_or_closed():
    """The clients get one of its addresses; with one missing nothing leaves: whose it would be is
    the kernel's choice."""
    second = EGRESS.replace(".9", ".10")
    with Lab() as lab:
        lab.give_egress_address()
        lab.internet.ip(f"route add {second}/32 via {WAN}")
        lab.router.node.ip(f"route add {second}/32 via {HOST}")
        natd = lab.natd(f'tunnel "wg0" {{ egress = "{EGRESS}-{second}" }}')
        verdict = natd.wait_status("E43")["verdict"]
        assert f"{EGRESS}-{second}" in verdict["text"]
        lab.host.ip(f"addr add {second}/32 dev eth0")
        natd.wait_status("OK")
        lab.tunnel_up()
        wait_until(lambda: fetched(lab) in (EGRESS, second), 10, "an address of the pool")
        assert len({lab.fetch_through_tunnel() for _ in range(5)}) == 1
        egress = natd.status()["tunnels"][0]["egress"]
        assert (egress["kind"], egress["address"]) == ("pool", f"{EGRESS}-{second}")
        assert f"-> {EGRESS}-{second}" in natd.ctl("status").stdout
        lab.host.ip(f"addr del {second}/32 dev eth0")
        natd.wait_status("E43")
        wait_until(lambda: fetched(lab) is None, 10, "a closed way")


def test_an_ipv6_prefix_for_the_clients_own():
    prefix = "2a11:0:99:"
    with Lab() as lab:
        lab.internet.ip(f"route add {prefix}:/64 via 2a11:0:1::2")
        lab.router.node.ip(f"route add {prefix}:/64 via {HOST6}")
        lab.host.ip(f"addr add {prefix}:1/128 dev lo")
        natd = lab.natd(f'tunnel "wg0" {{ egress = "{prefix}:/64" }}')
        natd.wait_status("OK")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel(ipv6=True) == f"{prefix}:2"
        assert lab.fetch_through_tunnel() == WAN
        lab.host.ip(f"addr del {prefix}:1/128 dev lo")
        natd.wait_status("E43")
