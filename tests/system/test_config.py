# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong configuration of every kind: refused with file, line and what is allowed."""

import re

import pytest

from lab import HOST, Lab, Redirect, wait_until

GOOD = 'forward "vpn" { protocol = "udp" port = 51820 }\n'

# what is wrong: (file, line, what the message must hold)
WRONG = {
    "unknown setting": ("\n\ncolour = 3\n", 3, "colour"),
    "unknown section": ('frobnicate "x" { }\n', 1, "frobnicate"),
    "unknown setting in a section": ("router {\n  speed = 3\n}\n", 2, "speed"),
    "protocols: unknown": ('router {\n  protocols = { "ssh" }\n}\n', 2, "ssh.*pcp"),
    "protocols: twice": ('router {\n  protocols = { "pcp", "pcp" }\n}\n', 2, "pcp"),
    "lease too short": ("router {\n  lease = 1\n}\n", 2, "1.*20"),
    "lease too long": ("router {\n  lease = 99999999\n}\n", 2, "99999999.*604800"),
    "lease is no number": ("router {\n  lease = soon\n}\n", 2, "soon"),
    "lease beyond any number": (f"router {{\n  lease = {'9' * 30}\n}}\n", 2, "9{30}.*604800"),
    "lease negative": ("router {\n  lease = -5\n}\n", 2, "-5"),
    "keep is no truth": ("router {\n  keep = perhaps\n}\n", 2, "perhaps.*true"),
    "protocol": ('forward "a" {\n  protocol = "icmp"\n  port = 1\n}\n', 2, "icmp.*udp"),
    "port zero": ('forward "a" {\n  port = 0\n}\n', 2, "0.*65535"),
    "port too high": ('forward "a" {\n  port = 65536\n}\n', 2, "65536.*65535"),
    "port is no number": ('forward "a" {\n  port = wireguard\n}\n', 2, "wireguard.*65535"),
    "port with more": ('forward "a" {\n  port = "51820x"\n}\n', 2, "51820x"),
    "external port": ('forward "a" {\n  port = 1\n  external = 70000\n}\n', 3, "70000.*65535"),
    "no port": ('forward "a" {\n  protocol = "udp"\n}\n', None, "port"),
    "no name": ("forward {\n  port = 5\n}\n", None, "name|title"),
    "name of strange letters": ('forward "a;b" { port = 5 }\n', 1, "a;b"),
    "name too long": (f'forward "{"n" * 40}" {{ port = 5 }}\n', 1, "n{30}"),
    "same name twice": ('forward "a" { port = 5 }\nforward "a" { port = 6 }\n', 2, "a"),
    "same port twice": ('forward "a" { port = 5 }\nforward "b" { port = 5 }\n', 2, "5"),
    "interface name too long": ('tunnel "an-interface-name" { }\n', 1, "an-interface-name"),
    "interface name with a slash": ('tunnel "../etc" { }\n', 1, r"\.\./etc"),
    "network with host bits": ('tunnel "wg0" {\n  networks = { "10.8.0.1/24" }\n}\n', 2,
                               "10.8.0.1/24"),
    "network too long": ('tunnel "wg0" {\n  networks = { "10.8.0.0/33" }\n}\n', 2, "10.8.0.0/33"),
    "network is the world": ('tunnel "wg0" {\n  networks = { "0.0.0.0/0" }\n}\n', 2, "0.0.0.0/0"),
    "egress is nonsense": ('tunnel "wg0" {\n  egress = "everywhere"\n}\n', 2,
                           "everywhere.*masquerade"),
    "egress is loopback": ('tunnel "wg0" {\n  egress = "127.0.0.1"\n}\n', 2, "127.0.0.1"),
    "egress is half an address": ('tunnel "wg0" {\n  egress = "11.0.4"\n}\n', 2, "11.0.4"),
    "reach": ('tunnel "wg0" {\n  reach = { "moon" }\n}\n', 2, "moon.*internet"),
    "section not closed": ('forward "a" {\n  port = 5\n', None, "closed|}"),
    "string not closed": ('forward "a {\n  port = 5\n}\n', None, "closed"),
    "no value": ("router {\n  lease =\n}\n", None, "lease|}"),
    "line noise": ("\x01\x02 ~~~ \x1b[2J\n", 1, "."),
    "control characters are not repeated": ('tunnel "a\x1b[2Jb" { }\n', 1, r"a\?\[2Jb"),
}


