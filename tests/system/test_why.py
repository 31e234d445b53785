# SPDX-License-Identifier: GPL-2.0-or-later
"""natctl why beside the other firewalls of a host: the real programs, and the chain that it names is
where the packet ended."""

import contextlib

import pytest

from lab import WEB, Lab, LabError, wait_until
from lab.firewall import Docker, Firewalld, Ufw
from test_firewalls import NFTABLES_CONF, iptables, legacy_works
from test_follow import PHONE, finish, send, start, wait_gone


@pytest.fixture
def lab():
    """Before the other firewall: natd lets it be, the tunnel is up."""
    with Lab() as laboratory:
        laboratory.natd("coexist = false\n").wait_status("OK", state="open")
        laboratory.tunnel_up()
        yield laboratory


def why(lab):
    """What becomes of the phone's packet, once and on the screen: ((fate, table, chain), rule, text)."""
    natd = lab.natd_on()
    process = start(lab, natd, "-j", "why", PHONE, WEB)
    result, status = finish(process, lambda: send(lab.client, WEB, 4000))
    packet = result["packet"]
    assert result["result"] == "packet" and status == 2, result
    wait_gone(lab)
    process = start(lab, natd, "why", PHONE, WEB)
    finish_text(process, lambda: send(lab.client, WEB, 4000))
    return packet, " ".join(process.log.split())


def finish_text(process, again):
    while process.running:
        again()
        with contextlib.suppress(LabError):
            wait_until(lambda: not process.running, 0.2, "natctl to end")


def dropped_by(lab, packet):
    """What `nft` shows at the place that why names: the rule, or the policy."""
    assert packet["fate"] == "dropped"
    chain = lab.host.run("nft", "-a", "list", "chain", packet["family"], packet["table"],
                         packet["chain"]).stdout
    if packet["handle"] is None:
        return "policy drop" if "policy drop" in chain else chain
    line, = [line for line in chain.splitlines() if line.endswith(f"# handle {packet['handle']}")]
    return line.split(" # handle")[0].strip()


def place(packet):
    return packet["family"], packet["table"], packet["chain"]


def test_ufw(lab):
    """Its policy; then a rule of its user."""
    ufw = Ufw(lab.host)
    ufw.start()
    packet, text = why(lab)
    assert place(packet) == ("ip", "filter", "FORWARD")
    assert dropped_by(lab, packet) == "policy drop"
    assert "dropped by the policy of table ip filter, chain FORWARD" in text
    lab.host.run("ufw", "route", "reject", "in", "on", "wg0")
    packet, text = why(lab)
    assert place(packet) == ("ip", "filter", "ufw-user-forward")
    assert "reject" in dropped_by(lab, packet)
    assert "sudo nft -a list chain ip filter ufw-user-forward" in text


def test_firewalld(lab):
    """What comes in by no zone of its own ends in the default zone."""
    Firewalld(lab.host).start()
    packet, _ = why(lab)
    assert place(packet) in {("inet", "firewalld", "filter_FWD_public"),
                             ("inet", "firewalld", "filter_FORWARD_POLICIES")}  # firewalld 2
    assert dropped_by(lab, packet) == "reject with icmpx admin-prohibited"


def test_docker(lab):
    """Docker finds forwarding off, and closes it for all but its own; and a rule of DOCKER-USER."""
    docker = Docker(lab.host)
    lab.host.sysctl("ipv4/ip_forward", 0)
    docker.start()
    lab.host.sysctl("ipv4/ip_forward", 1)
    packet, _ = why(lab)
    assert place(packet) == ("ip", "filter", "FORWARD")
    assert dropped_by(lab, packet) == "policy drop"
    iptables(lab, "-I DOCKER-USER -i wg0 -m comment --comment nobody -j DROP")
    packet, text = why(lab)
    assert place(packet) == ("ip", "filter", "DOCKER-USER")
    assert packet["comment"] == "nobody" and "drop" in dropped_by(lab, packet)
    assert '"nobody"' in text


def test_iptables_nft(lab):
    """A chain of one's own, before the policy; in the table raw as well, before anything is known."""
    iptables(lab, "-P FORWARD DROP", "-N gate", "-A FORWARD -i wg0 -j gate",
             "-A gate -p udp -j REJECT", program="iptables-nft")
    packet, _ = why(lab)
    assert place(packet) == ("ip", "filter", "gate")
    assert "reject" in dropped_by(lab, packet)
    iptables(lab, "-t raw -A PREROUTING -s 10.8.0.0/24 -j DROP", program="iptables-nft")
    packet, _ = why(lab)
    assert place(packet) == ("ip", "raw", "PREROUTING") and packet["out"] is None
    assert "10.8.0.0/24" in dropped_by(lab, packet)


def test_nftables_conf(lab):
    """Its flush of the whole ruleset spares what follows the packet."""
    natd = lab.natd_on()
    process = start(lab, natd, "-j", "why", PHONE, WEB)
    lab.host.nft(NFTABLES_CONF)
    result, status = finish(process, lambda: send(lab.client, WEB, 4000))
    assert status == 2
    assert place(result["packet"]) == ("inet", "filter", "forward")
    assert dropped_by(lab, result["packet"]) == "policy drop"


@pytest.mark.skipif(not legacy_works(), reason="this kernel has no iptables-legacy")
def test_iptables_legacy(lab):
    """It cannot be followed there: that is said, and how to look."""
    iptables(lab, "-A FORWARD -i wg0 -j DROP", program="iptables-legacy")
    packet, text = why(lab)
    assert packet["fate"] == "vanished" and packet["legacy"] == ["filter"]
    assert "iptables-legacy has tables here" in text
    command = text.split("sudo ")[1].split()
    shown = lab.host.run(*command).stdout
    assert "-A FORWARD -i wg0 -j DROP" in shown and "[0:0] -A FORWARD" not in shown
