# SPDX-License-Identifier: GPL-2.0-or-later
"""Dynamic DNS: the real ddclient and inadyn, with the lines that the manual gives, tell a provider the
address that natd knows, at once when it changes, and nothing while natd knows none."""

import contextlib
import re

import pytest

from lab import ROOT, WAN, WEB, Lab, ddns, dns, wait_until
from lab.natd import NATCTL

NAME = "myhome.ddns.net"
NEW_WAN = "11.0.1.77"


def from_the_manual(holds):
    """The example of natd-portforward(7) with `holds` in it."""
    page = (ROOT / "man/natd-portforward.7").read_text(encoding="utf-8")
    return next(text for text in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.M | re.S)
                if holds in text)


@contextlib.contextmanager
def provider_of(lab):
    """The provider on the internet; it answers for the name as well."""
    server = dns.DNS(lab.web_node, {ddns.HOST: [WEB]}, ttl=1)
    dns.use(lab.host, WEB)
    provider = ddns.Provider(lab.web_node, server, lab.host.folder, NAME)
    try:
        yield provider
    finally:
        provider.close()


def write(lab, name, text, socket):
    path = lab.host.folder / name
    path.write_text(text.replace("/usr/bin/natctl", f"{NATCTL} -s {socket}"), encoding="utf-8")
    path.chmod(0o600)
    return path


def ddclient(lab, socket, certificate):
    # By itself it does not tell twice within 30 s: the test would have to wait.
    conf = write(lab, "ddclient.conf", f"ssl_ca_file={certificate}\nmin-interval=0\n"
                 + from_the_manual("protocol=noip"), socket)
    # As Debian's unit starts it.
    return lab.host.start("ddclient", "ddclient", "-daemon", "5m", "-pid", "/run/ddclient.pid",
                          "-file", conf, "-cache", lab.host.folder / "ddclient.cache")


def inadyn(lab, socket, certificate):
    conf = write(lab, "inadyn.conf", f'ca-trust-file = "{certificate}"\n'
                 + from_the_manual("provider no-ip.com"), socket)
    return lab.host.start("inadyn", "inadyn", "--foreground", "--config", conf, "--cache-dir",
                          lab.host.folder, "--pidfile", "/run/inadyn.pid", "--loglevel", "debug")


UPDATERS = pytest.mark.parametrize("updater", [ddclient, inadyn])


def watch_with_the_shipped_hook(lab, natd):
    folder = lab.host.folder / "hooks.d"
    folder.mkdir(mode=0o755)
    hook = folder / "ddns"
    hook.write_bytes((ROOT / "natd/service/hook-ddns").read_bytes())
    hook.chmod(0o755)
    lab.host.start("watch", NATCTL, "-s", natd.socket, "watch", "--exec", folder)
    wait_until(lambda: lab.host.run("ss", "-Hx", "state", "connected", "src", natd.socket,
                                    check=False).stdout.strip(), 20, "natctl watch to be connected")


@UPDATERS
def test_a_new_address_is_told_once_and_at_once(updater):
    with Lab() as lab, provider_of(lab) as provider:
        natd = lab.natd(f'name = "{NAME}"')
        natd.wait_status("E30")  # there is no such name yet
        updater(lab, natd.socket, provider.certificate)
        wait_until(lambda: provider.updates, 20, "the first update")
        watch_with_the_shipped_hook(lab, natd)
        natd.ctl("reload")
        status = natd.wait_status("OK")
        assert status["name"]["addresses"] == [WAN] and status["name"]["updater"]["runs"]
        lab.router.node.ip(f"addr del {WAN}/24 dev wan", f"addr add {NEW_WAN}/24 dev wan",
                           "route replace default via 11.0.1.1")
        lab.router.restart()
        wait_until(lambda: len(provider.updates) > 1, 40, "the second update")
        natd.ctl("reload")
        wait_until(lambda: natd.status()["name"]["addresses"] == [NEW_WAN], 20, "the name to follow")
        assert provider.updates == [WAN, NEW_WAN]


@UPDATERS
def test_nothing_is_told_while_the_address_is_not_known(updater):
    """natd does not even run at first, then it knows no address."""
    with Lab(online=False) as lab, provider_of(lab) as provider:
        natd = lab.natd_on()
        updater(lab, natd.socket, provider.certificate)
        wait_until(lambda: lab.host.run("pgrep", "-f", f"{natd.socket} wan-ip --wait",
                                        check=False).stdout, 20, "the updater to ask")
        natd.start()
        natd.wait_status("E11")
        lab.host_online()
        wait_until(lambda: provider.updates, 30, "an update")
        assert provider.updates == [WAN]