@pytest.fixture(scope="module")
def lab():
    with Lab() as laboratory:
        yield laboratory


@pytest.mark.parametrize("name", WRONG)
def test_wrong(lab, name):
    """-n, and starting natd, end with one line "FILE:LINE: what is wrong and what is allowed"."""
    text, line, message = WRONG[name]
    natd = lab.natd_on()
    natd.configure(text)
    for options in (["-n"], []):
        done = lab.host.run(*natd.command(*options), check=False, timeout=5)
        assert done.returncode not in (0, None)
        assert done.returncode > 0, "ended by a signal"
        said = done.stderr.strip().splitlines()
        assert len(said) == 1, said
        match = re.search(rf"{re.escape(str(natd.config))}:(\d+): (.*)", said[0])
        assert match, said
        assert line is None or int(match[1]) == line, said
        assert re.search(message, match[2]), said
        assert "allowed" in match[2], said
        assert "\x1b" not in done.stderr


def test_good_is_silent(lab):
    natd = lab.natd_on()
    natd.configure(GOOD + 'tunnel "wg0" { networks = { "10.8.0.0/24", "fd42::/64" } '
                   'egress = "masquerade" reach = { "internet", "lan", "clients" } }\n'
                   'router { protocols = { "upnp" } lease = 3600 keep = true }\n')
    done = lab.host.run(*natd.command("-n"))
    assert done.stdout + done.stderr == ""


def test_missing_file(lab):
    """A file that is named and not there is an error, not an empty one."""
    natd = lab.natd_on()
    command = natd.command("-n")
    done = lab.host.run(command[0], "-n", "-f", lab.folder / "nowhere.conf", check=False)
    assert done.returncode > 0
    assert "nowhere.conf" in done.stderr


def test_directory_as_file(lab):
    done = lab.host.run(lab.natd_on().command()[0], "-n", "-f", lab.folder, check=False, timeout=5)
    assert done.returncode > 0
    assert str(lab.folder) in done.stderr


@pytest.mark.parametrize("options", [["-x"], ["-u"], ["-f"], ["surplus"]])
def test_wrong_usage(lab, options):
    done = lab.host.run(lab.natd_on().command()[0], *options, check=False, timeout=5)
    assert done.returncode == 64
    assert done.stderr


def test_unknown_user(lab):
    natd = lab.natd_on()
    natd.configure(GOOD)
    done = lab.host.run(*natd.command("-u", "no-such-user"), check=False, timeout=5)
    assert done.returncode > 0
    assert "no-such-user" in done.stderr


def test_reload():
    """A bad file changes nothing in a running natd; a good one is taken over."""
    with Lab() as lab:
        natd = lab.natd(GOOD)
        natd.settled()
        pids = natd.pids()
        before = lab.snapshot()
        for text, line, message in (WRONG["port too high"], WRONG["section not closed"],
                                    WRONG["line noise"]):
            natd.configure(text)
            done = natd.ctl("reload")
            assert done.returncode not in (0, 3)
            assert f"{natd.config}:{line or ''}" in done.stderr
            assert re.search(message, done.stderr)
        assert natd.pids() == pids
        assert lab.snapshot() == before
        natd.wait_status("OK", state="open", name="vpn")

        natd.configure(GOOD + 'forward "web" { protocol = "tcp" port = 8443 }\n')
        assert natd.ctl("reload").stdout == f"{natd.config}: read again\n"
        natd.wait_status(None, name="web", state="open")
        assert lab.router.redirects() == {Redirect("udp", 51820, HOST, 51820),
                                          Redirect("tcp", 8443, HOST, 8443)}
        natd.configure('forward "web" { protocol = "tcp" port = 8443 }\n')
        assert natd.ctl("reload").returncode == 0
        wait_until(lambda: lab.router.redirects() == {Redirect("tcp", 8443, HOST, 8443)}, 10,
                   "the old mapping to go")
        assert natd.pids() == pids
