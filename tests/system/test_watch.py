# SPDX-License-Identifier: GPL-2.0-or-later
"""natctl watch: what changes is told, and --exec runs programs for it."""

import json


from lab import GATEWAY, HOST, WAN, WEB, Lab, dns, wait_until
from lab.natd import NATCTL

NEW_WAN = "11.0.1.77"
NAME = "myhome.ddns.test"

HOOK = """#!/bin/sh
echo "$NATD_EVENT $NATD_OLD_WAN4 $NATD_WAN4 $NATD_EXT_PORT" >>{log}
echo "this is not an event"
"""


def events(watch):
    """The events so far; what else natctl says stands in the same log."""
    return [json.loads(line) for line in watch.log.splitlines() if line.startswith("{")]


def find(watch, name):
    return [event for event in events(watch) if event["event"] == name]


def start(lab, *options, config=None):
    natd = lab.natd(config)
    natd.wait_status("OK")
    watch = lab.host.start("watch", NATCTL, "-s", natd.socket, "watch", *options)
    # Its place at the socket: only what happens from now on is told.
    wait_until(lambda: lab.host.run("ss", "-Hx", "state", "connected", "src", natd.socket,
                                    check=False).stdout.strip(), 20, "natctl watch to be connected")
    return natd, watch


def hooks(lab):
    """A folder with a hook, one that fails and what must not be run; returns (folder, log)."""
    folder = lab.host.folder / "hooks.d"
    log = lab.host.folder / "hook.log"
    folder.mkdir(mode=0o755)
    for name, mode, text in (("ddns", 0o755, HOOK.format(log=log)),
                             ("fails", 0o755, "#!/bin/sh\nexit 3\n"),
                             ("others", 0o777, HOOK.format(log=log)),
                             ("plain", 0o644, HOOK.format(log=log)),
                             ("ddns.dpkg-old", 0o755, HOOK.format(log=log))):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(mode)
    return folder, log


def test_another_address_after_a_pulled_cable():
    """Meanwhile there is no address and no router: what was known is not told as if it held."""
    with Lab() as lab:
        natd, watch = start(lab)
        new = HOST.rsplit(".", 1)[0] + ".44"
        lab.router.node.ip("link set port1 down")
        natd.wait_status("E11")
        screen = natd.ctl("status").stdout
        assert " Router        none found\n" in screen, screen
        row = next(line for line in screen.splitlines() if line.startswith(" WAN address"))
        assert row.endswith(("not known", f"{WAN}  last known  public")), screen
        lab.host.ip(f"addr add {new}/24 dev eth0", f"addr del {HOST}/24 dev eth0")
        lab.host.ip(f"addr replace {new}/24 dev eth0",
                    f"route replace default via {GATEWAY} dev eth0")
        lab.router.node.ip("link set port1 up")
        wait_until(lambda: find(watch, "host-changed"), 20, "host-changed")
        changed = find(watch, "host-changed")[0]
        assert (changed["host_address"], changed["old_host_address"]) == (new, HOST)


def test_ports_and_rules():
    with Lab() as lab:
        natd, watch = start(lab, config="rules { owned = false }")
        natd.ctl("open", "8080/tcp", "18080")
        wait_until(lambda: find(watch, "mapping-opened"), 20, "mapping-opened")
        opened = find(watch, "mapping-opened")[0]
        assert (opened["protocol"], opened["port"], opened["external_port"]) == ("tcp", 8080, 18080)
        natd.ctl("close", "8080/tcp")
        wait_until(lambda: find(watch, "mapping-lost"), 20, "mapping-lost")
        lab.host.run("nft", "delete", "table", "inet", "natd")
        wait_until(lambda: find(watch, "rules-repaired"), 20, "rules-repaired")
        repaired = find(watch, "rules-repaired")[0]
        assert repaired["repairs"] >= 1 and repaired["program"] == "nft"
        assert all(event["time"].endswith("Z") for event in events(watch))


def test_a_new_address_runs_the_hooks():
    with Lab() as lab:
        folder, log = hooks(lab)
        natd, watch = start(lab, "--exec", folder)
        router = lab.router.node
        router.ip(f"addr del {WAN}/24 dev wan", f"addr add {NEW_WAN}/24 dev wan",
                  "route replace default via 11.0.1.1")
        lab.router.restart()
        natd.kill()  # a power cut for all but natctl watch
        natd.start()
        wait_until(lambda: find(watch, "wan-changed"), 60, "wan-changed")
        changed = find(watch, "wan-changed")
        assert [(one["old_wan_address"], one["wan_address"]) for one in changed] == [(WAN, NEW_WAN)]
        wait_until(lambda: log.exists() and "wan-changed" in log.read_text(), 20, "the hook")
        lines = [line for line in log.read_text().splitlines() if line.startswith("wan-changed")]
        assert lines == [f"wan-changed {WAN} {NEW_WAN} 51820"]
        wait_until(lambda: "fails ended with status 3" in watch.log, 20, "the complaint")
        assert "others is not run: others may write into it" in watch.log


def test_name_that_leads_elsewhere():
    with Lab() as lab:
        folder, log = hooks(lab)
        server = dns.DNS(lab.web_node, {NAME: [WAN]})
        dns.use(lab.host, WEB)
        natd, watch = start(lab, "--exec", folder, config=f'name = "{NAME}"')
        wait_until(lambda: natd.status()["name"]["matches"], 20, "the name to be right")
        server.records[NAME] = ["11.0.9.12"]
        natd.ctl("reload")
        wait_until(lambda: find(watch, "name-stale"), 20, "name-stale")
        stale = find(watch, "name-stale")[0]
        assert (stale["name"], stale["addresses"], stale["wan_address"]) == (NAME, ["11.0.9.12"], WAN)
        server.records[NAME] = [WAN]
        natd.ctl("reload")
        wait_until(lambda: find(watch, "name-right"), 20, "name-right")
        wait_until(lambda: "name-right" in log.read_text(), 20, "the hook")
        assert f"name-stale  {WAN} 51820" in log.read_text().splitlines()


def test_natd_restarts_meanwhile():
    with Lab() as lab:
        natd, watch = start(lab)
        natd.stop()
        natd.start()
        natd.wait_status("OK")
        before = len(find(watch, "mapping-opened"))
        wait_until(lambda: lab.host.run("ss", "-Hx", "state", "connected", "src", natd.socket,
                                        check=False).stdout.strip(), 20, "it to come back")
        natd.ctl("open", "8081/tcp")
        wait_until(lambda: len(find(watch, "mapping-opened")) > before, 20, "mapping-opened")
        assert watch.running


def test_without_natd_and_with_a_wrong_folder():
    with Lab() as lab:
        none = lab.host.folder / "none.sock"
        done = lab.host.run(NATCTL, "-s", none, "watch", check=False)
        assert done.returncode == 3 and "natd is not running" in done.stderr
        for folder, why in ((lab.host.folder / "nowhere", "No such file"), ("/etc/passwd", "Not a"),
                            ("/tmp", "others may write")):
            done = lab.host.run(NATCTL, "-s", none, "watch", "--exec", folder, check=False)
            assert done.returncode == 64 and why in done.stderr, done.stderr
