# SPDX-License-Identifier: GPL-2.0-or-later
"""right: what must be so when all is quiet again, by itself."""

import contextlib
import difflib
import itertools
import json
import os
import re
import socket
import time

from lab import BETWEEN, BUILD, HOST, HOST6, WAN, WEB, LabError, Redirect, proc_status, wait_until

from .daemon import Violation

SETTLE_SECONDS = 75  # accepts in a contest, E44 and the like last a minute
LEASE_SECONDS = 40   # what a former address of ours holds is gone by then
REST_SECONDS = 3
SANITIZED = "sanitized" in str(BUILD)  # slow, and it frees late
CPU_SECONDS = 0.6 if SANITIZED else 0.3
FORWARDS = {("udp", 51820)}
FORWARDS_WEB = FORWARDS | {("tcp", 8443)}
SWITCHES = (("ipv4/ip_forward",), ("ipv4/conf/wg0/forwarding",),  # one of each at least
            ("ipv6/conf/all/forwarding", "ipv6/conf/wg0/force_forwarding"),
            ("ipv6/conf/all/forwarding", "ipv6/conf/eth0/force_forwarding"))
BAD_LINES = re.compile(r"the sandbox refused|Sanitizer|runtime error:|makes no sense|core dumped")


class Watched:
    """What is compared from round to round."""

    def __init__(self):
        self.fresh = {}  # the ruleset of a natd that was just started, by its configuration
        self.sizes = {}  # {pid: (descriptors, KiB)} of a process when it was first looked at


def check(disorder, watched, offset):
    """Violation where anything is wrong; offset: where this round begins in natd's log."""
    took, status = wait_well(disorder)
    disorder.say(f"   well after {took:.1f} s, by {[one['via'] for one in status['forwards']]}")
    tables_right(disorder)
    for one in status["forwards"]:
        if one["temporary"]:
            disorder.ctl("close", f"{one['port']}/{one['protocol']}")
    tables_right(disorder)
    pinholes_right(disorder)
    client_gets_out(disorder)
    rules_right(disorder, watched)
    rests(disorder)
    stays_small(disorder, watched)
    found = [line for line in disorder.natd.log[offset:].splitlines() if BAD_LINES.search(line)]
    if found:
        raise Violation("the log says\n" + "\n".join(found[:5]))


# ---- what natd says ----

def is_well(disorder, status, waited):
    wanted = [one for one in status["forwards"] if not one["temporary"]]
    if disorder.lab.outer:
        wanted += [one["upstream"] or {"state": "not asked"} for one in wanted]
    return (status["verdict"]["code"] in (("OK", "E12") if waited > LEASE_SECONDS else ("OK",))
            and status["rules"]["in_sync"] and all(one["state"] == "open" for one in wanted))


def wait_well(disorder):
    """Nobody asks often, for natd also does what is due when it is asked. Returns how long it took and
    the status."""
    start, last = time.monotonic(), None
    for wait in itertools.chain((1, 1, 1, 2, 3, 5), itertools.repeat(7)):
        time.sleep(wait)
        waited = time.monotonic() - start
        if not disorder.natd.process.running:
            raise Violation(f"natd ended with {disorder.natd.process.wait()}")
        if disorder.natd.ctl("-j", "status").returncode != 3:
            last = disorder.natd.status()
            if is_well(disorder, last, waited):
                return waited, last
        if waited > SETTLE_SECONDS:
            raise Violation(f"not well after {waited:.0f} s: {json.dumps(last, indent=1)}")


# ---- the routers ----

def forwards_of(disorder):
    return FORWARDS_WEB if "web" in disorder.base else FORWARDS


def held(disorder):
    """The mappings of both routers."""
    outer = disorder.lab.outer
    return disorder.lab.router.redirects() | (outer.redirects() if outer else set())


def wanted_of(disorder):
    """What natd.conf says, and what natctl opened, on the external ports that natd says it has."""
    forwards = disorder.natd.status()["forwards"]
    listed = {(one["protocol"], one["port"]) for one in forwards if not one["temporary"]}
    if listed != forwards_of(disorder):
        raise Violation(f"natd.conf wants {forwards_of(disorder)}, and natd {listed}")
    wanted = set()
    for one in forwards:
        external = one["external_port"]
        if one["state"] == "open" and one["upstream"]:
            inner = one["upstream"]["port"]
            wanted.add(Redirect(one["protocol"], external, f"{BETWEEN}.2", inner))
            external = inner
        if one["state"] == "open":
            wanted.add(Redirect(one["protocol"], external, HOST, one["port"]))
    return wanted


def tables_right(disorder):
    with contextlib.suppress(LabError):  # what was removed without a word is missed at the renewal
        wait_until(lambda: held(disorder) == wanted_of(disorder), 5, "the router's table", every=0.5)
    found, wanted = held(disorder), wanted_of(disorder)
    left = {one for one in found - wanted if one.address in (HOST, f"{BETWEEN}.2")}
    if left or wanted - found:  # what former addresses have, they alone may remove
        raise Violation(f"on the router is too much: {left}; too little: {wanted - found}")


