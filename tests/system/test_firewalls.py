# SPDX-License-Identifier: GPL-2.0-or-later
"""natd beside the other firewalls of a host: the real programs, in either start order."""

import contextlib
import pathlib
import shutil
import subprocess

import pytest

from lab import STRANGER, WAN, Lab, wait_until
from lab.firewall import Docker, Firewalld, Ufw

NFTABLES_CONF = """flush ruleset
table inet filter {
	chain input { type filter hook input priority 0; policy accept; }
	chain forward { type filter hook forward priority 0; policy drop; ct state invalid drop; }
}
"""


def dial(lab):
    """The tunnel, whatever the host's own firewall lets through to itself."""
    lab.dial()
    wait_until(lambda: lab.vpn.handshakes() or (lab.reached_home() and False), 20, "the tunnel")


def fetch(lab, **options):
    """The address with which the client appears, None where nothing comes back."""
    with contextlib.suppress(OSError):
        return lab.fetch_through_tunnel(timeout=2, **options)
    return None


def wait_fetch(lab):
    wait_until(lambda: fetch(lab) == WAN, 20, "the client to reach the internet")


def firewall(natd, table, chain):
    """The entry of `natctl -j status`; None: natd does not see it yet."""
    return next((one for one in natd.status()["firewalls"]
                 if (one["table"], one["chain"]) == (table, chain)), None)


def wait_passed(natd, table, chain, passed=True):
    wait_until(lambda: (firewall(natd, table, chain) or {}).get("passed") is passed, 20,
               f"natd to see {table} {chain} (passed: {passed})")


def stopped(lab, natd):
    """The client tries in vain until natd says E41; returns the verdict."""
    def verdict():
        assert fetch(lab) is None
        return natd.status()["verdict"]

    wait_until(lambda: verdict()["code"] == "E41", 30, "E41")
    return natd.status()["verdict"]


def iptables(lab, *lines, program="iptables"):
    for line in lines:
        lab.host.run(program, *line.split())


# ---- ufw ----

def test_ufw_was_first():
    """Its users have allowed the VPN's port; IPv6 as well; all as before when natd stops."""
    with Lab() as lab:
        ufw = Ufw(lab.host)
        ufw.start()
        before = lab.host.ruleset()
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_passed(natd, "ip filter", "FORWARD")
        dial(lab)
        wait_fetch(lab)
        assert fetch(lab, ipv6=True)
        assert firewall(natd, "ip filter", "FORWARD")["owner"] == "ufw"
        assert firewall(natd, "ip filter", "FORWARD")["policy"] == "drop"
        assert "natd's rules let the VPN pass" in " ".join(natd.ctl("status").stdout.split())
        natd.wait_status("OK")
        assert natd.stop() == 0
        assert lab.host.ruleset() == before


def test_ufw_comes_later_and_reloads():
    with Lab() as lab:
        ufw = Ufw(lab.host)
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.tunnel_up()
        ufw.start()
        wait_passed(natd, "ip filter", "FORWARD")
        wait_fetch(lab)
        ufw.reload()
        wait_until(lambda: '"natd: from wg0"' in lab.host.run("iptables", "-S", "FORWARD").stdout,
                   20, "natd's rules after the reload")
        wait_fetch(lab)


# ---- Docker ----

def test_docker_was_first():
    with Lab() as lab:
        docker = Docker(lab.host)
        docker.start()
        lab.host.sysctl("ipv4/ip_forward", 1)
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_passed(natd, "ip filter", "FORWARD")
        lab.tunnel_up()
        wait_fetch(lab)
        assert firewall(natd, "ip filter", "FORWARD")["owner"] == "docker"
        listed = lab.host.run("iptables", "-S", "DOCKER-USER").stdout
        assert '-A DOCKER-USER -i wg0 -m comment --comment "natd: from wg0" -j ACCEPT' in listed
        assert natd.stop() == 0
        assert "natd" not in lab.host.run("iptables", "-S").stdout


def test_docker_comes_later_and_restarts():
    """natd has switched forwarding on before: then Docker closes nothing, as it is told to think."""
    with Lab() as lab:
        docker = Docker(lab.host)
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.tunnel_up()
        wait_fetch(lab)
        docker.start()
        iptables(lab, "-P FORWARD DROP")  # as other versions of Docker do all the same
        wait_passed(natd, "ip filter", "FORWARD")
        wait_fetch(lab)
        docker.restart()
        wait_passed(natd, "ip filter", "FORWARD")
        wait_fetch(lab)


# ---- iptables, nftables.conf ----

