# SPDX-License-Identifier: GPL-2.0-or-later
"""lab: the whole laboratory: a client, the internet, a web server, a home router, a VPN host.

    client 11.0.2.2 ---+                             +--- host  192.168.77.10
                       |                             |
                   internet --- 11.0.1.2 router 192.168.77.1
                       |                             |
    web 11.0.3.80 -----+                             +--- other 192.168.77.11

With a second router (Lab(outer=...)) the home router's WAN is the LAN of that one:

    internet --- 11.0.1.2 outer 192.168.0.1 --- 192.168.0.2 router 192.168.77.1 --- ...

Every machine is a network namespace natdlab-PID-NAME. Addresses of 11.0.0.0/8 and 2a11::/16 stand
for public ones: miniupnpd refuses to work behind a WAN address from a reserved range, and no packet
can leave the namespaces. The VPN is full-tunnel: the client's default route leads into it.
"""

import atexit
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile

from . import web
from .natd import Natd
from .node import NETNS, Node, end_namespace
from .process import wait_until
from .router import Router
from .vpn import OpenVPN, TUNNEL4, WireGuard

PREFIX = "natdlab"
WAN = "11.0.1.2"
CLIENT = "11.0.2.2"
WEB = "11.0.3.80"
WEB6 = "2a11:0:3::80"
BETWEEN = "192.168.0"  # the network between the home router and a second one
LAN = "192.168.77"
LAN6 = "2a11:0:77:"
GATEWAY = f"{LAN}.1"
HOST = f"{LAN}.10"
HOST6 = f"{LAN6}:10"
OTHER = f"{LAN}.11"
EGRESS = "11.0.4.9"  # a second address of the host, as some providers sell it
LEASE_SECONDS = 86400  # of the host's address, as from DHCP


