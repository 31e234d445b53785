# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules process alone: tests/helpers/rules_driver stands in for natd; the kernel is real.

    alice 10.8.0.2, fd42::2 --- wg0 -+      +- wan0 --- web 11.0.3.80, 2a11:3::80
                                     | host |
    bob   10.9.0.2, fd43::2 --- wg1 -+      +- lan0 --- nas 192.168.77.20

The tunnels are veth pairs: to rules an interface is its name.
"""

import contextlib
import errno
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import pytest

from lab.natd import BUILD
from lab.node import Node
from lab.process import PATIENCE, LabError, proc_status, wait_until

DRIVER = BUILD / "tests" / "helpers" / "rules_driver"
NOBODY = 65534
CAP_NET_ADMIN = 1 << 12
INTERNET, LAN, CLIENTS = 1, 2, 4
EVERYWHERE = INTERNET | LAN | CLIENTS
WEB, WEB6 = "11.0.3.80", "2a11:3::80"
WAN, WAN6 = "11.0.3.1", "2a11:3::1"
FIXED, FIXED6 = "11.0.3.9", "2a11:3::9"
NAS = "192.168.77.20"
ALICE, ALICE6 = "10.8.0.2", "fd42::2"
BOB, BOB6 = "10.9.0.2", "fd43::2"
TUNNEL_MTU = 1420


class Rules:
    """The rules process of one machine, and what natd would say to it."""

    def __init__(self, node):
        if not DRIVER.exists():
            raise LabError(f"{DRIVER} is not built: make helpers (NATD_BUILD names another folder)")
        self.lines = queue.Queue()
        self.log = node.folder / "rules.log"
        with open(self.log, "ab") as log:
            self.driver = subprocess.Popen(node.command(DRIVER, NOBODY), stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, stderr=log, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        self.pid = int(self.wait("pid")[0])

    def _read(self):
        for line in self.driver.stdout:
            self.lines.put(line.split(" ", 1))

    def say(self, *lines):
        self.driver.stdin.write("".join(line + "\n" for line in lines))
        self.driver.stdin.flush()

    def wait(self, what, timeout=10):
        """The words of the next report `what`; others before it are dropped."""
        deadline = time.monotonic() + timeout * PATIENCE
        while True:
            try:
                word, rest = self.lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise LabError(f"no report \"{what}\" in {timeout} s; rules said:\n"
                               f"{self.log.read_text()}") from None
            if word == what:
                return rest.rstrip("\n").split(" ")

    def none(self, what, seconds):
        """No report `what` comes within `seconds`."""
        with pytest.raises(LabError):
            self.wait(what, seconds / PATIENCE)

    def commit(self, *items, generation=1):
        """Sends a set and returns (errno, what was refused)."""
        self.say(f"begin {generation}",
                 *(re.sub(r"^(\w+)", rf"\1 {generation}", item) for item in items),
                 f"commit {generation}")
        answer = self.wait("written")
        assert answer[0] == str(generation)
        return int(answer[1]), " ".join(answer[3:])

    def put(self, *items, generation=1):
        assert self.commit(*items, generation=generation) == (0, "")

    def count(self):
        """{"tunnel": {"wg0": (in, out)}, "port": {(17, 51820): (...)}, "network": {"10...": n}}"""
        self.say("count 1")
        counts = {"tunnel": {}, "spoofed": {}, "port": {}, "network": {}, "publish": {}}
        self.seen = {}  # port: (packets from the home, ms since the last from outside, from home)
        while True:
            word, rest = self.lines.get(timeout=10 * PATIENCE)
            words = rest.split()
            if word == "tunnel":
                counts[word][words[1]] = (int(words[2]), int(words[3]))
                counts["spoofed"][words[1]] = int(words[4])
            elif word == "publish":
                counts[word][tuple(map(int, words[1:4]))] = int(words[4])
            elif word == "port":
                port = int(words[1]), int(words[2])
                counts[word][port] = (int(words[3]), int(words[4]))
                self.seen[port] = tuple(map(int, words[5:8]))
            elif word == "network":
                counts[word][words[1]] = int(words[2])
            elif word == "counted":
                return counts

    def sysctl(self, name, value):
        """Returns (value before, errno)."""
        self.say(f"sysctl 1 {name} {value}")
        answer = self.wait("sysctl")
        assert answer[1] == name
        return int(answer[2]), int(answer[3])

    @contextlib.contextmanager
    def asleep(self):
        """It sees nothing, and can do nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def end(self):
        """natd goes, and rules after it: its netlink sockets are closed when this returns."""
        self.driver.stdin.close()
        self.driver.wait(10)
        wait_until(lambda: not pathlib.Path(f"/proc/{self.pid}").exists(), what="the end of rules")