def test_iptables_killed_and_told_to_leave_it():
    """After a crash the rules stay; the next natd, with coexist = false, takes them away."""
    with Lab() as lab:
        iptables(lab, "-P FORWARD DROP")
        before = lab.host.run("iptables", "-S").stdout
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_passed(natd, "ip filter", "FORWARD")
        lab.tunnel_up()
        wait_fetch(lab)
        natd.kill()
        assert "natd: from wg0" in lab.host.run("iptables", "-S").stdout
        natd.start("coexist = false")
        wait_passed(natd, "ip filter", "FORWARD", passed=False)
        assert lab.host.run("iptables", "-S").stdout == before


def test_nftables_conf_and_its_reload():
    """`systemctl reload nftables` flushes the whole ruleset, natd's own table with it."""
    with Lab() as lab:
        lab.host.nft(NFTABLES_CONF)
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_passed(natd, "inet filter", "forward")
        lab.tunnel_up()
        wait_fetch(lab)
        assert firewall(natd, "inet filter", "forward")["owner"] == "nftables"
        lab.host.nft(NFTABLES_CONF)
        wait_until(lambda: '"natd: from wg0"' in lab.host.ruleset(), 20, "natd's rules")
        wait_fetch(lab)
        natd.wait_status("OK")


# ---- coexist = false, and what natd cannot change: it tells ----

def test_only_tells():
    with Lab() as lab:
        iptables(lab, "-P FORWARD DROP", "-N DOCKER-USER", "-I FORWARD -j DOCKER-USER")
        before = lab.host.run("iptables", "-S").stdout
        natd = lab.natd("coexist = false")
        natd.wait_status("OK", state="open")
        lab.tunnel_up()
        verdict = stopped(lab, natd)
        assert "Docker" in verdict["text"] and "table ip filter, chain FORWARD" in verdict["text"]
        assert "coexist = true" in verdict["advice"]
        assert lab.host.run("iptables", "-S").stdout == before
        assert natd.ctl("status").returncode == 2
        # What it says, done, helps; and natd sees that.
        for line in verdict["advice"].splitlines():
            if line.startswith("  sudo "):
                lab.host.run(*line.split()[1:])
        wait_fetch(lab)
        natd.wait_status("OK")


