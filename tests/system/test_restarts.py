# SPDX-License-Identifier: GPL-2.0-or-later
"""What natd knew when it, the host or the router was last running: the state file and what follows."""

import json
import os
import signal

import pytest

from lab import HOST, LAN, Lab, Redirect, wait_until

WIREGUARD = Redirect("udp", 51820, HOST, 51820)
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def saved(natd):
    return json.loads((natd.state / "state.json").read_bytes())


def epochs(natd):
    return {entry["protocol"]: entry["epoch"] for entry in saved(natd)["epochs"]}


def waiting(lab):
    """Does a question wait before the port of PCP and NAT-PMP?"""
    line = lab.router.node.run("ss", "-Hlun", "sport = :5351").stdout.split()
    return int(line[1]) > 0


def opened(lab, config=""):
    """natd with all that it keeps in its file."""
    natd = lab.natd(config).settled()
    wait_until(lambda: saved(natd)["mappings"][0]["router"], 20, "the router's MAC in the state")
    return natd


def clock_ahead(seconds):
    """CLOCK_BOOTTIME, by a time namespace (time_namespaces(7))."""
    return ("unshare", "--time", "--boottime", str(seconds), "--")


def reboot(lab, natd, seconds):
    """The host without power: its kernel forgets, calls itself something else and counts from another
    second, `seconds` from the one of now."""
    natd.kill()
    lab.host.nft("flush ruleset")
    lab.host.run("conntrack", "-F", check=False)
    lab.host.run("ip", "neigh", "flush", "dev", "eth0")
    other = lab.host.folder / "boot_id"
    other.write_text("6e617464-0000-4000-8000-000000000002\n", encoding="ascii")
    lab.host.run("mount", "--bind", other, BOOT_ID)  # in the host's own mount namespace
    return natd.start(by=clock_ahead(seconds))


@pytest.mark.parametrize("variant", ["pcp", "igd2", "everything"])
def test_a_restart_changes_nothing_on_disk(variant):
    """An SD card is not written for nothing: the file is as it was, and the mapping the same."""
    with Lab(router=variant) as lab:
        natd = opened(lab)
        path = natd.state / "state.json"
        before, inode = path.read_bytes(), path.stat().st_ino
        natd.kill()
        natd.start().settled()
        natd.wait_status("OK", state="open", external_port=51820)
        assert path.read_bytes() == before
        assert path.stat().st_ino == inode, "written anew"


# Less than the host has been up, and more than any router that is tested here.
UPTIME = float(open("/proc/uptime", encoding="ascii").read().split()[0])


@pytest.mark.parametrize("variant", ["pcp", "igd2", "everything"])
@pytest.mark.parametrize("seconds", [-int(UPTIME / 2), 500000], ids=["younger", "older"])
def test_reboot_of_the_host(variant, seconds):
    """The same mapping is renewed, not doubled, and can be removed. The clock of another boot proves
    nothing about the router."""
    with Lab(router=variant) as lab:
        natd = opened(lab)
        nonce = saved(natd)["mappings"][0]["nonce"]
        reboot(lab, natd, seconds).settled()
        natd.wait_status("OK", state="open", external_port=51820)
        assert saved(natd)["mappings"][0]["nonce"] == nonce
        assert lab.router.redirects() == {WIREGUARD}
        assert "has restarted" not in natd.log
        natd.kill()
        natd.start(by=clock_ahead(seconds + 1)).settled()  # in the new boot its clock counts
        assert "has restarted" not in natd.log
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


@pytest.mark.parametrize("variant, told", [("pcp", {"pcp", "nat-pmp"}), ("igd2", set())])
def test_router_reboots_while_natd_is_down(variant, told):
    """It is told, once though two protocols show it, and the mapping is there at once: nothing is
    asked twice for it."""
    with Lab(router=variant) as lab:
        natd = opened(lab)
        wait_until(lambda: set(epochs(natd)) == told, 20, "the epochs in the state")
        natd.kill()
        lab.router.restart()
        assert lab.router.redirects() == set()
        natd.start(by=clock_ahead(1000))  # as if it had been down for a while
        natd.wait_status("OK", state="open", external_port=51820)
        natd.settled()
        assert lab.router.redirects() == {WIREGUARD}
        assert natd.log.count("since natd heard of it") == bool(told)
        assert "asked afresh" not in natd.log
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


@pytest.mark.parametrize("variant", ["pcp", "igd2"])
def test_wan_address_changes_while_natd_is_down(variant):
    """The line came up with another address: the mapping is the same one, and natctl tells the new."""
    with Lab(router=variant) as lab:
        natd = opened(lab)
        assert natd.ctl("wan-ip").stdout == "11.0.1.2\n"
        natd.kill()
        lab.router.node.ip("addr flush dev wan", "addr add 11.0.1.7/24 dev wan",
                           "route add default via 11.0.1.1")
        natd.start()
        wait_until(lambda: natd.status()["router"]["wan_address"] == "11.0.1.7", 20,
                   "the new address")
        natd.wait_status("OK", state="open", external_port=51820, external_address="11.0.1.7")
        assert lab.router.redirects() == {WIREGUARD}
        wait_until(lambda: saved(natd)["wan"] == "11.0.1.7", 20, "the new address in the state")
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


