# SPDX-License-Identifier: GPL-2.0-or-later
"""As a service: what make install puts where, what systemd thinks of the unit, what natd tells it."""

import configparser
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess

import pytest

from lab import Lab, wait_until
from lab.natd import BUILD, NATCTL, NATD, ROOT, USER

INSTALLED = {
    "usr/sbin/natd", "usr/bin/natctl", "lib/systemd/system/natd.service",
    "lib/systemd/system/natd-hooks.service",
    "usr/lib/sysctl.d/30-natd.conf", "usr/share/polkit-1/rules.d/50-natd.rules",
    "usr/lib/firewalld/policies/natd.xml", "usr/lib/sysusers.d/natd.conf", "usr/share/doc/natd/README.md",
    "usr/share/doc/natd/examples/natd.conf", "usr/share/man/man8/natd.8",
    "usr/share/man/man8/natctl.8", "usr/share/man/man5/natd.conf.5",
    "usr/share/man/man7/natd-portforward.7", "usr/share/natd/routers.conf",
    "usr/share/locale/ja/LC_MESSAGES/natd.mo", "usr/share/locale/ja/natd/ja_JP.UTF-8",
    "usr/share/bash-completion/completions/natctl",
    "usr/share/zsh/vendor-completions/_natctl",
    "usr/share/fish/vendor_completions.d/natctl.fish",
    "usr/share/man/ja/man8/natctl.8", "usr/share/man/ja/man8/natd.8",
    "usr/share/man/ja/man5/natd.conf.5", "usr/share/man/ja/man7/natd-portforward.7",
    "usr/share/doc/natd/examples/hooks.d/ddns",
}


def make(target, folder):
    subprocess.run(["make", "-s", target, f"BUILD={BUILD}", f"DESTDIR={folder}", "PREFIX=/usr"],
                   cwd=ROOT, check=True, capture_output=True, text=True)


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.is_file() or path.is_symlink()}


def read_unit(path):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(path)
    return unit


def test_install_and_uninstall(tmp_path):
    make("install", tmp_path)
    assert files(tmp_path) == INSTALLED
    done = subprocess.run([tmp_path / "usr/sbin/natd", "-n", "-f",
                           tmp_path / "usr/share/doc/natd/examples/natd.conf"], check=False)
    assert done.returncode == 0, "the example is no configuration"
    kept = tmp_path / "etc/natd/natd.conf"
    kept.write_text("# the user's\n")
    make("uninstall", tmp_path)
    assert files(tmp_path) == {"etc/natd/natd.conf"}, "what the user wrote stays, the rest goes"


def test_install_under_another_prefix(tmp_path):
    """Programs and data go there, and find each other, also where "make" was told nothing of it. What only
    one folder is looked for in stays in that one: polkit and firewalld do not know /usr/local."""
    build = tmp_path / "build"
    shutil.copytree(BUILD, build, ignore=shutil.ignore_patterns("clang", "sanitized", "fuzz", "tests", "*.d"))
    subprocess.run(["make", "-s", "install", f"BUILD={build}", f"DESTDIR={tmp_path}/root", "PREFIX=/usr/local"],
                   cwd=ROOT, check=True, capture_output=True, text=True)
    fixed = {path for path in INSTALLED if re.search(r"systemd|polkit|firewalld|sysusers|sysctl", path)}
    moved = {path.replace("usr/", "usr/local/", 1).replace("zsh/vendor-completions", "zsh/site-functions")
             for path in INSTALLED - fixed}
    assert files(tmp_path / "root") == fixed | moved
    for name in "sbin/natd", "bin/natctl":
        assert b"/usr/share/" not in (tmp_path / "root/usr/local" / name).read_bytes(), name
    for unit in (tmp_path / "root/lib/systemd/system").iterdir():
        assert "ExecStart=/usr/local/" in unit.read_text()