@pytest.fixture(scope="module")
def nodes():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="natdrules-"))
    folder.chmod(0o755)
    made = {}
    try:
        for name in ("host", "alice", "bob", "web", "nas"):
            made[name] = Node(name, f"natdrules-{os.getpid()}-{name}", folder / name)
        for node in made.values():
            node.wait_ready()
        connect(made)
        settle(made)
        yield made
    finally:
        for node in made.values():
            node.close()
        shutil.rmtree(folder)


LINKS = (
    # interface of the host, its MTU, its addresses; the machine behind it and that one's
    ("wg0", TUNNEL_MTU, ("10.8.0.1/24", "fd42::1/64"), "alice", (f"{ALICE}/24", f"{ALICE6}/64")),
    ("wg1", 1500, ("10.9.0.1/24", "fd43::1/64"), "bob", (f"{BOB}/24", f"{BOB6}/64")),
    ("wan0", 1500, (f"{WAN}/24", f"{WAN6}/64", f"{FIXED}/32", f"{FIXED6}/128"),
     "web", (f"{WEB}/24", f"{WEB6}/64")),
    ("lan0", 1500, ("192.168.77.1/24",), "nas", (f"{NAS}/24",)),
)


def add_address(address, interface):
    # A deprecated address is not chosen by itself: nobody leaves with FIXED6 who is not told to.
    return (f"address add {address} dev {interface}{' nodad' if ':' in address else ''}"
            f"{' preferred_lft 0' if address.startswith(FIXED6) else ''}")


def know(addresses, mac, interface):
    """Nobody asks who has an address, as nobody does in a tunnel: that question would bear a spoofed
    source too, the host answers none that bears its own, and the packet would never leave."""
    return (f"neigh add {address.split('/')[0]} lladdr {mac} dev {interface} nud permanent"
            for address in addresses)


def connect(nodes):
    host = nodes["host"]
    for number, (interface, mtu, ours, name, theirs) in enumerate(LINKS):
        peer = nodes[name]
        near, far = (f"02:00:00:00:0{number}:0{end}" for end in (1, 2))
        host.ip(f"link add {interface} address {near} mtu {mtu} type veth "
                f"peer name eth0 address {far} netns {peer.namespace}",
                *(add_address(address, interface) for address in ours),
                f"link set {interface} up",
                *know(theirs, far, interface))
        # The far end of a tunnel is larger than the tunnel: only the host knows what fits.
        peer.ip(*(add_address(address, "eth0") for address in theirs),
                "link set eth0 mtu 1500", "link set eth0 up",
                *know(ours, near, "eth0"),
                *(f"route add default via {address.split('/')[0]}"
                  for address, _ in zip(ours, theirs)))
    host.sysctl("ipv4/ip_forward", 1)
    host.sysctl("ipv6/conf/all/forwarding", 1)


def settle(nodes):
    """IPv6 works a second after the interfaces came up."""
    for _, _, _, name, theirs in LINKS:
        for address in (with_length.split("/")[0] for with_length in theirs):
            wait_until(lambda name=name, address=address:
                       reach(nodes["host"], nodes[name], address), 10, f"{name}'s {address}")


@pytest.fixture
def rules(nodes):
    running = Rules(nodes["host"])
    yield running
    running.end()
    nodes["host"].run("nft", "flush", "ruleset")
    assert "the sandbox refused" not in running.log.read_text()
    running.log.unlink()


BOTH = ("tunnel wg0 7", "tunnel wg1 7",
        "network wg0 10.8.0.0/24 masquerade", "network wg0 fd42::/64 masquerade",
        "network wg1 10.9.0.0/24 masquerade", "network wg1 fd43::/64 masquerade",
        "lan 192.168.77.0/24", "port 17 51820")


