# SPDX-License-Identifier: GPL-2.0-or-later
"""A home router (real miniupnpd) and a host behind it, each in a namespace of its own:

    host  192.168.77.2 --veth-- 192.168.77.1  router  11.0.0.2 (wan0)

and the real upnp process on the host, driven by lines (tests/helpers/upnp_driver.c)."""

import contextlib
import itertools
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from lab.process import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[2]
GATEWAY = "192.168.77.1"
HOST = "192.168.77.2"
WAN = "11.0.0.2"

_count = itertools.count()

FIREWALL = """
table inet filter {
    chain miniupnpd { }
    chain prerouting_miniupnpd { }
    chain postrouting_miniupnpd { }
    chain input {
        type filter hook input priority 0; policy accept;
        iifname "wan0" ct state new drop
    }
    chain forward { type filter hook forward priority 0; policy drop; jump miniupnpd; }
    chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
    chain postrouting {
        type nat hook postrouting priority 100;
        jump postrouting_miniupnpd
        oifname "wan0" masquerade
    }
}
"""

CONFIG = """
ext_ifname=wan0
listening_ip=lan0
http_port={http_port}
enable_natpmp={natpmp}

enable_upnp={upnp}
force_igd_desc_v1={v1}
lease_file={directory}/leases
min_lifetime=120
max_lifetime=86400
secure_mode=yes
system_uptime={uptime}
uuid=1bc32b33-440c-4c13-8e46-fca588330229
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
allow 1024-65535 192.168.77.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""

def run(*words, **options):
    done = subprocess.run(words, text=True, capture_output=True, **options)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout

def wait_for(condition, seconds=5, what="it"):
    """Polls until `condition` gives something true, and returns that."""
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")

class Lan:
    """The two namespaces and the wire between them."""

    def __init__(self):
        mark = f"{os.getpid() % 100000}-{next(_count)}"
        self.router = f"upnpr-{mark}"
        self.host = f"upnph-{mark}"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="upnp-router-"))
        self.daemon = None
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        for name in (self.router, self.host):
            run("ip", "netns", "add", name)
            self.ip(name, "link set lo up")
        self.ip(self.router, f"link add lan0 type veth peer name eth0 netns {self.host}")
        self.ip(self.router, "link add wan0 type veth peer name isp0")
        self.ip(self.router, f"addr add {GATEWAY}/24 dev lan0")
        self.ip(self.router, f"addr add {WAN}/24 dev wan0")
        self.ip(self.host, f"addr add {HOST}/24 dev eth0")
        for name, link in ((self.router, "lan0"), (self.router, "wan0"), (self.router, "isp0"), (self.host, "eth0")):
            self.ip(name, f"link set {link} up")
        self.ip(self.router, "route add default via 11.0.0.1")
        self.ip(self.host, f"route add default via {GATEWAY}")
        run("ip", "netns", "exec", self.router, "nft", "-f", "-", input=FIREWALL)

    def ip(self, name, words):
        run("ip", "-n", name, *words.split())

    def router_popen(self, *words, **options):
        return subprocess.Popen(["ip", "netns", "exec", self.router, *words], **options)

    def ruleset(self):
        """What the router's kernel does."""
        return run("ip", "netns", "exec", self.router, "nft", "list", "ruleset")

    def redirects(self):
        """The rules of the router's kernel that open a port; a later miniupnpd has a counter in each."""
        return [re.sub(r"counter packets \d+ bytes \d+ ", "", line.strip())
                for line in self.ruleset().splitlines() if "dnat" in line]

    def start(self, natpmp=True, upnp=True, v1=False, http_port=0, uptime=True):
        """Starts miniupnpd and waits until it listens. Its epoch is the machine's uptime, or its own."""
        yes = {True: "yes", False: "no"}
        path = self.directory / "miniupnpd.conf"
        path.write_text(CONFIG.format(natpmp=yes[natpmp], upnp=yes[upnp], v1=yes[v1],
                                      http_port=http_port, uptime=yes[uptime],
                                      directory=self.directory))
        log = open(self.directory / "miniupnpd.log", "a")
        self.daemon = self.router_popen("/usr/sbin/miniupnpd", "-d", "-f", str(path), "-P",
                                        str(self.directory / "pid"), stdout=log, stderr=log)
        ports = (["5351"] if natpmp else []) + (["1900"] if upnp else [])
        wait_for(lambda: all(f":{port} " in self._sockets() for port in ports), 5, "miniupnpd")

    def _sockets(self):
        assert self.daemon.poll() is None, (self.directory / "miniupnpd.log").read_text()
        return run("ip", "netns", "exec", self.router, "ss", "-Hlun")

    def start_rude(self, program="upnp_rude.py", **manners):
        """Starts the ill-mannered router of upnp_rude.py, or another of ours, in place of miniupnpd."""
        script = pathlib.Path(__file__).with_name(program)
        # A file, read when somebody asks: what the router said before it answered is in it then.
        with open(self.directory / "heard", "w", encoding="utf-8") as heard:
            self.daemon = self.router_popen("/usr/bin/python3", "-u", str(script),
                                            json.dumps(manners), stdin=subprocess.PIPE,
                                            stdout=heard, text=True)
        wait_for(lambda: self.hears("ready"), 10, "the rude router")

    def tell(self, **words):
        """Changes the rude router's manners, or has it do something (upnp_rude.py)."""
        before = len(self.hears("obeyed"))
        self.daemon.stdin.write(json.dumps(words) + "\n")
        self.daemon.stdin.flush()
        wait_for(lambda: len(self.hears("obeyed")) > before, 10, "the rude router to obey")

    @property
    def heard(self):
        """Everything that the rude router has heard, in order."""
        text = (self.directory / "heard").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def hears(self, what):
        """The requests of one kind that it has heard."""
        return [request for request in self.heard if request["what"] == what]

    def stop(self, how=signal.SIGTERM):
        if self.daemon:
            self.daemon.send_signal(how)
            self.daemon.wait(5)
            self.daemon = None

    def close(self):
        self.stop(signal.SIGKILL)
        for name in (self.router, self.host):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)

