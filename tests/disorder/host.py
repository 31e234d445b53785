# SPDX-License-Identifier: GPL-2.0-or-later
"""host: what happens to the network, the tunnel and the rules of natd's host."""

import contextlib
import re
import socket
import time

from lab import GATEWAY, HOST, HOST6, LAN, LAN6, WAN, LabError

from .daemon import NEW, SECOND


class Host:
    """What Disorder (tests/chaos) does to it."""

    # ---- the host's network ----

    def cable(self, chance):
        with self.link_lock:
            node, name = chance.choice(((self.lab.router.node, "port1"), (self.lab.host, "eth0")))
            node.ip(f"link set {name} down")
            time.sleep(chance.uniform(0, 3))
            node.ip(f"link set {name} up")
            if node is self.lab.host and chance.random() < 0.7:
                node.ip(f"route replace default via {GATEWAY} dev eth0")

    def address_changed(self, chance):
        with self.link_lock:
            now, then = chance.sample((HOST, NEW), 2)
            steps = [f"addr add {then}/24 dev eth0", f"addr del {now}/24 dev eth0"]
            if chance.random() < 0.4:
                steps.reverse()
            for step in (*steps, f"route replace default via {GATEWAY} dev eth0"):
                with contextlib.suppress(LabError):
                    self.lab.host.ip(step)
                time.sleep(chance.choice((0, 0, 0.3)))

    def second_address(self, chance):
        self.lab.host.ip(f"addr replace {SECOND}/24 dev eth0")
        time.sleep(chance.uniform(0, 2))
        self.lab.host.ip(f"addr del {SECOND}/24 dev eth0")

    def route_removed(self, chance):
        with self.link_lock:
            self.lab.host.ip("route del default")
            time.sleep(chance.uniform(0, 3))
            self.lab.host.ip(f"route replace default via {GATEWAY} dev eth0")

    def route_metric(self, chance):
        with self.link_lock:
            self.lab.host.ip(f"route replace default via {GATEWAY} dev eth0 metric 50 src {HOST}",
                             "route del default metric 0")
            time.sleep(chance.uniform(0, 2))
            self.lab.host.ip(f"route replace default via {GATEWAY} dev eth0",
                             "route del default metric 50")

    def second_uplink(self, chance):
        """A cable beside the Wi-Fi, for a while."""
        with self.link_lock:
            self.lab.router.node.ip(f"link add port9 type veth peer name eth9 netns {self.lab.host.namespace}",
                                    "link set port9 master lan", "link set port9 up")
            self.lab.host.ip(f"addr add {LAN}.66/24 dev eth9", "link set eth9 up",
                             f"route add default via {GATEWAY} dev eth9 metric {chance.choice((0, 100))}"
                             if chance.random() < 0.3 else
                             f"route add default via {GATEWAY} dev eth9 metric 100")
            if chance.random() < 0.6:
                self.lab.host.ip("route del default metric 0 dev eth0")
            time.sleep(chance.uniform(0, 5))
            self.lab.host.ip("link del eth9")
            self.lab.host.ip(f"route replace default via {GATEWAY} dev eth0")

    def renamed(self, chance):
        with self.link_lock:
            self.lab.host.ip("link set eth0 down", "link set eth0 name lan7", "link set lan7 up",
                             f"route replace default via {GATEWAY} dev lan7")
            time.sleep(chance.uniform(0, 3))
            self.lab.host.ip("link set lan7 down", "link set lan7 name eth0", "link set eth0 up",
                             f"route replace default via {GATEWAY} dev eth0")

    def ipv6_changed(self, chance):
        self.lab.host.ip(f"addr del {HOST6}/64 dev eth0")
        time.sleep(chance.uniform(0, 2))
        self.lab.host.ip(f"addr add {HOST6}/64 dev eth0 nodad",
                         f"route replace ::/0 via {LAN6}:1 dev eth0")

    # ---- the tunnel ----

    def tunnel_down(self, chance):
        with self.tunnel_lock:
            self.lab.host.ip("link set wg0 down")
            time.sleep(chance.uniform(0, 2))
            self.lab.host.ip("link set wg0 up")

    def tunnel_anew(self, chance):
        with self.tunnel_lock:
            self.lab.host.ip("link del wg0")
            time.sleep(chance.uniform(0, 3))
            self.make_tunnel()

    def make_tunnel(self):
        if "wg0" not in self.lab.host.interfaces():
            self.lab.host.run("rm", "-f", "/run/wireguard/wg0.sock")
            self.lab.vpn.server_up()

    def tunnel_renamed(self, chance):
        with self.tunnel_lock:
            self.lab.host.ip("link set wg0 down", "link set wg0 name wg7", "link set wg7 up")
            time.sleep(chance.uniform(0, 3))
            self.lab.host.ip("link set wg7 down", "link set wg7 name wg0", "link set wg0 up")

    def tunnel_network(self, chance):
        with self.tunnel_lock:
            self.lab.host.ip("addr del 10.8.0.1/24 dev wg0", "addr add 10.9.0.1/24 dev wg0")
            time.sleep(chance.uniform(0, 3))
            self.lab.host.ip("addr del 10.9.0.1/24 dev wg0", "addr add 10.8.0.1/24 dev wg0")

    def tunnel_port(self, chance):
        with self.tunnel_lock:
            self.lab.host.run("wg", "set", "wg0", "listen-port", 51827)
            time.sleep(chance.uniform(0, 3))
            self.lab.host.run("wg", "set", "wg0", "listen-port", 51820)

    def other_tunnels(self, chance):
        kind = chance.choice(("tun", "tap"))
        name = f"{kind}{chance.randrange(3)}"
        self.lab.host.ip(f"tuntap add dev {name} mode {kind}",
                         f"addr add 10.{chance.randrange(70, 73)}.0.1/24 dev {name}", f"link set {name} up")
        time.sleep(chance.choice((0, 0.1, 2)))
        if chance.random() < 0.3:
            self.lab.host.ip(f"link set {name} down", f"link set {name} name {kind}9")
            name = f"{kind}9"
        time.sleep(chance.choice((0, 1)))
        self.lab.host.ip(f"link del {name}")

    # ---- the kernel's rules ----

    def nft(self, *command):
        self.lab.host.run("nft", *command, check=False)

    def flushed(self, chance):
        self.nft(*chance.choice((("flush", "ruleset"), ("delete", "table", "inet", "natd"),
                                 ("flush", "table", "inet", "natd"),
                                 ("delete", "table", "inet", "natd-guard"))))

    def flushed_often(self, chance):
        for _ in range(chance.randrange(2, 20)):
            self.flushed(chance)
            time.sleep(chance.choice((0, 0.05, 0.3)))

    def rule_deleted(self, chance):
        rules = [(one["rule"]["family"], one["rule"]["table"], one["rule"]["chain"], one["rule"]["handle"])
                 for one in self.lab.host.ruleset_json() if "rule" in one
                 and one["rule"]["table"].startswith("natd")]
        if rules:
            family, table, chain, handle = chance.choice(rules)
            self.nft("delete", "rule", family, table, chain, "handle", handle)

    def foreign_rules(self, chance):
        text = chance.choice((
            "table inet mine { chain forward { type filter hook forward priority 0; policy drop; }; }",
            "table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }",
            "table inet mine { chain input { type filter hook input priority 0; policy drop; }; }",
            "table ip mine { chain post { type nat hook postrouting priority 90; masquerade; }; }",
            "table ip filter { chain DOCKER-USER { }; chain FORWARD { type filter hook forward priority 0; "
            "policy drop; jump DOCKER-USER; }; }"))
        self.lab.host.nft(text)
        time.sleep(chance.uniform(0, 4))
        if chance.random() < 0.3:
            self.nft("flush", "table", "ip", "filter")
            time.sleep(chance.uniform(0, 1))
        self.no_foreign_rules()

    def no_foreign_rules(self):
        for table in self.lab.host.tables():
            if not table.startswith("inet natd"):
                self.nft("delete", "table", *table.split())

    def switches(self, chance):
        self.lab.host.sysctl(chance.choice(("ipv4/ip_forward", "ipv6/conf/all/forwarding")), 0)

    # ---- strangers on the wire ----

    def garbage(self, chance):
        listing = self.lab.host.run("ss", "-Hlun", check=False).stdout
        ports = {1900, 5350, 5351, 51820} | {int(port) for port in re.findall(r":(\d+)\s", listing)}
        seeds = (b"", b"\x02\x80\x00\x00", b"\x00\x80\x00\x00\x00\x00\x00\x01" + b"\x0b\x00\x01\x02",
                 b"\x02\x81\x00\x00\x00\x00\x00\x78\x00\x00\x00\x01" + bytes(48),
                 b"NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nLOCATION: http://192.168.77.1:1/x\r\n\r\n",
                 b"HTTP/1.1 200 OK\r\nLOCATION: http://192.168.77.11:80/\r\nST: upnp:rootdevice\r\n\r\n")
        targets = (HOST, HOST, NEW, "224.0.0.1", "239.255.255.250")
        for node in (self.lab.other, self.lab.router.node):
            with node.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for port in sorted(ports) * chance.randrange(1, 5):
                    data = chance.choice(seeds) + chance.randbytes(chance.choice((0, 0, 4, 60, 1000)))
                    with contextlib.suppress(OSError):
                        sender.sendto(data, (chance.choice(targets), port))
        listing = self.lab.host.run("ss", "-Hltn", check=False).stdout
        for port in {int(port) for port in re.findall(r":(\d+)\s", listing)}:
            with contextlib.suppress(OSError), self.lab.router.node.socket() as caller:
                caller.settimeout(0.5)
                caller.connect((HOST, port))
                caller.send(chance.choice((b"NOTIFY / HTTP/1.1\r\n", b"\0" * 5000, b"GET / HTTP/1.0\r\n\r\n")))

    # ---- quiet again ----

    def calm_network(self):
        host = self.lab.host
        self.lab.router.node.ip("link set port1 up")
        interfaces = host.interfaces()
        if "eth9" in interfaces:
            host.ip("link del eth9")
        if "lan7" in interfaces:
            host.ip("link set lan7 down", "link set lan7 name eth0")
        host.ip("link set eth0 up")
        for address in (NEW, SECOND):
            with contextlib.suppress(LabError):
                host.ip(f"addr del {address}/24 dev eth0")
        host.ip(f"addr replace {HOST}/24 dev eth0 valid_lft 86400 preferred_lft 86400")
        lines = host.ip("route show default").splitlines()
        if [line.split() for line in lines] != [f"default via {GATEWAY} dev eth0".split()]:
            for _ in lines:
                host.ip("route del default")
            host.ip(f"route add default via {GATEWAY} dev eth0")
        host.ip(f"addr replace {HOST6}/64 dev eth0 nodad", f"route replace ::/0 via {LAN6}:1 dev eth0")

    def calm_tunnel(self):
        host, interfaces = self.lab.host, self.lab.host.interfaces()
        for name in interfaces:
            if name.startswith(("tun", "tap")):
                host.ip(f"link del {name}")
        if "wg7" in interfaces:
            host.ip("link set wg7 down", "link set wg7 name wg0")
        self.make_tunnel()
        host.ip("addr replace 10.8.0.1/24 dev wg0", "addr replace fd42::1/64 dev wg0 nodad", "link set wg0 up")
        with contextlib.suppress(LabError):
            host.ip("addr del 10.9.0.1/24 dev wg0")
        host.run("wg", "set", "wg0", "listen-port", 51820)
        # What came from elsewhere meanwhile has made the client's WireGuard believe in that.
        self.lab.client.run("wg", "set", "wg0", "peer", self.lab.vpn.keys[host][1],
                            "endpoint", f"{WAN}:51820")