@pytest.mark.parametrize("outer", ["pcp", "igd2"])
def test_both_routers_reboot_while_natd_is_down(outer):
    """A power cut for all but the host's battery: both mappings come back."""
    with Lab(router="pcp", outer=outer, ext_ip="11.0.9.9") as lab:
        natd = lab.natd()
        natd.wait_status("OK", state="open", external_port=51820)
        wait_until(lambda: lab.outer.redirects(), 20, "the outer router's mapping")
        before = lab.router.redirects(), lab.outer.redirects()
        natd.kill()
        for router in (lab.outer, lab.router):
            router.restart()
        natd.start(by=clock_ahead(1000))
        wait_until(lambda: (lab.router.redirects(), lab.outer.redirects()) == before, 60,
                   "both mappings")
        natd.wait_status("OK", state="open", external_port=51820)
        assert natd.stop() == 0
        assert (lab.router.redirects(), lab.outer.redirects()) == (set(), set())


@pytest.mark.parametrize("protocol", ["pcp", "nat-pmp"])
def test_what_nobody_wants_any_more_is_removed_under_the_former_address(protocol):
    """While natd was down, the host got another address and natd.conf another port. Only the former
    address, which it still has, may remove what it was granted."""
    config = 'router {{ protocols = {{ "{}" }} }}\nforward "a" {{ port = {} }}'
    new = f"{LAN}.44"
    with Lab(router="pcp", start_vpn=False) as lab:
        natd = lab.natd(config.format(protocol, 51820))
        natd.wait_status(None, state="open")
        natd.kill()
        lab.host.ip(f"addr add {new}/24 dev eth0", f"addr change {HOST}/24 dev eth0 preferred_lft 0")
        natd.start(config.format(protocol, 4500))
        wait_until(lambda: lab.router.redirects() == {Redirect("udp", 4500, new, 4500)}, 20,
                   "the new port alone")
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


@pytest.mark.parametrize("variant, protocol", [("pcp", "pcp"), ("pcp", "nat-pmp"), ("igd2", "upnp")])
def test_another_port_is_wanted_than_by_the_run_before(variant, protocol):
    """The first question is then a removal; its answer shows that the protocol works."""
    config = 'router {{ protocols = {{ "{}" }} }}\nforward "a" {{ port = {} }}'
    with Lab(router=variant, start_vpn=False) as lab:
        natd = lab.natd(config.format(protocol, 51820))
        natd.wait_status(None, state="open")
        wait_until(lambda: protocol != "upnp" or "service" in saved(natd), 20, "the service")
        natd.kill()
        natd.start(config.format(protocol, 4500))
        wait_until(lambda: lab.router.redirects() == {Redirect("udp", 4500, HOST, 4500)}, 20,
                   "the new port alone")
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


@pytest.mark.parametrize("protocol", ["pcp", "nat-pmp"])
@pytest.mark.parametrize("killed", [False, True], ids=["told", "killed"])
def test_what_was_asked_for_and_is_not_wanted_any_more(protocol, killed):
    """Before the router has answered, natd.conf gets another port, and natd has its protocols asked
    afresh, or is killed. The router does the first question when it comes to it."""
    config = 'router {{ protocols = {{ "{}" }} lease = {} }}\nforward "a" {{ port = {} }}'
    with Lab(router="pcp", start_vpn=False) as lab:
        lab.router.miniupnpd.signal(signal.SIGSTOP)
        natd = lab.natd(config.format(protocol, 7200, 51820))
        wait_until(lambda: waiting(lab), 10, "the question to wait before miniupnpd")
        if killed:
            natd.kill()
            lab.router.miniupnpd.signal(signal.SIGCONT)
            wait_until(lambda: lab.router.redirects() == {WIREGUARD}, 10, "the port that was asked for")
            natd.start(config.format(protocol, 7200, 4500))
        else:
            natd.configure(config.format(protocol, 3600, 4500))
            os.kill(natd.pids()["upnp"], signal.SIGSTOP)  # as where it waits for an answer of UPnP
            assert natd.ctl("reload").returncode == 0
            os.kill(natd.pids()["upnp"], signal.SIGCONT)
            lab.router.miniupnpd.signal(signal.SIGCONT)
        natd.wait_status(None, port=4500, state="open")
        wait_until(lambda: lab.router.redirects() == {Redirect("udp", 4500, HOST, 4500)}, 10,
                   "the new port alone")


def test_what_upnp_was_asked_for_is_removed_where_pcp_writes():
    """natd is killed before it hears of the grant; the next one prefers PCP, which may not remove what
    another protocol has made."""
    with Lab(router="everything", start_vpn=False) as lab:
        lab.router.miniupnpd.signal(signal.SIGSTOP)
        natd = lab.natd('router { protocols = { "upnp" } }\nforward "a" { port = 51820 }')
        natd.process.signal(signal.SIGSTOP)
        lab.router.miniupnpd.signal(signal.SIGCONT)
        wait_until(lambda: lab.router.redirects() == {WIREGUARD}, 20, "the port that was asked for")
        natd.kill()
        natd.start('forward "a" { port = 4500 }')
        natd.wait_status(None, port=4500, state="open", via="pcp")
        wait_until(lambda: lab.router.redirects() == {Redirect("udp", 4500, HOST, 4500)}, 10,
                   "the new port alone")