def build_driver():
    """The driver that make has built (NATD_BUILD), else one from the sources as they are."""
    if "NATD_BUILD" in os.environ:
        return ROOT / os.environ["NATD_BUILD"] / "tests/helpers/upnp_driver"
    build = ROOT / "build" / "upnp-driver"
    build.mkdir(parents=True, exist_ok=True)
    driver = build / "upnp_driver"
    sources = [*sorted(ROOT.glob("upnp/*.c")), ROOT / "tests/helpers/upnp_driver.c",
               *(ROOT / "natd" / name for name in ("log.c", "process.c", "sandbox.c"))]
    newest = max(path.stat().st_mtime for path in
                 [*sources, *ROOT.glob("upnp/*.h"), *ROOT.glob("natd/*.h")])
    if not driver.exists() or driver.stat().st_mtime < newest:
        run(os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", f"-I{ROOT}", "-O2", "-g",
            "-o", str(driver), *map(str, sources), "-lminiupnpc", "-lnatpmp", "-lseccomp", "-lcap")
    return driver

class Upnp:
    """The upnp process on the host, as uid nobody."""

    def __init__(self, lan, order=("pcp", "nat-pmp", "upnp"), use=True, check=0):
        self.lan = lan
        self.reports = []
        self.debug = []
        self._queue = queue.Queue()
        self.process = subprocess.Popen(["ip", "netns", "exec", lan.host, str(build_driver())],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read_reports, daemon=True).start()
        threading.Thread(target=self._read_debug, daemon=True).start()
        first = self._queue.get(timeout=10 * PATIENCE)
        assert first, f"the driver has ended with {self.process.wait(5)}: {self.debug}"
        self.pid = int(first.split()[1])
        if use:
            self.use(order, check=check)

    def _read_reports(self):
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def _read_debug(self):
        for line in self.process.stderr:
            self.debug.append(line.rstrip("\n"))

    def send(self, *lines):
        """Requests that go out together."""
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def use(self, order=("pcp", "nat-pmp", "upnp"), generation=1, check=0):
        self.send(f"use {GATEWAY} {HOST} eth0 24 {generation} {check} {' '.join(order)}")

    def said(self, what, seconds=8):
        """The first report that starts with `what`, whether it has come or not: the protocols
        answer in any order."""
        return next((line for line in self.reports if line.startswith(what)),
                    None) or self.next(what, seconds)

    def next(self, what, seconds=8):
        """The next report that starts with `what`, without its time and generation."""
        end = time.monotonic() + seconds * PATIENCE
        while True:
            try:
                line = self._queue.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no '{what}' in {seconds} s; reports: {self.reports}; "
                                     f"log: {self.debug}") from None
            assert line is not None, f"upnp has ended; log: {self.debug}"
            text = line if line.startswith("upnp ended") else line.split(" ", 2)[2]
            self.reports.append(text)
            if text.startswith(what):
                return text

    def heard(self, *starts):
        """All reports so far that start so; next() passes over them from now on."""
        with contextlib.suppress(queue.Empty):
            while line := self._queue.get_nowait():
                self.reports.append(line.split(" ", 2)[-1])
        return [line for line in self.reports if line.startswith(starts)]

    def quiet(self, what, seconds):
        """No report that starts with `what` comes for so long."""
        try:
            text = self.next(what, seconds)
        except AssertionError as error:
            assert "no '" in str(error), error
            return
        raise AssertionError(f"unexpected: {text}")

    def open(self, port=51820, name="wireguard", lifetime=7200, protocol="udp", number=1):
        """Asks for one mapping and waits for what comes of it."""
        self.send(f"map {number} {protocol} any {port} {port} {lifetime} {name}", "ask")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(8)
        finally:
            self.process.kill()