def reach(client, server, address, port=4000):
    """The source address with which `server` sees a TCP connection of `client`; None: none came."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with server.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
        listener.settimeout(2)
        with client.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(0.5)
            try:
                connection.connect((address, port))
            except (TimeoutError, ConnectionRefusedError, OSError):
                return None
            accepted, peer = listener.accept()
            accepted.close()
            return peer[0]


# ---- what it is ----

def test_it_is_nobody_in_a_sandbox_with_one_capability(rules):
    rules.put(*BOTH)  # it works there, too
    status = proc_status(rules.pid)
    assert set(status["Uid"].split()) == {str(NOBODY)}
    assert set(status["Gid"].split()) == {str(NOBODY)}
    assert status["Groups"].split() == []
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == CAP_NET_ADMIN
    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_it_holds_only_netlink_sockets_and_the_one_to_natd(rules):
    rules.put(*BOTH)
    rules.sysctl("ipv4/ip_forward", 1)
    rules.say("wireguard 1 wg0")
    rules.wait("wireguard")
    inodes = {match[1] for fd in pathlib.Path(f"/proc/{rules.pid}/fd").iterdir()
              if (match := re.match(r"socket:\[(\d+)\]", os.readlink(fd)))}
    netlink = pathlib.Path(f"/proc/{rules.pid}/net/netlink").read_text(encoding="ascii")
    unix = pathlib.Path(f"/proc/{rules.pid}/net/unix").read_text(encoding="ascii")
    netlinks = {line.split()[9] for line in netlink.splitlines()[1:]}
    unixes = {line.split()[6] for line in unix.splitlines()[1:]}
    assert len(inodes & netlinks) == 4  # transactions, events, connections and routes
    assert inodes <= netlinks | unixes


# ---- the table ----

def test_listing_loads_again(rules, nodes):
    host = nodes["host"]
    rules.put(*BOTH, "network wg0 10.8.0.2/32 11.0.3.9", "network wg1 fd43:1::/64 2a11:3::9",
              "network wg1 10.9.1.0/25 none", "network wg1 10.9.2.0/25 closed",
              "network wg1 fd43:2::/64 closed", "tunnel tun_home-1.5 0", "lan fd77::/64",
              "lan 255.0.0.0/8", "port 6 443", "network wg1 0.0.0.0/0 11.0.3.9",
              f"publish 6 443 443 {ALICE} 8443 1", f"publish 17 2000 2009 {ALICE} 3000 0",
              f"publish 6 443 443 {ALICE6} 8443 0", f"publish 17 53 53 {BOB6} 53 1")
    rules.end()
    listing = host.run("nft", "list", "ruleset").stdout
    host.run("nft", "flush", "ruleset")
    assert host.tables() == set()
    host.nft(listing)
    assert host.run("nft", "list", "ruleset").stdout == listing


def test_listing_can_be_read(rules, nodes):
    rules.put(*BOTH, "network wg0 10.8.0.2/32 11.0.3.9", f"publish 6 443 443 {ALICE} 8443 0",
              "network wg1 10.9.3.0/24 11.0.3.9", "network wg1 fd43:5::/64 2a11:3::9",
              f"publish 6 443 443 {ALICE6} 8443 1")
    listing = " ".join(nodes["host"].ruleset().split())
    listing = listing.replace("tcp flags & (syn | rst) == syn", "tcp flags syn / syn,rst")  # nft 1.1
    for text in ('set tunnels { type ifname elements = { "wg0", "wg1" } }',
                 "elements = { 10.8.0.2 counter : 11.0.3.9 }",
                 "elements = { 192.168.77.0/24 }",
                 "elements = { udp . 51820 counter }",
                 "elements = { tcp . 443 : 10.8.0.2 . 8443 }",
                 "elements = { tcp . 443 }",
                 "fib daddr type local meta nfproto ipv4 dnat ip to meta l4proto . th dport map @publish4",
                 "fib daddr type local meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @publish6",
                 "oifname @tunnels ct status dnat meta nfproto ipv4 meta l4proto tcp "
                 "update @handed-on4 { meta l4proto . ct original proto-dst }",
                 "iifname @tunnels fib saddr . iif oif missing iifname @spoofed drop",
                 "iifname @tunnels oifname @tunnels ct status dnat masquerade",
                 "oifname @tunnels fib saddr type local ct status dnat masquerade",
                 "oifname @tunnels ct status dnat meta nfproto ipv4 meta l4proto tcp "
                 "meta l4proto . ct original proto-dst @hide-source4 masquerade",
                 "iifname @tunnels oifname != @tunnels snat ip to ip saddr map @egress4",
                 "iifname @tunnels oifname != @tunnels snat ip6 to ip6 saddr map @egress6",
                 "iifname @tunnels oifname != @tunnels ip saddr @masquerade4 masquerade",
                 "iifname @tunnels oifname != @tunnels ip6 saddr @masquerade6 masquerade",
                 "iifname @tunnels tcp flags syn / syn,rst tcp option maxseg size set rt mtu",
                 "oifname @tunnels tcp flags syn / syn,rst tcp option maxseg size set rt mtu",
                 "ct state established,related accept"):
        assert text in listing, text


def test_what_would_match_nothing_is_left_out(rules, nodes):
    """The kernel takes its time for each rule, and after a flush there is none to lose."""
    rules.put("tunnel wg0 7", "network wg0 10.8.0.0/24 masquerade")
    few = nodes["host"].ruleset()
    words = few.split()
    for name in ("publish4", "handed-on4", "hide-source4", "egress4", "pool4", "prefix6", "closed4",
                 "no-lan", "masquerade6", "arrived", "seen"):
        assert f"@{name}" not in words and name not in words, name
    assert "@clients4" in words and "@clients6" not in words  # the guard's
    rules.put("tunnel wg0 3", "network wg0 10.8.0.0/24 closed", "network wg0 10.8.1.0/24 11.0.3.9",
              "lan 192.168.77.0/24", "port 17 51820", f"publish 6 443 443 {ALICE} 8443 0",
              "network wg0 fd42::/64 masquerade", generation=2)
    words = nodes["host"].ruleset().split()
    for name in ("publish4", "handed-on4", "hide-source4", "egress4", "closed4", "arrived", "seen",
                 "arrived-lan", "seen-lan", "no-clients", "masquerade6", "clients6"):
        assert f"@{name}" in words and name in words, name
    rules.put("tunnel wg0 7", "network wg0 10.8.0.0/24 masquerade", generation=3)
    assert nodes["host"].ruleset() == few


def test_an_empty_set_is_a_table(rules, nodes):
    rules.put()
    assert nodes["host"].tables() == {"inet natd", "inet natd-guard"}


def test_overlapping_networks_are_no_error(rules):
    rules.put(*BOTH, "lan 192.168.0.0/16", "lan 192.168.77.0/24", "network wg0 10.8.0.0/16 none",
              "network wg0 10.8.0.128/25 11.0.3.9", "network wg1 10.8.0.128/25 11.0.3.9")


def test_a_contradiction_is_answered_and_changes_nothing(rules, nodes):
    rules.put(*BOTH)
    before = nodes["host"].ruleset()
    for item, error, what in (
            ("network wg1 10.8.0.0/24 none", errno.EEXIST,
             "the network 10.8.0.0/24 of wg1 is also behind wg0, with another egress"),
            ("network wg7 10.7.0.0/24 none", errno.ENODEV,
             "the network 10.7.0.0/24: wg7 is no tunnel of this set"),
            ("tunnel wg0 1", errno.EEXIST,
             "the tunnel wg0 is there twice, with different reach"),
            ("tunnel wg* 1", errno.EINVAL,
             'the tunnel "wg*": a name with this character cannot be used')):
        assert rules.commit(*BOTH, item, generation=2) == (error, what)
        assert nodes["host"].ruleset() == before
    rules.put(*BOTH, generation=3)


def test_what_the_kernel_refuses_is_named(rules, nodes):
    """A table of our name that another program owns (flag owner: until its socket closes)."""
    host = nodes["host"]
    with subprocess.Popen(host.command("nft", "-i"), stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, text=True) as owner:
        owner.stdin.write("add table inet natd { flags owner; }\n")
        owner.stdin.flush()
        # As text: nft 1.0.6 prints broken JSON of an owned table.
        wait_until(lambda: "natd" in host.run("nft", "list", "tables").stdout, what="the table")
        assert rules.commit(*BOTH) == (errno.EPERM, "the table inet natd")
        owner.stdin.close()
    wait_until(lambda: host.tables() == set(), what="the end of the owned table")
    rules.put(*BOTH)


def test_many_networks_in_one_transaction(rules, nodes):
    """More than the default send buffer of 213 KB, several element messages. Nobody listens to so
    large a transaction of ours; what others do afterwards is heard."""
    rules.say("begin 1", "tunnel 1 wg0 7", "fill 1 wg0 10000", "commit 1")
    assert rules.wait("written", 60)[:2] == ["1", "0"]
    assert len(rules.count()["network"]) == 10000
    for _ in range(2):  # the repair is as large
        nodes["host"].run("nft", "flush", "ruleset")
        assert rules.wait("touched", 60)[4] == "0"
    rules.none("touched", 0.3)
    assert len(rules.count()["network"]) == 10000


def test_commits_beside_other_programs(rules, nodes):
    """A transaction that another overtakes (ERESTART) is tried again, on what is there then."""
    host = nodes["host"]
    busy = [host.start(f"busy{i}", "sh", "-c", "while :; do nft add table ip other; "
                       "nft delete table ip other; done") for i in range(2)]
    try:
        for generation in range(1, 31):
            rules.put(*BOTH, generation=generation)
    finally:
        for process in busy:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_remove(rules, nodes):
    rules.put(*BOTH)
    rules.say("remove 1")
    assert rules.wait("removed")[:2] == ["1", "0"]
    assert nodes["host"].tables() == set()
    rules.say("remove 2")  # there is nothing: fine
    assert rules.wait("removed")[:2] == ["2", "0"]
    nodes["host"].nft("add table inet natd\ndelete table inet natd")
    rules.none("touched", 0.3)


def test_the_rules_stay_when_natd_goes(rules, nodes):
    rules.put(*BOTH)
    rules.end()
    wait_until(lambda: not pathlib.Path(f"/proc/{rules.pid}").exists(), what="the end of rules")
    assert "inet natd" in nodes["host"].tables()


# ---- what it does to packets ----

@pytest.mark.parametrize("address,expected", [(WEB, WAN), (WEB6, WAN6)])
def test_masquerade(rules, nodes, address, expected):
    rules.put(*BOTH)
    assert reach(nodes["alice"], nodes["web"], address) == expected


@pytest.mark.parametrize("address,network,fixed", [(WEB, "10.8.0.0/24", FIXED),
                                                   (WEB6, "fd42::/64", FIXED6)])
def test_snat_to_a_fixed_address(rules, nodes, address, network, fixed):
    rules.put("tunnel wg0 7", f"network wg0 {network} {fixed}")
    assert reach(nodes["alice"], nodes["web"], address) == fixed


def test_the_longest_prefix_decides(rules, nodes):
    """One client with masquerade inside a network with a fixed address, and the other way round."""
    rules.put("tunnel wg0 7", f"network wg0 10.8.0.0/24 {FIXED}", f"network wg0 {ALICE}/32 masquerade")
    assert reach(nodes["alice"], nodes["web"], WEB) == WAN
    rules.put("tunnel wg0 7", "network wg0 10.8.0.0/24 masquerade", f"network wg0 {ALICE}/32 {FIXED}",
              generation=2)
    assert reach(nodes["alice"], nodes["web"], WEB) == FIXED


def test_routed_clients_keep_their_address(rules, nodes):
    rules.put("tunnel wg0 7", "network wg0 10.8.0.0/24 none")
    assert reach(nodes["alice"], nodes["web"], WEB) == ALICE


def test_clients_without_their_address_stay_in(rules, nodes):
    rules.put(*BOTH, f"network wg0 {ALICE}/32 closed", f"network wg0 {ALICE6}/128 closed")
    assert reach(nodes["alice"], nodes["web"], WEB) is None
    assert reach(nodes["alice"], nodes["web"], WEB6) is None
    assert reach(nodes["alice"], nodes["bob"], BOB) == ALICE
    assert reach(nodes["bob"], nodes["web"], WEB) == WAN


def test_others_and_tunnels_are_not_translated(rules, nodes):
    rules.put(*BOTH)
    assert reach(nodes["alice"], nodes["bob"], BOB) == ALICE
    assert reach(nodes["nas"], nodes["web"], WEB) == NAS


@pytest.mark.parametrize("allowed", range(8))
def test_reach(rules, nodes, allowed):
    rules.put(f"tunnel wg0 {allowed}", "tunnel wg1 7", "network wg0 10.8.0.0/24 masquerade",
              "network wg0 fd42::/64 masquerade", "lan 192.168.77.0/24")
    alice = nodes["alice"]
    assert bool(reach(alice, nodes["web"], WEB)) == bool(allowed & INTERNET)
    assert bool(reach(alice, nodes["web"], WEB6)) == bool(allowed & INTERNET)
    assert bool(reach(alice, nodes["nas"], NAS)) == bool(allowed & LAN)
    assert bool(reach(alice, nodes["bob"], BOB)) == bool(allowed & CLIENTS)
    # The other way stays open: answers are no new connections.
    assert reach(nodes["bob"], alice, ALICE) == BOB


@pytest.mark.parametrize("allowed", range(8))
def test_clients_with_addresses_of_the_home_network(rules, nodes, allowed):
    """It is as large as that, or the clients have a part of it: they are where their tunnel is."""
    rules.put(f"tunnel wg0 {allowed}", "tunnel wg1 7", "network wg0 10.8.0.0/24 masquerade",
              "lan 192.168.77.0/24", "lan 10.0.0.0/8", "port 17 51820")
    alice = nodes["alice"]
    assert bool(reach(alice, nodes["web"], WEB)) == bool(allowed & INTERNET)
    assert bool(reach(alice, nodes["nas"], NAS)) == bool(allowed & LAN)
    assert bool(reach(alice, nodes["bob"], BOB)) == bool(allowed & CLIENTS)
    datagrams(alice, "192.168.77.1", 51820, 1)
    wait_until(lambda: rules.count()["port"][17, 51820][1] == 1, 5, "the datagram")
    assert rules.seen[17, 51820][0] == 0  # not from the home: through the tunnel


def mss_seen(client, server, address):
    """The MSS in the SYN that arrives at `server`, and in the SYN-ACK that arrives at `client`."""
    def capture(node):
        sniffer = node.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        sniffer.settimeout(5)
        return sniffer

    def take(sniffer, flags):
        while True:
            packet = sniffer.recv(2048)
            v6 = packet[0] >> 4 == 6
            protocol, start = (packet[6], 40) if v6 else (packet[9], (packet[0] & 15) * 4)
            if protocol != socket.IPPROTO_TCP or packet[start + 13] & 0x17 != flags:
                continue
            options = packet[start + 20:start + (packet[start + 12] >> 4) * 4]
            while options:
                if options[0] == 2:
                    return struct.unpack("!H", options[2:4])[0]
                options = options[1:] if options[0] == 1 else options[options[1]:]
            return None

    with capture(client) as at_client, capture(server) as at_server:
        at_client.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
        at_server.setsockopt(263, 23, 1)
        reach(client, server, address)
        return take(at_server, 0x02), take(at_client, 0x12)


@pytest.mark.parametrize("address,headers", [(WEB, 40), (WEB6, 60)])
def test_mss_is_clamped_in_both_directions(rules, nodes, address, headers):
    # Without it both ends announce what fits their own link; web has a route to the tunnel.
    assert mss_seen(nodes["alice"], nodes["web"], address) == (1500 - headers, 1500 - headers)
    rules.put(*BOTH)
    fits = TUNNEL_MTU - headers
    assert mss_seen(nodes["alice"], nodes["web"], address) == (fits, fits)


# ---- counters ----

def datagrams(client, address, port, count):
    with client.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(b"x", (address, port))


def test_counters(rules, nodes):
    rules.put(*BOTH)
    # Nobody listens, but no firewall drops: they arrive and are delivered.
    datagrams(nodes["web"], WAN, 51820, 3)
    datagrams(nodes["web"], WAN, 51821, 3)  # not one of our ports
    datagrams(nodes["alice"], WEB, 51820, 2)  # ours by number, but passing through
    with nodes["host"].socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.sendto(b"x", ("127.0.0.1", 51820))  # did not arrive from anywhere
    wait_until(lambda: rules.count()["port"] == {(17, 51820): (3, 3)}, 5, "three datagrams")
    counts = rules.count()
    assert counts["tunnel"] == {"wg0": (2, 2), "wg1": (0, 0)}  # out: two ICMP port unreachable
    assert counts["network"]["10.8.0.0/24"] == 1  # one connection
    assert counts["network"]["10.9.0.0/24"] == 0


def test_packets_from_outside_and_from_home_are_told_apart(rules, nodes):
    """Also when the last came, over a new set and a flush."""
    wireguard = 17, 51820
    rules.put(*BOTH)
    assert rules.count()["port"] == {wireguard: (0, 0)}
    assert rules.seen == {wireguard: (0, -1, -1)}
    datagrams(nodes["nas"], "192.168.77.1", 51820, 2)
    wait_until(lambda: rules.count()["port"] == {wireguard: (2, 2)}, 10, "two from home")
    lan, outside_ago, lan_ago = rules.seen[wireguard]
    assert (lan, outside_ago) == (2, -1) and lan_ago >= 0
    # What a client sends through its tunnel is neither.
    datagrams(nodes["alice"], "192.168.77.1", 51820, 1)
    started = time.monotonic()
    datagrams(nodes["web"], WAN, 51820, 1)
    wait_until(lambda: rules.count()["port"] == {wireguard: (3, 4)}, 10, "one from outside")
    assert rules.seen[wireguard][0] == 2
    listing = nodes["host"].run("nft", "list", "table", "inet", "natd").stdout
    nodes["host"].nft(f"flush ruleset\n{listing}")  # nft reads its own listing again
    rules.wait("touched")
    rules.put(*BOTH, "tunnel wg2 7", generation=2)
    nodes["host"].run("nft", "flush", "ruleset")
    rules.wait("touched")
    rules.count()
    since = (time.monotonic() - started) * 1000
    lan, outside_ago, lan_ago = rules.seen[wireguard]
    # Timeouts of the kernel are counted in its own ticks.
    assert lan == 2 and 0 <= outside_ago <= since + 100 and outside_ago <= lan_ago


def test_a_firewall_that_drops_shows_in_the_counters(rules, nodes):
    rules.put(*BOTH)
    nodes["host"].nft("add table inet wall\n"
                      "add chain inet wall in { type filter hook input priority 0; }\n"
                      "add rule inet wall in udp dport 51820 drop")
    datagrams(nodes["web"], WAN, 51820, 3)
    wait_until(lambda: rules.count()["port"] == {(17, 51820): (3, 0)}, 5, "three datagrams")


def test_counters_outlive_a_new_set_and_a_flush(rules, nodes):
    rules.put(*BOTH)
    assert reach(nodes["alice"], nodes["web"], WEB) == WAN
    datagrams(nodes["web"], WAN, 51820, 3)
    wait_until(lambda: rules.count()["port"] == {(17, 51820): (3, 3)}, 5, "three datagrams")
    before = rules.count()
    assert before["tunnel"]["wg0"][0] > 0 and before["network"]["10.8.0.0/24"] == 1
    rules.put(*BOTH, "tunnel wg2 7", generation=2)
    after = rules.count()
    assert after["tunnel"].pop("wg2") == (0, 0)
    assert after["spoofed"].pop("wg2") == 0
    assert after == before
    nodes["host"].run("nft", "flush", "ruleset")
    rules.wait("touched")
    now = rules.count()
    assert (now["port"], now["network"]) == (after["port"], after["network"])
    datagrams(nodes["web"], WAN, 51820, 1)
    wait_until(lambda: rules.count()["port"] == {(17, 51820): (4, 4)}, 5, "one more datagram")


def test_counters_before_any_set(rules):
    assert not any(rules.count().values())


# ---- what others do ----

def test_a_flush_is_repaired_and_said_by_whom(rules, nodes):
    host = nodes["host"]
    rules.put(*BOTH)
    before = host.ruleset()
    flush = host.start("flush", "nft", "flush", "ruleset")
    generation, pid, program, took_us, error = rules.wait("touched")
    assert (generation, program, error) == ("1", "nft", "0")
    # nsenter becomes nft: the same process. The kernel tells its number in the first namespace.
    assert int(pid) == flush.pid
    assert int(took_us) > 0
    assert host.ruleset() == before
    rules.none("touched", 0.5)  # its own repair is no touch


@pytest.mark.parametrize("change", ["delete table inet natd",
                                    "flush chain inet natd forwarding",
                                    'add element inet natd tunnels { "wg7" }',
                                    "add chain inet natd mine",
                                    "add rule inet natd forwarding drop"])
def test_every_change_to_it_is_undone(rules, nodes, change):
    host = nodes["host"]
    rules.put(*BOTH)
    before = host.ruleset()
    host.run("nft", change)
    rules.wait("touched")
    assert host.ruleset() == before


def test_other_tables_are_others(rules, nodes):
    rules.put(*BOTH)
    nodes["host"].nft("table inet other { set natd { type ifname; }; }\ntable ip natd { }")
    nodes["host"].nft("delete table inet other\ndelete table ip natd")
    rules.none("touched", 0.5)


def test_a_contest_is_slowed_down(rules, nodes):
    """Another program undoes each repair at once for two seconds."""
    host = nodes["host"]
    rules.put(*BOTH)
    before = host.ruleset()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        host.run("nft", "delete table inet natd", check=False)
    wait_until(lambda: host.run("nft", "list", "table", "inet", "natd", check=False).returncode == 0,
               10, "the last repair")
    repairs = 0
    with pytest.raises(LabError):
        while True:
            rules.wait("touched", 1)
            repairs += 1
    assert 3 <= repairs <= 10
    assert host.ruleset() == before


def test_events_that_were_lost(rules, nodes):
    """Stopped, rules cannot read events until its buffer has overrun; then it looks for itself."""
    host = nodes["host"]
    rules.put(*BOTH)
    before = host.ruleset()
    many = ", ".join(f"10.{a}.{b}.1" for a in range(256) for b in range(256))
    with rules.asleep():
        host.nft(f"add table inet big\nadd set inet big s {{ type ipv4_addr; }}\n"
                 f"add element inet big s {{ {many} }}\ndelete table inet natd")
        host.nft("delete table inet big")
    rules.wait("touched")
    assert host.ruleset() == before
    rules.none("touched", 0.5)


# ---- settings ----

def test_sysctls_are_read_before_they_are_written(rules, nodes):
    host = nodes["host"]
    assert rules.sysctl("ipv4/ip_forward", 0) == (1, 0)
    assert host.sysctl("ipv4/ip_forward") == "0"
    assert rules.sysctl("ipv4/ip_forward", 1) == (0, 0)
    assert rules.sysctl("ipv4/ip_forward", 1) == (1, 0)
    assert host.sysctl("ipv4/ip_forward") == "1"
    # Writing ip_forward anew would reset this one.
    host.sysctl("ipv4/conf/all/accept_redirects", 1)
    rules.sysctl("ipv4/ip_forward", 1)
    assert host.sysctl("ipv4/conf/all/accept_redirects") == "1"


@pytest.mark.parametrize("name,value", [("ipv4/conf/wg0/accept_redirects", 0),
                                        ("ipv4/conf/wg0/forwarding", 0),
                                        ("ipv6/conf/wan0/accept_ra", 2),
                                        ("ipv6/conf/wg1/forwarding", 0)])
def test_sysctls_of_an_interface(rules, nodes, name, value):
    before = int(nodes["host"].sysctl(name))
    assert before != value
    try:
        assert rules.sysctl(name, value) == (before, 0)
        assert nodes["host"].sysctl(name) == str(value)
        assert rules.sysctl(name, before) == (value, 0)
        assert nodes["host"].sysctl(name) == str(before)
    finally:
        nodes["host"].sysctl(name, before)


def test_a_sysctl_that_is_not_there(rules):
    assert rules.sysctl("ipv6/conf/wg9/forwarding", 1) == (-1, errno.ENOENT)


def test_no_wireguard_in_this_kernel(rules):
    rules.say("wireguard 5 wg0")
    assert rules.wait("wireguard") == ["5", "wg0", "0"]


# ---- what cannot be from our own build ----

@pytest.mark.parametrize("lines,why", [
    (["raw 200 1 0"], "a request of kind 200"),
    (["raw -1 1 0"], "a request of kind 4294967295"),
    (["raw 1 1 255"], "a tunnel that reaches 0xff"),
    (["begin 1", "tunnel 1 ../../etc 7"], 'an interface cannot be called "../../etc"'),
    (["begin 1", "tunnel 1 sixteen-letters. 7"], 'an interface cannot be called "sixteen-letters."'),
    (["begin 1", "network 1 wg0 10.8.0.1/24 none"], "a prefix of 24 bits with host bits set"),
    (["begin 1", "network 1 wg0 10.8.0.0/24 fd42::1"], "an egress address of family 10 "),
    (["begin 1", "lan 1 192.168.0.0/33"], "a prefix of 33 bits"),
    (["begin 1", "port 1 17 0"], "port 0"),
    (["begin 1", "port 1 1 80"], "a port of protocol 1"),
    (["begin 1", "publish 1 1 80 80 10.8.0.2 80 1"], "a publish of protocol 1"),
    (["begin 1", "publish 1 6 80 79 10.8.0.2 80 1"], "a publish of ports 80 to 79 as 80"),
    (["begin 1", "publish 1 6 80 90 10.8.0.2 65530 1"], "a publish of ports 80 to 90 as 65530"),
    (["begin 1", "publish 1 6 80 80 10.8.0.0/24 80 1"], "a client's address of 24 bits"),
    (["begin 1", "publish 1 6 80 80 10.8.0.2 80 2"], "a publish that keeps its source 2 times"),
    (["sysctl 1 kernel/core_pattern 1"], 'a setting "kernel/core_pattern"'),
    (["sysctl 1 ipv4/conf/../ip_forward 1"], 'a setting "ipv4/conf/../ip_forward"'),
    (["sysctl 1 ipv4/ip_forward 3"], "ipv4/ip_forward = 3"),
    (["wireguard 1 a/b"], 'an interface cannot be called "a/b"'),
    (["tunnel 1 wg0 7"], "request 1 of set 1, which was not begun"),
    (["commit 1"], "request 6 of set 1, which was not begun"),
    (["begin 1", "tunnel 2 wg0 7"], "request 1 of set 2 within set 1"),
    (["short 10"], "a message of 10 bytes"),
])
def test_bad_requests_end_the_process_and_change_nothing(rules, nodes, lines, why):
    rules.put("tunnel wg1 7", generation=9)
    before = nodes["host"].ruleset()
    rules.say(*lines)
    assert os.waitstatus_to_exitcode(int(rules.wait("gone")[0])) == 1
    assert f"{why}" in rules.log.read_text()
    assert "not from this build of natd" in rules.log.read_text().splitlines()[-1]
    assert nodes["host"].ruleset() == before