def pinholes(disorder):
    """{(address, port)} that the router lets in by IPv6."""
    chain = disorder.lab.router.node.run("nft", "list", "chain", "inet", "filter", "miniupnpd").stdout
    return {(found[2], int(found[1])) for found in re.finditer(r"dport (\d+) .*@nh,192,128 (\w+)", chain)}


def pinholes_right(disorder):
    if not disorder.lab.router.variant.endswith("6"):
        return
    address = hex(int.from_bytes(socket.inet_pton(socket.AF_INET6, HOST6), "big"))
    wanted = {(address, port) for _, port in forwards_of(disorder)}
    with contextlib.suppress(LabError):
        wait_until(lambda: pinholes(disorder) == wanted, 6, "the pinholes", every=0.5)
    found = pinholes(disorder)
    # miniupnpd refuses to remove what it has renewed by PCP.
    left = found - wanted if "may stay open on the router" not in disorder.natd.log else set()
    if left or wanted - found:
        raise Violation(f"pinholes: too much: {left}; too little: {wanted - found}")


def client_gets_out(disorder):
    lab = disorder.lab

    def seen():
        with contextlib.suppress(OSError):
            return lab.fetch(lab.client, WEB, timeout=3)
        return None

    for _ in range(2):
        with contextlib.suppress(LabError):
            if wait_until(seen, 6, "the client's answer") == WAN:
                return
        # A client that never stops calling keeps alive where the routers have led it before.
        disorder.say("   the routers' connections are forgotten")
        for router in filter(None, (lab.router, lab.outer)):
            router.node.run("conntrack", "-F", check=False)
    raise Violation(f"a client of the tunnel is seen as {seen()}")


# ---- the kernel's rules ----

def normal(ruleset):
    """Without counts and what packets have put into sets; sets and chains in the order of their names."""
    ruleset = re.sub(r" (counter( packets \d+ bytes \d+)?|expires \S+)(?=[\s,}])", "", ruleset)
    tables = []
    for table in re.split(r"(?m)^(?=table )", ruleset):
        head, *blocks = re.split(r"(?m)^\t(?=set |map |chain )", table)
        blocks = [re.sub(r"\n\t\telements = \{[^}]*\}", "", block) if "flags dynamic" in block else block
                  for block in blocks]
        blocks = [re.sub(r"elements = \{([^}]*)\}", lambda found: "elements = " + ", ".join(
            sorted(re.split(r"\s*,\s*", found[1].strip()))), block) for block in blocks]
        tables.append("\t".join([head, *sorted(re.sub(r"\n\}\s*$", "", block) for block in blocks)]))
    return re.sub(r"[ \t]+", " ", "\n".join(tables))


def same_rules(before, after, what):
    if before != after:
        raise Violation(f"{what}:\n" + "\n".join(difflib.unified_diff(
            before.splitlines(), after.splitlines(), lineterm="", n=3)))


def restarted(disorder):
    """natd is stopped, leaves nothing behind and is started: the rules of a fresh one."""
    if disorder.natd.stop() != 0:
        raise Violation("natd's stop failed")
    left = disorder.lab.host.ruleset()
    if "natd" in left:
        raise Violation(f"natd's stop left behind\n{left}")
    left = {one for one in held(disorder) if one.address in (HOST, f"{BETWEEN}.2")}
    if left:
        raise Violation(f"natd's stop left on the router {left}")
    disorder.natd.start()
    wait_well(disorder)
    return normal(disorder.lab.host.ruleset())


def rules_right(disorder, watched):
    host = disorder.lab.host
    if disorder.base not in watched.fresh:
        before = normal(host.ruleset())
        watched.fresh[disorder.base] = restarted(disorder)
        same_rules(before, watched.fresh[disorder.base], "from the rules to those after a restart")
    same_rules(watched.fresh[disorder.base], normal(host.ruleset()), "from a fresh natd's rules to these")
    for names in SWITCHES:
        if "1" not in [host.sysctl(name) for name in names]:
            raise Violation(f"{' and '.join(names)} is off")


# ---- the processes ----

def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rests(disorder):
    pids, offset = disorder.pids(), len(disorder.natd.log)
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    time.sleep(REST_SECONDS)
    spent = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    if max(spent.values()) > CPU_SECONDS:
        raise Violation(f"in {REST_SECONDS} seconds of rest: {spent}")
    said = disorder.natd.log[offset:]
    if said.count("\n") > 40:
        raise Violation(f"at rest it says\n{said}")


def stays_small(disorder, watched):
    for name, pid in disorder.pids().items():
        files = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
        kib = int(proc_status(pid)["VmRSS"].split()[0])
        first = watched.sizes.setdefault(pid, (len(files), kib))
        if len(files) > first[0] + 4:
            raise Violation(f"{name} had {first[0]} descriptors, and now {files}")
        if kib > first[1] * 1.5 + 2000 and not SANITIZED:
            raise Violation(f"{name} had {first[1]} KiB, and now {kib}")