def test_no_false_alarm():
    """Policy drop, but the VPN's packets are let through by its owner: nothing to say."""
    with Lab() as lab:
        iptables(lab, "-P FORWARD DROP", "-A FORWARD -s 10.8.0.0/24 -j ACCEPT",
                 "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
        natd = lab.natd("coexist = false")
        natd.wait_status("OK", state="open")
        lab.tunnel_up()
        for _ in range(5):
            assert fetch(lab) == WAN
        assert natd.status()["verdict"]["code"] == "OK"


def test_a_table_that_is_anothers():
    with Lab() as lab, contextlib.ExitStack() as stack:
        owner = stack.enter_context(subprocess.Popen(
            lab.host.command("nft", "-i"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            text=True))
        stack.callback(owner.stdin.close)
        owner.stdin.write("add table inet strict { flags owner; }\nadd chain inet strict gate "
                          "{ type filter hook forward priority 0; policy drop; }\n")
        owner.stdin.flush()
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.tunnel_up()
        verdict = stopped(lab, natd)
        assert "table inet strict, chain gate" in verdict["text"]
        assert "Only that program may change its table" in verdict["advice"]
        assert firewall(natd, "inet strict", "gate")["owned"] is True


def legacy_works():
    """Is iptables-legacy installed, and in this kernel? Asked in a namespace of its own."""
    return shutil.which("iptables-legacy") and subprocess.run(
        ["unshare", "--net", "iptables-legacy", "-S"], capture_output=True,
        check=False).returncode == 0


@pytest.mark.skipif(not legacy_works(), reason="this kernel has no iptables-legacy")
def test_iptables_legacy():
    """nftables does not show it, natd may not touch it: told by elimination, with the commands."""
    with Lab() as lab:
        iptables(lab, "-P FORWARD DROP", program="iptables-legacy")
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.tunnel_up()
        verdict = stopped(lab, natd)
        assert "nftables does not show it" in verdict["text"]
        for line in verdict["advice"].splitlines():
            if line.startswith("  sudo "):
                lab.host.run(*line.split()[1:])
        wait_fetch(lab)
        natd.wait_status("OK")


# ---- what comes to the VPN's port itself ----

def test_a_firewall_before_the_port():
    """natd opens no port of this host in another firewall, coexist or not: it says how."""
    with Lab() as lab:
        lab.host.nft("table inet filter { chain input { type filter hook input priority 0; "
                     "policy drop; iifname lo accept; ct state established,related accept; }; }")
        natd = lab.natd("router { protocols = { \"pcp\" } }")
        natd.wait_status(None, state="open")
        lab.dial()
        lab.reached_home()
        status = natd.wait_status("E40")
        assert "table inet filter, chain input" in status["verdict"]["text"]
        command, = [line for line in status["verdict"]["advice"].splitlines()
                    if line.startswith("  sudo ")]
        lab.host.run(*command.split()[1:])
        lab.reached_home()
        wait_until(lambda: lab.reached_home() is not None and
                   natd.status()["verdict"]["code"] == "OK", 20, "OK")


# ---- firewalld ----

def rich_rules(firewalld):
    listed = firewalld.cmd("--policy", "natd", "--list-rich-rules").stdout
    return sorted(filter(None, listed.splitlines()))


def zone_of_tunnel(firewalld):
    """"": it is named in none, and in the default zone by that."""
    return firewalld.cmd("--get-zone-of-interface", "wg0", check=False).stdout.strip()


def test_firewalld():
    """By its own interface, as a user that polkit allows it; put back after a reload; taken back at
    the end, and ports and zones stay as they were."""
    with Lab() as lab:
        firewalld = Firewalld(lab.host)
        firewalld.start()
        before = lab.host.ruleset()
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_passed(natd, "inet firewalld", "filter_FORWARD")
        dial(lab)
        wait_fetch(lab)
        assert rich_rules(firewalld) == ['rule family="ipv4" source address="10.8.0.0/24" accept',
                                         'rule family="ipv6" source address="fd42::/64" accept']
        wait_until(lambda: zone_of_tunnel(firewalld) == "public", 20, "the tunnel in its zone")
        firewalld.reload()
        wait_until(lambda: len(rich_rules(firewalld)) == 2, 20, "natd's rules after the reload")
        wait_until(lambda: zone_of_tunnel(firewalld) == "public", 20, "the tunnel in its zone")
        wait_fetch(lab)
        assert firewall(natd, "inet firewalld", "filter_FORWARD")["owner"] == "firewalld"
        assert "the sandbox refused" not in natd.log
        assert natd.stop() == 0
        assert rich_rules(firewalld) == []
        assert zone_of_tunnel(firewalld) == ""
        assert lab.host.ruleset() == before


def test_a_zone_that_the_user_has_chosen_stays():
    with Lab() as lab:
        firewalld = Firewalld(lab.host)
        firewalld.start()
        firewalld.cmd("--zone", "internal", "--add-interface", "wg0")
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_passed(natd, "inet firewalld", "filter_FORWARD")
        dial(lab)
        wait_fetch(lab)
        assert natd.stop() == 0
        assert zone_of_tunnel(firewalld) == "internal"


# Says each of firewalld's and the bus's signals fifty times, straight to the connection of a process.
FORGE = """
import dbus, dbus.lowlevel, sys
bus = dbus.SystemBus()
natd = next(name for name in bus.list_names() if name.startswith(":") and bus.call_blocking(
    "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionUnixProcessID", "s", [name])
    == int(sys.argv[1]))
for interface, member, words in (
        ("org.fedoraproject.FirewallD1", "Reloaded", ()),
        ("org.freedesktop.DBus", "NameOwnerChanged", ("org.fedoraproject.FirewallD1", "", ":1.99"))):
    for _ in range(50):
        signal = dbus.lowlevel.SignalMessage("/org/freedesktop/DBus", interface, member)
        signal.set_destination(natd)
        signal.append(*words)
        bus.send_message(signal)
bus.flush()
"""


def test_a_stranger_who_plays_firewalld():
    """His signals reach natd, and make firewalld do nothing."""
    with Lab() as lab:
        firewalld = Firewalld(lab.host)
        firewalld.start()
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_passed(natd, "inet firewalld", "filter_FORWARD")
        orders = natd.log.count("firewalld lets the VPN's packets through")
        lab.host.run("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups",
                     "/usr/bin/python3", "-c", FORGE, natd.pids()["natd"])
        firewalld.reload()
        wait_until(lambda: len(rich_rules(firewalld)) == 2, 20, "natd's rules after the reload")
        wait_until(lambda: natd.log.count("firewalld lets the VPN's packets through") > orders, 20,
                   "firewalld's answer")
        assert natd.log.count("firewalld lets the VPN's packets through") == orders + 1


def test_firewalld_comes_later():
    with Lab() as lab:
        firewalld = Firewalld(lab.host)
        natd = lab.natd("")
        natd.wait_status("OK", state="open")
        lab.tunnel_up()
        wait_fetch(lab)
        firewalld.start()
        wait_passed(natd, "inet firewalld", "filter_FORWARD")
        wait_fetch(lab)
        natd.configure("coexist = false")
        assert natd.ctl("reload").returncode == 0
        wait_until(lambda: rich_rules(firewalld) == [], 20, "natd to take its rules back")
        verdict = stopped(lab, natd)
        assert "firewalld" in verdict["text"]
        assert "coexist = true" in verdict["advice"]


def libraries(natd):
    return pathlib.Path(f"/proc/{natd.pids()['natd']}/maps").read_text()


def test_firewalld_is_installed_later():
    """What speaks D-Bus is in memory only where there is firewalld; that there was none when natd
    started is said once, with what to do."""
    with Lab() as lab:
        firewalld = Firewalld(lab.host)
        lab.host.run("mv", "/etc/firewalld", "/etc/not-yet")
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        assert "libsystemd" not in libraries(natd)
        lab.host.run("mv", "/etc/not-yet", "/etc/firewalld")
        firewalld.start()
        wait_until(lambda: "sudo systemctl restart natd" in natd.log, 20, "the word")
        firewalld.reload()
        assert natd.log.count("firewalld was installed just now") == 1
        assert natd.stop() == 0
        natd.start()
        wait_passed(natd, "inet firewalld", "filter_FORWARD")
        assert "libsystemd" in libraries(natd)


def test_firewalld_does_not_know_natd():
    """natd was installed while firewalld ran: what to do is in the log, and in the verdict."""
    with Lab() as lab:
        firewalld = Firewalld(lab.host, installed=False)
        firewalld.start()
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_until(lambda: "sudo firewall-cmd --reload" in natd.log, 20, "the word")
        firewalld.install()
        firewalld.reload()
        wait_passed(natd, "inet firewalld", "filter_FORWARD")
        dial(lab)
        wait_fetch(lab)


# ---- rules that were right on the day they were written ----

def notes(natd):
    return " ".join(natd.status()["notes"])


FROZEN = "lets clients out by {}, but this host goes out by eth0 now; natd's own rule does"
NFT_NAT = "table inet old {{ chain post {{ type nat hook postrouting priority srcnat; {}; }}; }}"


@pytest.mark.parametrize("rule,interface", [
    ("-t nat -A POSTROUTING -s 10.8.0.0/24 -o wlan0 -j MASQUERADE", "wlan0"),  # PiVPN's
    ("-t nat -A POSTROUTING -o wl+ -j MASQUERADE", "wl+"),
    ("-t nat -A POSTROUTING -s 10.8.0.0/20 -o eth1 -j MASQUERADE", "eth1"),
])
def test_an_interface_frozen_by_iptables(rule, interface):
    with Lab() as lab:
        iptables(lab, "-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE", rule)
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        wait_until(lambda: "table ip nat, chain POSTROUTING " + FROZEN.format(interface)
                   in notes(natd), 20, "the note")
        iptables(lab, "-t nat -I POSTROUTING -o eth+ -j MASQUERADE")  # its owner mends it
        wait_until(lambda: "lets clients out" not in notes(natd), 20, "no note")


def test_an_interface_frozen_by_nft():
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        lab.host.nft(NFT_NAT.format('ip saddr 10.8.0.0/22 oifname "wlan*" counter masquerade'))
        wait_until(lambda: "table inet old, chain post " + FROZEN.format("wlan+") in notes(natd),
                   20, "the note")
        assert "wlan+" in natd.ctl("status").stdout
        lab.host.ip("link add wlan7 type veth peer name far", "link set wlan7 up",
                    "link set far up")  # now its rule may be meant
        wait_until(lambda: "lets clients out" not in notes(natd), 20, "no note")


@pytest.mark.parametrize("rule", [
    'oifname "eth0" masquerade', 'oifname "wg0" masquerade', 'masquerade',
    'ip saddr 192.168.50.0/24 oifname "wlan0" masquerade',   # not the VPN's clients
    'oifname != "wlan0" masquerade', 'oifname { "eth0", "wlan0" } masquerade',
    'oifname "wlan0" accept',
    'ip saddr 10.8.0.0/24 oifname "wlan0" masquerade; masquerade',  # another one does it
])
def test_no_interface_is_frozen(rules_seen, rule):
    lab, natd = rules_seen
    lab.host.nft(NFT_NAT.format(rule))
    wait_until(lambda: firewall(natd, "inet old", "post"), 20, "natd to see the table")
    assert "lets clients out" not in notes(natd)
    lab.host.nft("delete table inet old")
    wait_until(lambda: not firewall(natd, "inet old", "post"), 20, "natd to see it go")


@pytest.fixture(scope="module")
def rules_seen():
    with Lab() as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open")
        yield lab, natd
