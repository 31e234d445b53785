# SPDX-License-Identifier: GPL-2.0-or-later
"""router: what happens to the home router, and to a second one before it."""

import contextlib
import json
import signal
import sys
import time

from lab import GATEWAY, HOST, OTHER, ROOT, WAN, LabError
from lab.router import VARIANTS

from .daemon import NEW

OTHER_WAN = "11.0.1.77"
GOOD = ("everything", "igd2", "igd1", "pcp", "everything6", "upnp6", "pcp6")
for name in GOOD:  # renewals within a round
    VARIANTS[name] = {**VARIANTS[name], "min_lifetime": "20"}


class Routers:
    """What Disorder (tests/chaos) does to them; `variant` and `outer_variant`: as they are when all is well."""

    def router_restarted(self, chance):
        with self.router_lock:
            self.end_rude()
            self.lab.router.denied = (HOST, NEW) if chance.random() < 0.1 else ()
            self.lab.router.leases = ((f"UDP:51820:{OTHER}:51820:0:console",)
                                      if chance.random() < 0.1 else ())
            time.sleep(chance.choice((0, 0, 1)))
            self.lab.router.restart(chance.choice((*GOOD, "nothing", "silent")))

    def router_killed(self, chance):
        with self.router_lock:
            if self.lab.router.miniupnpd:
                self.lab.router.miniupnpd.kill()
            if chance.random() < 0.5:
                self.lab.router.node.run("conntrack", "-F", check=False)

    def router_hung(self, chance):
        process = self.lab.router.miniupnpd
        if process:
            process.signal(signal.SIGSTOP)
            time.sleep(chance.uniform(0.2, 7))
            process.signal(signal.SIGCONT)

    def mappings_deleted(self, chance):
        """By another program of this host, as the router understands it."""
        if chance.random() < 0.5:
            self.lab.host.run("upnpc", "-d", 51820, "UDP", check=False)
        else:
            self.lab.host.run("natpmpc", "-g", GATEWAY, "-a", 51820, 51820, "udp", 0, check=False)

    def outer_restarted(self, chance):
        if self.lab.outer:
            self.outer_variant = chance.choice(("everything", "igd2", "pcp"))
            self.lab.outer.restart(chance.choice((self.outer_variant, self.outer_variant, "nothing")))

    def outer_hung(self, chance):
        process = self.lab.outer and self.lab.outer.miniupnpd
        if process:
            process.signal(signal.SIGSTOP)
            time.sleep(chance.uniform(0.2, 7))
            process.signal(signal.SIGCONT)

    def wan_changed(self, chance):
        if self.lab.outer:
            return
        with self.router_lock:
            self.set_wan(chance.choice((OTHER_WAN, OTHER_WAN, "100.64.7.2", "192.168.0.2")))
            if chance.random() < 0.5:
                self.lab.router.restart()

    def set_wan(self, address):
        peer = address.rsplit(".", 1)[0] + ".1"
        if peer != "11.0.1.1":
            with contextlib.suppress(LabError):
                self.lab.internet.ip(f"addr add {peer}/24 dev home")
        self.lab.router.node.ip("addr flush dev wan scope global", f"addr add {address}/24 dev wan",
                                f"route replace default via {peer}")

    def router_rude(self, chance):
        manners = {
            "lan": "lan", "location": f"http://{GATEWAY}:5000/desc.xml", "wan": WAN,
            "pcp": chance.choice(("silent", "ok", "garbage", "short", "closed", {"result": 2},
                                  {"result": 8}, {"late_ms": 1500}, {"lifetime": 3}, "other-version")),
            "natpmp": chance.choice(("silent", "ok", "garbage", "short", {"result": 3}, {"late_ms": 900})),
            "soap": chance.choice(("ok", "html", "liar")),
            "slow": chance.choice((0, 0, 2)),
            "events": chance.choice((404, "ok", "silent", "mute", 500)),
            "faults": chance.choice(({}, {}, {"AddPortMapping": 718}, {"AddPortMapping": 725},
                                     {"DeletePortMapping": 606}, {"GetExternalIPAddress": 501})),
            "chunked": chance.random() < 0.3, "crash": chance.random() < 0.1,
            "search": chance.choice((None, "notify", "multicast")),
        }
        with self.router_lock:
            self.end_rude()
            if self.lab.router.miniupnpd:
                self.lab.router.miniupnpd.kill()
            self.lab.router.start("nothing")
            self.rude = self.lab.router.node.start("rude", sys.executable,
                                                   ROOT / "tests/system/upnp_rude.py", json.dumps(manners))
            with contextlib.suppress(LabError):
                self.rude.wait_log("ready", 3)

    def end_rude(self):
        if self.rude:
            self.rude.kill()
            self.rude = None

    def another_router(self, chance):
        """The same address, another MAC."""
        with self.router_lock:
            self.lab.router.node.ip(f"link set lan address 02:00:00:00:00:{chance.randrange(1, 255):02x}")
            self.lab.host.run("ip", "neigh", "flush", "dev", "eth0", check=False)  # a new box tells its own
            if chance.random() < 0.7:
                self.lab.router.restart()

    def calm_router(self):
        router, outer = self.lab.router, self.lab.outer
        self.end_rude()
        if outer:
            if not outer.miniupnpd or not outer.miniupnpd.running:
                outer.restart(self.outer_variant)
            outer.miniupnpd.signal(signal.SIGCONT)
        if not outer and WAN not in router.node.ip("addr show dev wan"):
            self.set_wan(WAN)
            for peer in ("100.64.7.1", "192.168.0.1"):
                with contextlib.suppress(LabError):
                    self.lab.internet.ip(f"addr del {peer}/24 dev home")
            if router.miniupnpd and router.miniupnpd.running:
                router.miniupnpd.signal(signal.SIGCONT)
                router.restart()
        if (router.denied or router.leases or router.variant not in GOOD or not router.miniupnpd
                or not router.miniupnpd.running):
            router.denied = router.leases = ()
            router.restart(self.variant)
        router.miniupnpd.signal(signal.SIGCONT)