@pytest.mark.parametrize("given", [
    {"CPPFLAGS": "-Wdate-time -D_FORTIFY_SOURCE=3", "CFLAGS": "-g -O2", "LDFLAGS": "-Wl,-z,now"},
    {"CPPFLAGS": "-D_FORTIFY_SOURCE=3"},  # twice would be an error
    {},
], ids=["dpkg-buildflags", "CPPFLAGS", "none"])
def test_flags_of_the_environment(tmp_path, given):
    """A distribution hardens by flags: those of dpkg-buildflags(1) are taken, all of them."""
    env = {key: value for key, value in os.environ.items() if not key.endswith("FLAGS")} | given
    lines = subprocess.run(["make", "-n", "all", f"BUILD={tmp_path}"], cwd=ROOT, env=env, check=True,
                           capture_output=True, text=True).stdout.splitlines()
    compiled = [line.split() for line in lines if " -c -o " in line]
    linked = [line.split() for line in lines if "-o " in line and " -levent_core " in line + " "]
    assert len(compiled) > 100 and len(linked) == 1
    for line in compiled:
        assert all(flag in line for name in given if name != "LDFLAGS" for flag in given[name].split())
        assert sum(flag.startswith("-D_FORTIFY_SOURCE") for flag in line) == 1
    assert all(flag in linked[0] for flag in given.get("LDFLAGS", "").split())


def test_example_shows_the_defaults(tmp_path):
    """Without its comment signs the example is what holds anyway, and it is valid."""
    text = (ROOT / "natd/service/natd.conf").read_text()
    lines = [re.sub(r"^# ", "", line) for line in text.splitlines()[1:]]
    path = tmp_path / "natd.conf"
    path.write_text("\n".join(lines))
    assert subprocess.run([NATD, "-n", "-f", path], check=False).returncode == 0


def test_systemd_accepts_the_unit(tmp_path):
    make("install", tmp_path)
    units = [tmp_path / "lib/systemd/system" / name for name in ("natd.service", "natd-hooks.service")]
    for unit in units:
        text = unit.read_text()
        assert "@" not in text.replace("@system-service", "")
        # systemd-analyze looks for the programs and the manual where they will be.
        unit.write_text(re.sub(r"/usr/s?bin/", lambda path: str(tmp_path) + path[0], text))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], check=False,
                          capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "natd" in line]
    assert done.returncode == 0 and not complaints, done.stderr


def test_order_at_boot():
    """After the network and other firewalls, before Docker; never waiting to be online."""
    unit = read_unit(ROOT / "natd/service/natd.service")["Unit"]
    assert "network.target" in unit["After"].split()
    assert "docker.service" in unit["Before"].split()
    assert not any("online" in value for value in unit.values())
    service = read_unit(ROOT / "natd/service/natd.service")["Service"]
    assert service["Type"] == "notify"
    assert service["Restart"] == "on-failure"
    assert service["RestartKillSignal"] == "SIGUSR1"


def test_sysusers_makes_the_user(tmp_path):
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "-"], check=True,
                   input=(ROOT / "natd/service/natd.sysusers").read_text(), text=True,
                   capture_output=True)
    entry = (tmp_path / "etc/passwd").read_text()
    assert re.search(r"^natd:.*:/var/lib/natd:/usr/sbin/nologin$", entry, re.M), entry


@pytest.fixture(name="lab")
def make_lab():
    with Lab(router="everything") as lab:
        yield lab


