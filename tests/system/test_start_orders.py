# SPDX-License-Identifier: GPL-2.0-or-later
"""Every other firewall, in either start order: the VPN's clients get through, or natd says who stops
them and what to do, and that helps. test_firewalls.py has what is special about each."""

import pytest

from lab import Lab
from lab.firewall import Docker, Firewalld, Ufw
from test_firewalls import (NFTABLES_CONF, dial, firewall, iptables, legacy_works, stopped, wait_fetch,
                            wait_passed)


def ufw(lab):
    return Ufw(lab.host).start


def docker(lab):
    """With the policy that Docker sets where it has switched forwarding on itself."""
    program = Docker(lab.host)

    def start():
        program.start()
        iptables(lab, "-P FORWARD DROP")

    return start


def firewalld(lab):
    return Firewalld(lab.host).start


def iptables_nft(lab):
    return lambda: iptables(lab, "-P FORWARD DROP")


def iptables_legacy(lab):
    return lambda: iptables(lab, "-P FORWARD DROP", program="iptables-legacy")


def nftables_conf(lab):
    return lambda: lab.host.nft(NFTABLES_CONF)


PASSED = {ufw: ("ip filter", "FORWARD", "ufw"), docker: ("ip filter", "FORWARD", "docker"),
          firewalld: ("inet firewalld", "filter_FORWARD", "firewalld"),
          iptables_nft: ("ip filter", "FORWARD", "iptables"),
          nftables_conf: ("inet filter", "forward", "nftables")}


def put_by_natd(lab):
    """The lines of natd in the tables of others; firewalld writes a rule of its own for each."""
    return [line.strip() for line in lab.host.ruleset().splitlines()
            if '"natd: ' in line or "saddr 10.8.0.0/24 accept" in line
            or "saddr fd42::/64 accept" in line]


@pytest.mark.parametrize("order", ["first", "later"])
@pytest.mark.parametrize("program", PASSED, ids=lambda program: program.__name__)
def test_the_clients_get_through(program, order):
    """Also what was there before natd is there after it."""
    table, chain, owner = PASSED[program]
    with Lab() as lab:
        start = program(lab)
        natd = lab.natd_on()
        if order == "first":
            start()
        before = lab.host.ruleset()
        natd.start()
        natd.wait_status("OK", state="open")
        if order == "later":
            start()
        wait_passed(natd, table, chain)
        dial(lab)
        wait_fetch(lab)
        natd.wait_status("OK")
        one = firewall(natd, table, chain)
        assert one["owner"] == owner
        print(f"\n{program.__name__} {order}: {table} {chain}, policy {one['policy']}, "
              f"{one['owner']}; verdict {natd.status()['verdict']['code']}; natd put there:\n"
              + "\n".join(f"    {line}" for line in put_by_natd(lab)))
        assert put_by_natd(lab)
        assert natd.stop() == 0
        assert put_by_natd(lab) == []
        if order == "first":
            assert lab.host.ruleset() == before


@pytest.mark.skipif(not legacy_works(), reason="this kernel has no iptables-legacy")
@pytest.mark.parametrize("order", ["first", "later"])
def test_what_natd_may_not_touch(order):
    with Lab() as lab:
        start = iptables_legacy(lab)
        natd = lab.natd_on()
        if order == "first":
            start()
        natd.start()
        natd.wait_status("OK", state="open")
        if order == "later":
            start()
        lab.tunnel_up()
        verdict = stopped(lab, natd)
        assert "nftables does not show it" in verdict["text"]
        print(f"\niptables_legacy {order}: {verdict['code']} {verdict['text']}\n{verdict['advice']}")
        for line in verdict["advice"].splitlines():
            if line.startswith("  sudo "):
                lab.host.run(*line.split()[1:])
        wait_fetch(lab)
        natd.wait_status("OK")
