# SPDX-License-Identifier: GPL-2.0-or-later
"""natctl test and natctl why: packets followed through every table, and nothing left behind."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess

import pytest

from lab import HOST, NATCTL, OTHER, STRANGER, WAN, WEB, Lab, LabError, wait_until

PHONE = "10.8.0.2"


@pytest.fixture(scope="module")
def lab():
    with Lab() as laboratory:
        # Else natd would get the tunnel's packets past the firewalls of these tests.
        laboratory.natd("coexist = false\n").wait_status("OK", state="open")
        laboratory.tunnel_up()
        yield laboratory


@pytest.fixture
def natd(lab):
    """natd as every test here leaves it: alive, and following nothing."""
    natd = lab.natd_on()
    pids = natd.pids()
    yield natd
    assert natd.pids() == pids
    wait_gone(lab)


def follows(lab):
    """Is the table there? (A listing of all tables may break off while one of them goes.)"""
    return lab.host.run("nft", "list", "table", "inet", "natd-trace", check=False).returncode == 0


def wait_gone(lab):
    wait_until(lambda: not follows(lab), 20, "the trace to be gone")


def start(lab, natd, *arguments):
    """natctl in the background, when it follows."""
    process = lab.host.start(f"natctl-{len(lab.host.processes)}", NATCTL, "-s", natd.socket, *arguments)
    wait_until(lambda: follows(lab) or not process.running, 20,
               "natctl to follow packets")
    return process


def finish(process, again=None):
    """What natctl -j printed, and its exit status. `again` is done until it has ended: UDP gets lost."""
    while again and process.running:
        with contextlib.suppress(OSError):
            again()
        with contextlib.suppress(LabError):
            wait_until(lambda: not process.running, 0.5, "natctl to end")
    status = process.wait()
    return json.loads(process.log), status


def send(node, address, port=51820):
    with node.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (address, port))


def why(lab, natd):
    """What natd says of a packet from the phone to the web server."""
    process = start(lab, natd, "-j", "why", PHONE, WEB)
    result, status = finish(process, lambda: send(lab.client, WEB, 4000))
    assert result["result"] == "packet", result
    packet = result["packet"]
    assert (packet["protocol"], packet["from"], packet["to"], packet["port"], packet["in"]) == (
        "udp", PHONE, WEB, 4000, "wg0")
    return packet, status


# ---- test ----

def test_a_packet_from_outside(lab, natd):
    process = start(lab, natd, "-j", "test")
    send(lab.other, HOST)  # at home, which does not count
    result, status = finish(process, lambda: send(lab.client, WAN))
    assert (result["result"], status) == ("outside", 0)
    packet = result["packet"]
    assert (packet["side"], packet["fate"]) == ("outside", "delivered")
    assert (packet["protocol"], packet["to"], packet["port"], packet["in"]) == (
        "udp", HOST, 51820, "eth0")


def test_only_from_home(lab, natd):
    lab.client.nft("table inet quiet { chain out { type filter hook output priority 0;\n"
                   "udp dport 51820 drop\n}\n}\n")
    try:
        process = start(lab, natd, "test", "--for", "4s")
        send(lab.other, HOST)
        assert process.wait() == 4
    finally:
        lab.client.nft("delete table inet quiet")
    assert f"{OTHER} is in the home network" in process.log
    assert "only packets from home came" in process.log


def test_a_firewall_that_drops_what_arrives(lab, natd):
    lab.host.nft("table inet wall { chain in { type filter hook input priority 10;\n"
                 'udp dport 51820 drop comment "nobody comes in"\n}\n}\n')
    try:
        process = start(lab, natd, "-j", "test")
        result, status = finish(process, lambda: send(lab.client, WAN))
    finally:
        lab.host.nft("delete table inet wall")
    packet = result["packet"]
    assert (result["result"], status) == ("outside", 2)
    assert (packet["fate"], packet["family"], packet["table"], packet["chain"]) == (
        "dropped", "inet", "wall", "in")
    assert packet["handle"] and packet["comment"] == "nobody comes in"


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_the_time_left_on_a_terminal(natd, term):
    """It counts down in place, where the terminal can; a dumb one gets one line, as a pipe does."""
    ours, theirs = pty.openpty()
    command = natd.node.command("env", f"TERM={term}", NATCTL, "-s", natd.socket, "test", "--for", "2s")
    status = subprocess.run(command, stdout=theirs, stderr=theirs, check=False).returncode
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert status in (0, 4) and "waiting for a packet" in shown
    assert ("\033" in shown) == (term == "xterm"), shown
    assert term == "xterm" or shown.count("waiting") == 1, shown


# ---- why ----

def test_it_left(lab, natd):
    packet, status = why(lab, natd)
    assert (packet["fate"], packet["out"], packet["source"], status) == ("left", "eth0", HOST, 0)


NFT = """table inet filter {
	chain user { ip saddr 10.8.0.0/24 drop comment "no VPN"; }
	chain forward { type filter hook forward priority 0; policy accept; jump user; }
}"""
# As firewalld writes it: a chain of policies in which everything ends.
FIREWALLD = """table inet firewalld {
	chain filter_FORWARD_POLICIES { reject with icmpx admin-prohibited; }
	chain filter_FORWARD { type filter hook forward priority 10; policy accept;
		ct state { established, related } accept
		jump filter_FORWARD_POLICIES; }
}"""
# As Docker and ufw do it, by iptables-nft.
DOCKER = (("-N", "DOCKER-USER"), ("-A", "FORWARD", "-j", "DOCKER-USER"), ("-P", "FORWARD", "DROP"))
UFW = (("-N", "ufw-user-forward"), ("-A", "FORWARD", "-j", "ufw-user-forward"),
       ("-A", "ufw-user-forward", "-i", "wg0", "-m", "comment", "--comment", "deny out",
        "-j", "REJECT"))


@pytest.mark.parametrize("rules,where", [
    (NFT, ("inet", "filter", "user", True, "no VPN")),
    (FIREWALLD, ("inet", "firewalld", "filter_FORWARD_POLICIES", True, None)),
    (DOCKER, ("ip", "filter", "FORWARD", False, None)),
    (UFW, ("ip", "filter", "ufw-user-forward", True, "deny out")),
], ids=["nft", "firewalld", "docker", "ufw"])
def test_who_drops_it(lab, natd, rules, where):
    try:
        if isinstance(rules, str):
            lab.host.nft(rules)
        else:
            for rule in rules:
                lab.host.run("iptables", "-w", *rule)
        packet, status = why(lab, natd)
    finally:
        wait_gone(lab)
        for table in lab.host.tables() - {"inet natd", "inet natd-trace", "inet natd-guard"}:
            lab.host.nft(f"delete table {table}")
    assert (packet["fate"], status) == ("dropped", 2), packet
    assert (packet["family"], packet["table"], packet["chain"], packet["handle"] is not None,
            packet["comment"]) == where


@pytest.mark.parametrize("tunnel,destination,word", [
    ('reach = { "internet" }', OTHER, 'reach does not name "lan"'),
    ('reach = { "lan" }', WEB, 'reach does not name "internet"'),
    ('egress = "11.9.9.9"', WEB, "the egress address of this client is not on this host"),
], ids=["lan", "internet", "egress"])
def test_natd_drops_it(lab, natd, tunnel, destination, word):
    """Not a rule's number, which says nothing to its user, but which setting it is."""
    natd.configure(f'coexist = false\ntunnel "wg0" {{ {tunnel} }}\n')
    try:
        assert natd.ctl("reload").returncode == 0
        wait_until(lambda: natd.status()["rules"]["in_sync"], 10, "the rules")
        process = start(lab, natd, "why", PHONE, destination)
        while process.running:
            send(lab.client, destination, 4000)
            with contextlib.suppress(LabError):
                wait_until(lambda: not process.running, 0.3, "natctl to end")
        assert process.wait() == 2
        shown = " ".join(process.log.split())
        assert "natd itself keeps it back: " in shown and word in shown, shown
        assert "nft -a" not in shown
    finally:
        natd.configure("coexist = false\n")
        assert natd.ctl("reload").returncode == 0


