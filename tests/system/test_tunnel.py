# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients in the tunnel reach the internet, with the address that was promised."""

import json
import shutil

import pytest

from lab import EGRESS, HOST, HOST6, OTHER, WAN, Lab, LabError, wait_until

OPENVPN = 'forward "openvpn" { protocol = "udp" port = 1194 }\n'


def test_nothing_works_without_natd():
    with Lab() as lab, pytest.raises(LabError, match="in vain for the tunnel"):
        lab.tunnel_up(timeout=3)


def test_wireguard():
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open", port=51820)
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN
        status = natd.status()
        tunnel, = [one for one in status["tunnels"] if one["interface"] == "wg0"]
        assert "10.8.0.0/24" in json.dumps(tunnel["networks"])
        assert tunnel["egress"]["kind"] == "masquerade"
        assert tunnel["egress"]["interface"] == "eth0"
        wait_until(lambda: natd.status()["forwards"][0]["packets"], 15, "counted packets")
        wait_until(lambda: [one for one in natd.status()["tunnels"] if one["packets"]], 15,
                   "counted packets of the tunnel")


@pytest.mark.parametrize("kind", ["tun", "tap"])
def test_openvpn(kind):
    with Lab(vpn=kind) as lab:
        natd = lab.natd(OPENVPN)
        status = natd.wait_status("OK", state="open", port=1194)
        assert [tunnel["interface"] for tunnel in status["tunnels"]] == [f"{kind}0"]
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN


def test_ipv6_inside():
    with Lab() as lab:
        lab.natd().wait_status("OK")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel(ipv6=True) == HOST6


def test_second_address():
    """SNAT to an address that the host has beside its first."""
    with Lab() as lab:
        lab.give_egress_address()
        natd = lab.natd(f'tunnel "wg0" {{ egress = "{EGRESS}" }}')
        status = natd.wait_status("OK")
        assert status["tunnels"][0]["egress"]["address"] == EGRESS
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == EGRESS


def test_second_address_goes_away():
    with Lab() as lab:
        lab.give_egress_address()
        natd = lab.natd(f'tunnel "wg0" {{ egress = "{EGRESS}" }}')
        natd.wait_status("OK")
        lab.host.ip(f"addr del {EGRESS}/32 dev eth0")
        natd.wait_status("E43")
        lab.host.ip(f"addr add {EGRESS}/32 dev eth0")
        natd.wait_status("OK")


def test_clients_reach_only_what_they_may():
    """reach = { "lan" }: the home, not the internet."""
    with Lab() as lab:
        lab.natd('tunnel "wg0" { reach = { "lan" } }').wait_status("OK")
        lab.tunnel_up()
        with pytest.raises(OSError):
            lab.fetch_through_tunnel(timeout=1)
        lab.serve(lab.other)
        assert lab.fetch(lab.client, OTHER) == HOST


def test_large_packets():
    """The host's tunnel is narrower than the client thinks, and the web server never hears of it:
    only the MSS clamp saves the download."""
    with Lab() as lab:
        lab.natd().wait_status("OK")
        lab.host.ip("link set wg0 mtu 1280")
        lab.web_node.nft("table ip deaf { chain input { type filter hook input priority 0;\n"
                         "icmp type destination-unreachable drop\n}\n}\n")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel(size=300000) == WAN


def test_survives_a_flush():
    """Somebody runs `nft flush ruleset`: the rules are back before he looks."""
    with Lab() as lab:
        natd = lab.natd("rules { owned = false }")
        natd.wait_status("OK")
        before = lab.host.ruleset()
        lab.host.run("nft", "flush", "ruleset")
        wait_until(lambda: lab.host.ruleset() == before, 5, "the rules to be back")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN
        assert natd.status()["rules"]["repairs"] >= 1


def test_a_flush_by_a_program_whose_name_is_cut():
    """The kernel keeps 15 bytes of it, and so a part of a letter."""
    with Lab() as lab:
        natd = lab.natd("rules { owned = false }")
        natd.wait_status("OK")
        program = lab.host.folder / "あbcあdeあfあ"
        program.symlink_to(shutil.which("nft"))
        lab.host.run(program, "flush", "ruleset")
        wait_until(lambda: natd.status()["rules"]["repairs"] == 1, 10, "the repair")
        assert natd.status()["rules"]["last_repair"]["program"].startswith("あbc")
        assert natd.ctl("status").returncode == 0


def test_a_contest_is_told():
    """Somebody removes the table whenever it is back."""
    def removed_again():
        lab.host.run("nft", "delete", "table", "inet", "natd", check=False)
        return natd.status()["verdict"]["code"] == "E44"

    with Lab() as lab:
        natd = lab.natd("rules { owned = false }")
        natd.wait_status("OK")
        wait_until(removed_again, 20, "E44")
        assert "nft (pid " in natd.status()["verdict"]["text"]
        assert natd.ctl("status").returncode in (1, 2)
        assert natd.status()["rules"]["repairs"] >= 4
