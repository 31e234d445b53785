# SPDX-License-Identifier: GPL-2.0-or-later
"""daemon: what happens to natd itself: ends, hangs, a damaged state, natd.conf, natctl."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

from lab import HOST, NATCTL, STRANGER, proc_status, wait_until

NEW = "192.168.77.44"     # the host's other address
SECOND = "192.168.77.55"  # beside it, for a while


class Violation(AssertionError):
    """natd did what it must not, or not what it must."""


def alive(pid):
    with contextlib.suppress(OSError):
        return proc_status(pid)["State"][0] not in "ZX"
    return False


class Daemon:
    """What Disorder (tests/chaos) does to natd, each with what chance is needed; some calm it again."""

    # ---- natd itself ----

    def pids(self):
        with contextlib.suppress(OSError, KeyError):
            if self.natd.process.running:
                return self.natd.pids()
        return {}

    def start_natd(self, wait=False):
        with self.natd_lock:
            if not self.natd.process or not self.natd.process.running:
                self.natd.start(wait=wait)

    def natd_killed(self, chance):
        with self.natd_lock:
            self.killed = True
            for pid in self.pids().values():
                os.kill(pid, signal.SIGKILL)
            self.natd.process.wait()
            time.sleep(chance.choice((0, 0, 0.5, 3)))
            self.start_natd()

    def child_killed(self, chance):
        which = chance.choice(("upnp", "rules", "natd"))
        with self.natd_lock:
            pids = self.pids()
            if which not in pids:
                return
            self.killed = True
            before = len(self.natd.log)
            os.kill(pids[which], signal.SIGKILL)
            for pid in pids.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            self.natd.process.wait()
            wait_until(lambda: not any(alive(pid) for pid in pids.values()), 5, f"the end after {which}")
            said = self.natd.log[before:]
            if which != "natd" and len(re.findall(rf"(?m)^natd: {which} was killed: ", said)) != 1:
                raise Violation(f"{which} was killed, and the log says\n{said[-1500:]}")
            time.sleep(chance.choice((0, 0, 1)))
            self.start_natd()

    def natd_stopped(self, chance):
        with self.natd_lock:
            if self.pids():
                self.killed = True
                self.natd.process.signal(chance.choice((signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)))
                for pid in self.pids().values():
                    os.kill(pid, signal.SIGCONT)
                status = self.natd.process.wait(15)
                if status != 0:
                    self.say(f"   natd's stop: status {status}")
            time.sleep(chance.choice((0, 0, 1)))
            self.start_natd()

    def hung(self, chance):
        pids = self.pids()
        name = chance.choice(("natd", "upnp", "rules"))
        if name not in pids:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pids[name], signal.SIGSTOP)
            time.sleep(chance.uniform(0.1, 6))
            os.kill(pids[name], signal.SIGCONT)

    def state_damaged(self, chance):
        path = self.natd.state / "state.json"
        how = chance.choice(("garbage", "empty", "cut", "gone", "field", "folder"))
        with contextlib.suppress(OSError, ValueError):
            data = path.read_bytes() if path.is_file() else b"{}"
            if how == "garbage":
                path.write_bytes(chance.randbytes(3000))
            elif how == "empty":
                path.write_bytes(b"")
            elif how == "cut":
                path.write_bytes(data[:chance.randrange(len(data) + 1)])
            elif how == "gone":
                path.unlink()
            elif how == "folder":
                path.unlink(missing_ok=True)
                path.mkdir()
            else:
                at = chance.randrange(len(data))
                path.write_bytes(data[:at] + chance.randbytes(1) + data[at + 1:])
        if chance.random() < 0.5:
            self.natd_killed(chance)

    def calm_natd(self):
        """Told nothing, unless its configuration is another than in the beginning."""
        for process in self.helpers:
            process.kill()
        self.helpers.clear()
        for pid in self.pids().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        if self.natd.config.read_bytes() != self.base.encode("utf-8"):
            self.natd.configure(self.base)
            if self.pids():
                os.kill(self.natd.process.pid, signal.SIGHUP)
        self.start_natd()

    # ---- natd.conf ----

    def configured(self, chance):
        text = random_config(chance)
        if chance.random() < 0.3:
            text = spoiled(chance, text)
        self.natd.configure(text)
        self.reloaded(chance)

    def reloaded(self, chance):
        if chance.random() < 0.5:
            self.ctl("reload")
        elif self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.natd.process.pid, signal.SIGHUP)

    # ---- natctl ----

    def ctl(self, *arguments, user=None, timeout=60):
        who = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        done = subprocess.run(self.lab.host.command(*who, NATCTL, "-s", self.natd.socket, *arguments),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors="replace", timeout=timeout, check=False)
        if done.returncode not in (0, 1, 2, 3, 4):
            raise Violation(f"natctl {arguments}: status {done.returncode} {done.stderr!r}")
        return done

    def asked(self, chance):
        for _ in range(chance.choice((1, 1, 2, 5))):
            command = random_command(chance)
            if chance.random() < 0.5:
                command = ["-j", *command]
            if chance.random() < 0.3:  # killed in the middle
                process = self.background(*command)
                time.sleep(chance.uniform(0, 1.5))
                process.kill()
            elif command[-1] == "watch" or "test" in command or "why" in command:
                self.background(*command)
            else:
                self.ctl(*command)

    def background(self, *command):
        process = self.lab.host.start(f"natctl-{next(self.names)}", NATCTL, "-s", self.natd.socket, *command)
        self.helpers.append(process)
        return process

    def opened(self, chance):
        port = chance.choice((4000, 4001, 4002, 51820, 80))
        command = [chance.choice(("open", "open", "close")), f"{port}/{chance.choice(('udp', 'tcp'))}"]
        if command[0] == "open":
            if chance.random() < 0.4:
                command.append(str(chance.choice((4000, 4001, 4443, 51820, 9000))))
            if chance.random() < 0.5:
                command += ["--for", f"{chance.randrange(2, 40)}s"]
        self.ctl(*command)

    def strangers(self, chance):
        self.ctl(chance.choice(("reload", "status", "doctor")), user=STRANGER)
        for _ in range(chance.randrange(1, 30)):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, chance.choice(
                    (socket.SOCK_SEQPACKET, socket.SOCK_STREAM))) as visitor:
                visitor.settimeout(0.3)
                visitor.connect(str(self.natd.socket))
                visitor.send(chance.randbytes(chance.choice((1, 8, 100, 3000, 70000))))
                if chance.random() < 0.5:
                    visitor.recv(10)


def random_command(chance):
    return list(chance.choice((
        ["status"], ["status"], ["doctor"], ["list"], ["wan-ip"], ["metrics"], ["manual"], ["probe"],
        ["watch"], ["test", "--for", f"{chance.randrange(1, 9)}s"],
        ["why", "10.8.0.2", chance.choice(("11.0.3.80", "192.168.77.11", "10.8.0.3", "2a11:0:3::80")),
         "--for", f"{chance.randrange(1, 9)}s"], ["reload"])))


def random_config(chance):
    protocols = ["pcp", "nat-pmp", "upnp"]
    chance.shuffle(protocols)
    protocols = protocols[:chance.choice((0, 1, 2, 3, 3))]
    text = ["router { protocols = { %s } lease = %d keep = %s }" % (
        ", ".join(f'"{one}"' for one in protocols), chance.choice((20, 24, 60, 3000, 7200)),
        chance.choice(("true", "false")))]
    # PCP and NAT-PMP know one mapping of each port of ours.
    ports = chance.sample([(protocol, port) for protocol in ("udp", "udp", "tcp")
                           for port in (51820, 51820, 4000, 4001, 8443)], chance.choice((0, 1, 1, 2, 4)))
    externals = chance.sample((51820, 4000, 4001, 4443, 9000, 9001), 6)
    for number, (protocol, port) in enumerate(sorted(set(ports))):
        text.append(f'forward "f{number}" {{ protocol = "{protocol}" port = {port} '
                    f'external = {externals[number]} }}')
    for name in ("wg0", "wg7", "tun0"):
        if chance.random() < 0.3:
            egress = chance.choice(("masquerade", "none", HOST, NEW, "203.0.113.9", SECOND))
            reach = chance.choice(('"internet"', '"lan", "clients"', '"internet", "lan"'))
            text.append(f'tunnel "{name}" {{ egress = "{egress}" reach = {{ {reach} }} }}')
    if chance.random() < 0.3:
        text.append(f'client "10.8.0.{chance.randrange(2, 9)}" {{ egress = '
                    f'"{chance.choice(("masquerade", "none", HOST, SECOND))}" }}')
    if chance.random() < 0.4:
        text.append(f'publish "p" {{ protocol = "tcp" port = {chance.choice((8443, 8080))} to = "10.8.0.2" }}')
    if chance.random() < 0.3:
        text.append("rules { owned = %s }" % chance.choice(("true", "false")))
    if chance.random() < 0.3:
        text.append("coexist = false")
    return "\n".join(text) + "\n"


def spoiled(chance, text):
    at = chance.randrange(len(text))
    return chance.choice((text[:at], text[:at] + "}" + text[at:], text + 'forward "x" { port = 70000 }\n',
                          chance.randbytes(200).decode("latin-1"), text + "\0", "", text[at:]))