def test_the_kernel_itself_refuses(lab, natd):
    """What the kernel would not forward is not waited for."""
    lab.host.sysctl("ipv4/conf/wg0/forwarding", 0)
    try:
        result = natd.json("why", PHONE, WEB)
        assert result["result"] == "forwarding-off"
        assert natd.ctl("why", PHONE, WEB).returncode == 2
    finally:
        lab.host.sysctl("ipv4/conf/wg0/forwarding", 1)


def test_nothing_comes(lab, natd):
    done = natd.ctl("why", PHONE, "11.99.99.99", "--for", "1s")
    assert done.returncode == 4
    assert "no packet came" in done.stdout and "no tunnel" not in done.stdout
    done = natd.ctl("why", "10.88.0.2", "11.99.99.99", "--for", "1s")  # a slip of the finger
    assert "natd knows no tunnel with the client 10.88.0.2" in done.stdout


@pytest.mark.parametrize("arguments,word", [
    (("why", PHONE, "web"), "'web' is not allowed"),
    (("why", "x", WEB), "'x' is not allowed"),
    (("why", PHONE, "example.com"), "'example.com' is not allowed; allowed: an IPv4 address (look"),
    (("why", "fd42::2", "example.com"), "'example.com' is not allowed; allowed: an IPv6 address (look"),
    (("why", PHONE, "fd42::1"), "'fd42::1' is not allowed; allowed: an IPv4 address"),
    (("why",), "'why' is not enough"),
    (("why", PHONE), f"'why {PHONE}' is not enough"),
    (("test", "--for", "never"), "'never' is not allowed; allowed: a time from 1s to 10m"),
    (("test", "--for", "11m"), "'11m' is not allowed; allowed: a time from 1s to 10m"),
    (("test", "--for", "0s"), "'0s' is not allowed; allowed: a time from 1s to 10m"),
    (("why", PHONE, WEB, "--for", "601s"), "'601s' is not allowed; allowed: a time from 1s to 10m"),
])
def test_wrong_usage(natd, arguments, word):
    done = natd.ctl(*arguments)
    assert done.returncode == 64 and word in done.stderr


@pytest.mark.parametrize("arguments", [("test",), ("why", PHONE, WEB)])
def test_only_for_root_and_the_group(natd, arguments):
    done = natd.ctl(*arguments, user=STRANGER)
    assert done.returncode == 2 and "for root and the group of natd" in done.stderr


def test_one_at_a_time(lab, natd):
    process = start(lab, natd, "test")
    done = natd.ctl("why", PHONE, WEB)
    assert done.returncode == 4 and "one at a time" in done.stderr
    process.popen.kill()
    process.wait()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_natctl_is_killed(lab, natd, how):
    """Nothing is left, and the next one may ask."""
    process = start(lab, natd, "why", PHONE, "11.99.99.99")
    os.kill(process.pid, how)
    process.wait()
    wait_gone(lab)
    assert why(lab, natd)[0]["fate"] == "left"


def test_natd_is_killed():
    """As by a power cut: the table goes with the process that owns it."""
    with Lab(start_vpn=False) as lab:
        natd = lab.natd()
        natd.wait_status("E60")
        start(lab, natd, "test")
        natd.kill()
        wait_gone(lab)
        assert "inet natd" in lab.host.tables()