class Lab:
    """The laboratory. Use it with `with`: whatever happens inside, nothing of it is left behind.

        with Lab(router="everything") as lab:
            lab.natd().wait_status("OK")
            lab.tunnel_up()
            assert lab.fetch_through_tunnel() == lab.wan
    """

    open = []       # every laboratory of this process that is not closed yet
    last_logs = {}  # of the laboratory that was left last because of an error

    def __init__(self, router="everything", vpn="wireguard", start_vpn=True, online=True,
                 outer=None, between=BETWEEN, ext_ip=None):
        """router: a name of router.VARIANTS. vpn: "wireguard", "tun" or "tap"; start_vpn: its
        server runs from the beginning. online: the host has its address and route already.
        outer: a name of router.VARIANTS as well, of a second router before the home router, with
        the network `between` the two. ext_ip: the WAN address that the home router claims."""
        remove_leftovers()
        self.wan = WAN
        self._natds = {}
        self._servers = []
        # Usually one at a time: natdlab-PID-host. Those beside it: natdlab-PID.1-host.
        self.name = f"{PREFIX}-{os.getpid()}" + (f".{len(Lab.open)}" if Lab.open else "")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self.folder.chmod(0o755)  # natd looks in as nobody
        self._nodes = {}
        Lab.open.append(self)
        _close_at_end()
        try:
            self._build(router, vpn, start_vpn, online, outer, between, ext_ip)
        except BaseException:
            self.close()
            raise

    def _build(self, router, vpn, start_vpn, online, outer, between, ext_ip):
        for name in ("internet", "web", "client", "router", "host", "other",
                     *(("outer",) if outer else ())):
            self._nodes[name] = Node(name, f"{self.name}-{name}", self.folder / name)
        for node in self._nodes.values():
            node.wait_ready()
            # No waiting for duplicate addresses, which are not there; before there are interfaces.
            node.sysctl("ipv6/conf/default/accept_dad", 0)
            node.sysctl("ipv6/conf/all/accept_dad", 0)
        self.internet = self._nodes["internet"]
        self.web_node = self._nodes["web"]
        self.client = self._nodes["client"]
        self.host = self._nodes["host"]
        self.other = self._nodes["other"]
        self.router = Router(self._nodes["router"], GATEWAY, ext_ip)
        self._cables("outer" if outer else "router")
        self._addresses(between if outer else None)
        self.outer = None
        if outer:
            self.outer = Router(self._nodes["outer"], f"{between}.1")
            self.outer.start(outer)
        if online:
            self.host_online()
        self.router.start(router)
        self.serve(self.web_node)
        self.vpn = (WireGuard(self.host, self.client) if vpn == "wireguard"
                    else OpenVPN(self.host, self.client, vpn))
        if start_vpn:
            self.vpn.server_up()

    # ---- wiring ----

    def _cables(self, first):
        """`first`: the router on the internet."""
        if first == "outer":
            self._nodes["outer"].ip("link add lan type veth peer name wan netns "
                                    + self._nodes["router"].namespace)
        for here, name, there, peer in (("internet", "home", first, "wan"),
                                        ("internet", "mobile", "client", "eth0"),
                                        ("internet", "hosting", "web", "eth0"),
                                        ("router", "port1", "host", "eth0"),
                                        ("router", "port2", "other", "eth0")):
            self._nodes[here].ip(f"link add {name} type veth peer name {peer} "
                                 f"netns {self._nodes[there].namespace}")
        self._nodes["router"].ip("link add lan type bridge forward_delay 0 "
                                 "mcast_snooping 0",
                                 "link set port1 master lan", "link set port2 master lan",
                                 "link set port1 up", "link set port2 up")

    def _addresses(self, between):
        for name in ("internet", "router", *(("outer",) if between else ())):
            self._nodes[name].sysctl("ipv4/ip_forward", 1)
            self._nodes[name].sysctl("ipv6/conf/all/forwarding", 1)
        give = {
            "internet": (("home", "11.0.1.1", "2a11:0:1::1"), ("mobile", "11.0.2.1", "2a11:0:2::1"),
                         ("hosting", "11.0.3.1", "2a11:0:3::1")),
            "router": (("wan", WAN, "2a11:0:1::2"), ("lan", GATEWAY, f"{LAN6}:1")),
            "client": (("eth0", CLIENT, "2a11:0:2::2"),),
            "web": (("eth0", WEB, WEB6),),
            "other": (("eth0", OTHER, f"{LAN6}:11"),),
        }
        if between:
            give["outer"] = (("wan", WAN, "2a11:0:1::2"), ("lan", f"{between}.1", "2a11:0:78::1"))
            give["router"] = (("wan", f"{between}.2", "2a11:0:78::2"), give["router"][1])
        for name, interfaces in give.items():
            for interface, v4, v6 in interfaces:
                self._nodes[name].ip(f"addr add {v4}/24 dev {interface}",
                                     f"link set {interface} up",
                                     f"addr add {v6}/64 dev {interface} nodad")
        for name, v4, v6 in (("client", "11.0.2.1", "2a11:0:2::1"),
                             ("web", "11.0.3.1", "2a11:0:3::1"),
                             ("router", f"{between}.1", "2a11:0:78::1") if between
                             else ("router", "11.0.1.1", "2a11:0:1::1"),
                             *((("outer", "11.0.1.1", "2a11:0:1::1"),) if between else ()),
                             ("other", GATEWAY, f"{LAN6}:1")):
            self._nodes[name].ip(f"route add default via {v4}", f"route add ::/0 via {v6}")
        self.internet.ip("route add 2a11:0:77::/64 via 2a11:0:1::2")
        if between:
            self._nodes["outer"].ip("route add 2a11:0:77::/64 via 2a11:0:78::2")

    def host_online(self, address=HOST):
        """The host gets its address, with a lifetime as from DHCP, and its default route."""
        self.host.ip("link set eth0 up",
                     f"addr add {address}/24 dev eth0 valid_lft {LEASE_SECONDS} "
                     f"preferred_lft {LEASE_SECONDS}",
                     f"addr add {HOST6}/64 dev eth0 nodad",
                     f"route add default via {GATEWAY} dev eth0",
                     f"route add ::/0 via {LAN6}:1 dev eth0")

    def give_egress_address(self):
        """The host gets a second, public address, which the router does not translate."""
        self.internet.ip(f"route add {EGRESS}/32 via {WAN}")
        self._nodes["router"].ip(f"route add {EGRESS}/32 via {HOST}")
        self.host.ip(f"addr add {EGRESS}/32 dev eth0")

    # ---- natd ----

    def natd(self, config=None, on=None, **options):
        """natd on the host (or another node), started; with `config` as its configuration."""
        return self.natd_on(on).start(config, **options)

    def natd_on(self, node=None):
        """natd's files on a node, whether it runs or not."""
        node = node or self.host
        if node.name not in self._natds:
            self._natds[node.name] = Natd(node)
        return self._natds[node.name]

    def snapshot(self):
        """What natd may change and has to put back: the router's mappings, the host's firewall and
        its network settings."""
        return {"router": self.router.redirects(), "rules": self.host.ruleset(),
                "settings": self.host.sysctls()}

    # ---- what people do ----

    def tunnel_up(self, timeout=10):
        """The client outside dials home and sends everything into the tunnel. LabError where the
        tunnel does not come to life."""
        self.dial()
        wait_until(lambda: self.reached_home() and self.vpn.handshakes(), timeout, "the tunnel")

    def dial(self):
        """The client outside starts its VPN, whether it gets through or not."""
        self.client.ip(f"route replace {WAN}/32 via 11.0.2.1")
        self.vpn.client_up(WAN)

    def reached_home(self):
        """Does a packet come back from the other end of the tunnel? Nobody listens on the discard
        port there, and "connection refused" is an answer as well."""
        try:
            with self.client.socket(socket.AF_INET, socket.SOCK_STREAM) as visitor:
                visitor.settimeout(1)
                visitor.connect((f"{TUNNEL4}.1", 9))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return True

    def fetch_through_tunnel(self, ipv6=False, timeout=5, size=0):
        """The address with which a client in the tunnel appears on the internet. It has arrived: a natd
        that says that nothing works is wrong, in any test."""
        seen = self.fetch(self.client, WEB6 if ipv6 else WEB, timeout=timeout, size=size)
        if not ipv6:
            self._no_false_alarm()
        return seen

    def _no_false_alarm(self):
        """The client calls an address, so a stale name (E30) is no false alarm."""
        natd = self._natds.get(self.host.name)
        if not natd or not natd.process or not natd.process.running:
            return

        def right():
            verdict = natd.status().get("verdict", {})
            return verdict.get("works") != "no" or verdict["code"] == "E30"

        wait_until(right, 10, "natd to say that it works: a client in the tunnel got through")

    @staticmethod
    def fetch(node, address, **options):
        """The address with which `node` appears to the web server at `address`."""
        return web.fetch(node, address, **options)

    def serve(self, node):
        """A web server on one more machine."""
        self._servers.append(web.serve(node))

    # ---- the end ----

    def logs(self):
        """{"host/natd": text, ...} of every program that ran."""
        return {f"{path.parent.name}/{path.stem}": path.read_text(errors="replace")
                for path in sorted(self.folder.glob("*/*.log"))}

    def close(self):
        if self not in Lab.open:
            return
        Lab.open.remove(self)
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for node in self._nodes.values():
            node.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        if error:
            Lab.last_logs = self.logs()
        self.close()


def remove_leftovers():
    """Removes what a run that was killed could not remove itself."""
    if not os.path.isdir(NETNS):
        return
    for namespace in os.listdir(NETNS):
        owner = re.fullmatch(PREFIX + r"-(\d+)[.\d]*-\w+", namespace)
        if owner and not os.path.exists(f"/proc/{owner[1]}"):
            end_namespace(namespace)
    for folder in pathlib.Path(tempfile.gettempdir()).glob(f"{PREFIX}-*"):
        owner = re.match(PREFIX + r"-(\d+)[.\d]*-", folder.name)
        if owner and not os.path.exists(f"/proc/{owner[1]}"):
            shutil.rmtree(folder, ignore_errors=True)


def _close_all():
    for lab in list(Lab.open):
        lab.close()


def _close_at_end():
    """Ctrl-C unwinds `with` by itself; SIGTERM and SIGHUP shall as well."""
    atexit.unregister(_close_all)
    atexit.register(_close_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda received, _: sys.exit(128 + received))
