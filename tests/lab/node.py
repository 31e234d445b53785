# SPDX-License-Identifier: GPL-2.0-or-later
"""node: one machine of the laboratory: a network namespace with a /run of its own."""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

from .process import PATIENCE, LabError, Process, wait_until

CLONE_NEWNET = 0x40000000
NETNS = pathlib.Path("/run/netns")

_libc = ctypes.CDLL(None, use_errno=True)

# The holder keeps the mount namespace: /run is empty (wireguard-go has sockets of fixed names there),
# and settings of VPNs that the machine under our feet may have are out of sight. There is no syslog, so
# that miniupnpd's syslog() writes to the console, which takes milliseconds a line where that is a serial
# line: a router that logs does not stand still for it.
HOLDER = """
mount --make-rprivate /
for settings in natd wireguard pivpn openvpn; do
	if [ -d "/etc/$settings" ]; then mount -t tmpfs tmpfs "/etc/$settings"; fi
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/wireguard
if [ -e /dev/console ]; then mount --bind /dev/null /dev/console; fi
touch "$1/up"
exec sleep infinity
"""


def _setns(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Node:
    """A machine. Its programs see its own network, /run and /sys; the rest is the real one's."""

    def __init__(self, name, namespace, folder):
        self.name = name
        self.namespace = namespace
        self.folder = folder
        self.processes = []
        folder.mkdir(mode=0o755)
        subprocess.run(["ip", "netns", "add", namespace], check=True)
        # `ip netns exec` gives it a /sys that shows its own network.
        self._holder = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "sh", "-e", "-c", HOLDER, "holder", str(folder)],
            stdin=subprocess.DEVNULL, start_new_session=True)

    def wait_ready(self):
        wait_until(lambda: (self.folder / "up").exists() or self._holder.poll() is not None, 10,
                   f"the machine {self.name}")
        if self._holder.poll() is not None:
            raise LabError("this system allows no network namespaces with mounts of their own "
                           "(a container without CAP_SYS_ADMIN?)")
        self.ip("link set lo up")

    # ---- programs ----

    def command(self, *arguments):
        """The command line that runs `arguments` on this machine."""
        return ["nsenter", f"--target={self._holder.pid}", "--mount", "--net", "--",
                *map(str, arguments)]

    def run(self, *arguments, check=True, timeout=30, **options):
        """Runs a program to its end; LabError with its output where it fails."""
        done = subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace", timeout=timeout * PATIENCE, check=False, **options)
        if check and done.returncode:
            raise LabError(f"{self.name}: {' '.join(map(str, arguments))}: status "
                           f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def start(self, name, *arguments, env=None):
        """Starts a program in the background; the laboratory ends it."""
        process = Process(name, self.command(*arguments), self.folder / f"{name}.log",
                          env={**os.environ, **env} if env else None)
        self.processes.append(process)
        return process

    # ---- network ----

    def ip(self, *lines):
        """ip(8) commands, all in one run; the first that fails is an error."""
        done = subprocess.run(["ip", "-n", self.namespace, "-batch", "-"],
                              input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise LabError(f"{self.name}: {done.stderr}in:\n" + "\n".join(lines))
        return done.stdout

    def nft(self, ruleset):
        """Loads a ruleset from text."""
        done = subprocess.run(self.command("nft", "-f", "-"), input=ruleset, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise LabError(f"{self.name}: nft: {done.stderr}")

    def ruleset(self):
        """What `nft list ruleset` says, without counters and without who owns a table, the tables in
        the order of their names: the same text means the same rules."""
        listing = self.run("nft", "--stateless", "list", "ruleset").stdout
        listing = re.sub(r"(?m) # progname .*$|^\tflags.*\n", "", listing)
        tables = re.split(r"(?m)^(?=table )", re.sub(r"\n\n+", "\n", listing))
        return "".join(sorted(tables))

    def ruleset_json(self):
        return json.loads(self.run("nft", "--json", "list", "ruleset").stdout)["nftables"]

    def tables(self):
        """Names of its tables: {"inet natd", "ip home"}. As text: in JSON, nft 1.0.6 prints what lies
        in its memory for a flag that it does not know."""
        lines = self.run("nft", "list", "tables").stdout.splitlines()
        return {line.removeprefix("table ") for line in lines if line}

    def interfaces(self):
        return {link["ifname"]: link
                for link in json.loads(self.run("ip", "-j", "-d", "link").stdout)}

    def mac(self, interface):
        return self.interfaces()[interface]["address"]

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in this machine's network: sockets made here belong to it."""
        home = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
        there = os.open(NETNS / self.namespace, os.O_RDONLY)
        try:
            _setns(there)
            yield
        finally:
            _setns(home)
            os.close(there)
            os.close(home)

    def socket(self, *arguments):
        with self.inside():
            return socket.socket(*arguments)

    def sysctl(self, name, value=None):
        """Reads, or writes, /proc/sys/net/NAME: sysctl("ipv4/ip_forward", 1)."""
        with self.inside():
            path = pathlib.Path("/proc/sys/net", name)
            if value is not None:
                path.write_text(f"{value}\n", encoding="ascii")
            return path.read_text(encoding="ascii").strip()

    def sysctls(self):
        """Every setting below /proc/sys/net/ipv4 and ipv6 that somebody sets, as {name: value}.

        What the kernel counts or draws by itself is left out."""
        values = {}
        with self.inside():
            for folder in ("ipv4", "ipv6"):
                for parent, _, names in os.walk(f"/proc/sys/net/{folder}"):
                    for name in names:
                        path = os.path.join(parent, name)
                        with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
                            values[path[len("/proc/sys/net/"):]] = file.read().strip()
        return {name: value for name, value in values.items()
                if not name.endswith(("stable_secret", "fastopen_key", "tcp_mem", "udp_mem"))}

    # ---- the end ----

    def close(self):
        end_namespace(self.namespace)
        self._holder.wait()
        for process in self.processes:
            process.popen.wait()


def end_namespace(namespace):
    """Kills everything that lives in a network namespace and deletes it."""
    def empty():
        pids = subprocess.run(["ip", "netns", "pids", namespace], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False).stdout.split()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        return not pids

    with contextlib.suppress(LabError):
        wait_until(empty, 5, f"the end of all processes in {namespace}")
    subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL, check=False)
