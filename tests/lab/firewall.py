# SPDX-License-Identifier: GPL-2.0-or-later
"""firewall: other firewalls on a machine of the laboratory: the real programs, in its own network and
with folders of its own, so that nothing of them reaches the machine under our feet."""

import os
import shutil

from .natd import ROOT, USER
from .process import LabError, wait_until


SERVICE = ROOT / "natd" / "service"


def private(node, *folders):
    """What programs write below these folders stays in the laboratory."""
    for folder in folders:
        layer = node.folder / f"layer{folder.replace('/', '-')}"
        (layer / "upper").mkdir(parents=True)
        (layer / "work").mkdir()
        node.run("mount", "-t", "overlay", "overlay", "-o",
                 f"lowerdir={folder},upperdir={layer}/upper,workdir={layer}/work", folder)


class Ufw:
    """ufw, with a rule for the VPN's port as its users have it."""

    def __init__(self, node, allow="51820/udp"):
        self.node = node
        private(node, "/etc", "/lib/ufw")
        if allow:
            node.run("ufw", "allow", allow)

    def start(self):
        self.node.run("ufw", "--force", "enable", timeout=60)

    def reload(self):
        self.node.run("ufw", "reload", timeout=60)


# What dockerd 20.10 writes into an empty ruleset, in its own order.
DOCKER_RULES = """
-N DOCKER
-N DOCKER-ISOLATION-STAGE-1
-N DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-I FORWARD -i docker0 -o docker0 -j ACCEPT
-I FORWARD -i docker0 ! -o docker0 -j ACCEPT
-I FORWARD -o docker0 -j DOCKER
-I FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-I FORWARD -j DOCKER-ISOLATION-STAGE-1
-I DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-I DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-N DOCKER-USER
-A DOCKER-USER -j RETURN
-I FORWARD -j DOCKER-USER
-P FORWARD DROP
"""


class Docker:
    """dockerd itself where it is installed and starts (it wants cgroups), else its rules."""

    def __init__(self, node):
        self.node = node
        self.process = None
        node.run("mkdir", "/run/docker-data")
        node.run("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup", check=False)

    def start(self):
        if not shutil.which("dockerd") or not self._daemon():
            self._rules()

    def _daemon(self):
        self.process = self.node.start(
            "dockerd", "dockerd", "--data-root", "/run/docker-data", "--exec-root", "/run/docker",
            "--pidfile", "/run/docker.pid", "--storage-driver", "vfs",
            "-H", "unix:///run/docker.sock")
        wait_until(lambda: "API listen" in self.process.log or not self.process.running, 60,
                   "dockerd")
        if not self.process.running:
            self.process = None
        return self.process

    def _rules(self):
        for line in DOCKER_RULES.strip().splitlines():
            self.node.run("iptables", *line.split(), check=not line.startswith("-N"))

    def restart(self):
        """As after an update of Docker; it puts its own rules on top again."""
        if self.process:
            self.process.stop(60)
            self.start()
        else:
            self.node.run("iptables", "-F")
            self._rules()


class Firewalld:
    """firewalld on a message bus of its own, which is the system bus of its machine."""

    BUS = "/run/dbus/system_bus_socket"

    def __init__(self, node, allow="51820/udp", installed=True):
        """installed: natd's policy for firewalld is there."""
        self.node = node
        self.allow = allow
        self.process = None
        private(node, "/etc")
        node.run("mkdir", "-p", "/run/dbus", "/run/firewalld", "/etc/firewalld/policies",
                 "/etc/polkit-1/rules.d")
        self._allow_natd()
        if installed:
            self.install()
        node.start("dbus-daemon", "dbus-daemon", "--system", "--nofork", "--nopidfile",
                   "--nosyslog")
        wait_until(lambda: node.run("test", "-S", self.BUS, check=False).returncode == 0, 15,
                   "the message bus")

    def install(self):
        self.node.run("cp", SERVICE / "natd.policy.xml", "/etc/firewalld/policies/natd.xml")

    def _allow_natd(self):
        """natd's rule for polkit; its user in the laboratory is another."""
        rule = (SERVICE / "natd.polkit.rules").read_text(encoding="utf-8")
        changed = self.node.folder / "50-natd.rules"
        changed.write_text(rule.replace('subject.user == "natd"', f'subject.user == "{USER}"'),
                           encoding="utf-8")
        self.node.run("install", "-m", "644", changed, "/etc/polkit-1/rules.d/50-natd.rules")

    def start(self):
        self.process = self.node.start("firewalld", "firewalld", "--nofork", "--nopid")
        wait_until(self._running, 60, "firewalld")
        if self.allow:
            self.cmd("--add-port", self.allow)
            self.cmd("--runtime-to-permanent")

    def _running(self):
        if not self.process.running:
            raise LabError(f"firewalld ended:\n{self.process.log}")
        return self.cmd("--state", check=False).stdout.startswith("running")

    def cmd(self, *arguments, check=True):
        return self.node.run("firewall-cmd", *arguments, check=check, timeout=60,
                             env={**os.environ, "LC_ALL": "C"})

    def reload(self):
        self.cmd("--reload")