class Manager:
    """systemd's end of sd_notify(3)."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        os.chmod(path, 0o777)
        self.socket.settimeout(10)

    def wait(self, what):
        """Everything until a message that is `what`."""
        heard = []
        while what not in heard:
            heard += self.socket.recv(4096).decode().splitlines()
        return heard


def test_natd_tells_systemd(lab):
    """READY=1 at once, not only when the router has answered; then how it stands; then STOPPING=1."""
    lab.router.restart("nothing")
    manager = Manager(lab.host.folder / "notify")
    natd = lab.natd_on()
    process = lab.host.start("natd", "env", f"NOTIFY_SOCKET={lab.host.folder / 'notify'}",
                             *natd.command("-v"))
    manager.wait("READY=1")
    lab.router.restart("everything")
    manager.wait("STATUS=ports open on the router: 1 of 1")
    assert process.stop() == 0
    manager.wait("STOPPING=1")


def test_with_the_units_privileges(lab):
    """The unit starts natd as its user with one ambient capability: that is enough for everything, and
    nothing of it was ever root."""
    user = pwd.getpwnam(USER)
    natd = lab.natd_on()
    for folder in (natd.state, natd.socket.parent):
        shutil.chown(folder, user.pw_uid, user.pw_gid)
    natd.process = lab.host.start(
        "natd", "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
        "--inh-caps=-all,+net_admin", "--ambient-caps=-all,+net_admin",
        "--bounding-set=-all,+net_admin", "--no-new-privs", *natd.command("-v"))
    wait_until(lambda: natd.ctl("-j", "status").returncode != 3, 10, "natd to answer")
    natd.wait_status("OK", state="open")
    lab.tunnel_up()
    assert lab.fetch_through_tunnel() == lab.wan
    net_admin = 1 << 12
    for name, status in natd.proc_status().items():
        assert int(status["CapEff"], 16) == (net_admin if name == "rules" else 0), name
        assert status["Uid"].split() == [str(user.pw_uid)] * 4
        assert status["Seccomp"] == "2"
    assert natd.stop() == 0


def test_without_any_privilege(lab):
    """Neither root nor a capability: one line that says what is missing, and nothing was done."""
    natd = lab.natd_on()
    done = lab.host.run("setpriv", f"--reuid={USER}", f"--regid={pwd.getpwnam(USER).pw_gid}",
                        "--clear-groups", "--bounding-set=-all", *natd.command(), check=False,
                        timeout=10)
    assert done.returncode == 1
    assert "start natd as root or give it that capability" in done.stderr
    assert lab.router.redirects() == set()


def test_a_user_that_does_not_exist(lab):
    natd = lab.natd_on()
    command = natd.command()
    command[command.index(USER)] = "no-such-user"
    done = lab.host.run(*command, check=False, timeout=5)
    assert done.returncode == 1
    assert 'there is no user "no-such-user"' in done.stderr
    command[command.index("no-such-user")] = "root"
    done = lab.host.run(*command, check=False, timeout=5)
    assert done.returncode == 1
    assert "natd does not run as root" in done.stderr


def test_a_folder_of_somebody_else(lab, tmp_path):
    """natd does not take a folder away from its owner, and says so at once."""
    natd = lab.natd_on()
    command = natd.command()
    command[command.index("-S") + 1] = tmp_path
    done = lab.host.run(*command, check=False, timeout=5)
    assert done.returncode == 1
    assert "belongs to uid 0, but natd becomes uid" in done.stderr
    assert tmp_path.stat().st_uid == 0
    assert lab.router.redirects() == set()


def test_usage(lab):
    for options in (["-x"], ["status"], ["-f"]):
        done = lab.host.run(NATD, *options, check=False, timeout=5)
        assert done.returncode == 64
        assert "usage: natd" in done.stderr
    assert lab.host.run(NATD, "-V").stdout.startswith("natd ")
    assert pathlib.Path(NATCTL).exists()


def test_priorities_are_for_the_journal_alone(tmp_path):
    """A terminal that a service has started inherits JOURNAL_STREAM; it gets no "<3>"."""
    path = tmp_path / "log"
    for ours, begin in ((True, "<3>natd: "), (False, "natd: ")):
        with path.open("w") as log:
            stat = os.fstat(log.fileno())
            stream = f"{stat.st_dev}:{stat.st_ino + (0 if ours else 1)}"
            done = subprocess.run([NATD, "-n", "-f", tmp_path / "no.conf"], stderr=log, check=False,
                                  env={**os.environ, "JOURNAL_STREAM": stream})
        assert done.returncode == 1
        assert path.read_text().startswith(begin), path.read_text()


def test_forwarding_is_on_before_docker_looks(tmp_path):
    """systemd's own reader of sysctl.d takes the file; the unit stands before Docker's."""
    with Lab(start_vpn=False) as lab:
        path = ROOT / "natd/service/natd.sysctl"
        lab.host.run("/lib/systemd/systemd-sysctl", path)
        assert lab.host.sysctl("ipv4/ip_forward") == "1"
    unit = read_unit(ROOT / "natd/service/natd.service")
    assert "docker.service" in unit["Unit"]["Before"].split()
