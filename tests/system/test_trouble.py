# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong in a home: cables, addresses, gateways, full disks, hanging processes, haste."""

import os
import signal
import threading
import time

import pytest

from lab import GATEWAY, HOST, LAN, USER, WAN, Lab, Redirect, wait_until

WIREGUARD = Redirect("udp", 51820, HOST, 51820)


def running(natd):
    natd.wait_status("OK", state="open", external_port=51820)
    return natd


def wait_redirects(lab, wanted, timeout=20):
    wait_until(lambda: lab.router.redirects() == wanted, timeout, f"{wanted} on the router")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- the way to the internet ----

def test_cable_pulled():
    """The static route stays, the verdict does not. Back again, the router may have been without
    power: the port is asked for at once, not at the next renewal in an hour."""
    with Lab() as lab:
        natd = running(lab.natd())
        lab.router.node.ip("link set port1 down")
        status = natd.wait_status("E11")
        assert "eth0" in status["verdict"]["text"]
        assert "eth0 is not connected any more" in natd.log
        assert status["forwards"][0]["state"] == "off"
        lab.router.restart()
        assert lab.router.redirects() == set()
        lab.router.node.ip("link set port1 up")
        running(natd)
        assert lab.router.redirects() == {WIREGUARD}


def test_gateway_changes():
    """The router is replaced by one at another address."""
    with Lab() as lab:
        natd = running(lab.natd())
        lab.router.node.ip(f"addr add {LAN}.2/24 dev lan", f"addr del {LAN}.1/24 dev lan")
        lab.router.node.ip(f"addr replace {LAN}.2/24 dev lan")
        lab.router.restart()
        lab.host.ip(f"route replace default via {LAN}.2 dev eth0")
        wait_until(lambda: natd.status()["router"]["address"] == f"{LAN}.2", 10, "the new router")
        assert f"the home router is {LAN}.2 on eth0" in natd.log
        running(natd)
        lab.tunnel_up()


def test_interface_renamed():
    with Lab() as lab:
        natd = running(lab.natd())
        lab.host.ip("link set eth0 down", "link set eth0 name lan0", "link set lan0 up",
                    f"route replace default via {GATEWAY} dev lan0")
        wait_until(lambda: natd.status()["host"]["interface"] == "lan0", 10, "the new name")
        running(natd)
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN


def test_from_one_interface_to_another():
    """As from Wi-Fi to a cable: another interface, another address, the better metric."""
    with Lab() as lab:
        natd = running(lab.natd())
        lab.router.node.ip("link add port3 type veth peer name eth1 netns "
                           f"{lab.host.namespace}", "link set port3 master lan",
                           "link set port3 up")
        lab.host.ip(f"addr add {LAN}.44/24 dev eth1", "link set eth1 up",
                    f"route replace default via {GATEWAY} dev eth0 metric 600",
                    f"route replace default via {GATEWAY} dev eth1 metric 100")
        lab.host.ip("route del default dev eth0 metric 0")
        wait_until(lambda: natd.status()["host"]["address"] == f"{LAN}.44", 10, "the cable")
        lab.host.ip("link set eth0 down")
        natd.wait_status(None, state="open")
        assert f"{LAN}.44" in {one.address for one in lab.router.redirects()}
        assert f"the home router is {GATEWAY} on eth1; this host is {LAN}.44" in natd.log


def test_wan_address_changes():
    """A reconnect of the line: natctl tells the new address after the router is asked again."""
    with Lab() as lab:
        natd = running(lab.natd())
        lab.router.node.ip("addr flush dev wan", "addr add 11.0.1.77/24 dev wan",
                           "route add default via 11.0.1.1")
        lab.router.restart()
        lab.host.ip("route del default")
        natd.wait_status("E11")
        lab.host.ip(f"route add default via {GATEWAY} dev eth0")
        running(natd)
        wait_until(lambda: natd.ctl("wan-ip").stdout == "11.0.1.77\n", 10, "the new address")


def test_no_route_while_a_retry_is_due():
    """The router did not answer, then the route goes: natd sleeps until something happens."""
    with Lab(router="nothing") as lab:
        natd = lab.natd()
        natd.wait_status("E10")
        lab.host.ip("route del default")
        natd.wait_status("E11")
        before = cpu_seconds(natd.pids()["natd"])
        time.sleep(5)  # longer than the first retries take
        assert cpu_seconds(natd.pids()["natd"]) - before < 0.5
        lab.router.start("everything")
        lab.host.ip(f"route add default via {GATEWAY} dev eth0")
        running(natd)


def test_only_ipv6():
    with Lab(online=False) as lab:
        lab.host.ip("link set eth0 up", "addr add 2a11:0:77::10/64 dev eth0 nodad",
                    "route add ::/0 via 2a11:0:77::1 dev eth0")
        natd = lab.natd()
        status = natd.wait_status("E11")
        assert "IPv4" in status["verdict"]["text"]
        assert natd.ctl("wan-ip", "-6").stdout == "2a11:0:77::10\n"


def test_public_address_without_a_router():
    """A rented server with a point-to-point default route: nothing to ask, nothing to open."""
    with Lab(online=False) as lab:
        lab.host.ip("link set eth0 up", "addr add 11.0.9.9/32 dev eth0",
                    "route add default dev eth0")
        natd = lab.natd()
        status = natd.wait_status("OK")
        assert status["router"]["address"] is None
        assert "11.0.9.9" in status["verdict"]["text"]
        assert status["forwards"][0]["external_address"] == "11.0.9.9"
        assert natd.ctl("wan-ip").stdout == "11.0.9.9\n"
        assert natd.ctl("status").returncode == 0
        opened = natd.ctl("open", "4000/tcp")  # at once, not when ten seconds are over
        assert opened.returncode == 2
        assert "no router" in opened.stdout


def test_strange_names_of_interfaces():
    """Whatever root calls an interface, natd goes on."""
    with Lab() as lab:
        natd = running(lab.natd())
        for name in (b"wg-b\xc3\xbcro", b"\xff\xfe", b"tun*", b'a"b', b"x\\y"):
            lab.host.run(b"ip".decode(), "tuntap", "add", "dev", os.fsdecode(name), "mode", "tun")
            lab.host.run("ip", "link", "set", "dev", os.fsdecode(name), "up")
        lab.host.ip("tuntap add dev tun9 mode tun", "addr add 10.77.0.1/24 dev tun9",
                    "link set tun9 up")
        wait_until(lambda: "tun9" in [one["interface"] for one in natd.status()["tunnels"]], 10,
                   "the tunnel of an ordinary name")
        running(natd)


# ---- haste ----

def test_second_natd_disturbs_nothing():
    """Started by hand beside the service: it says so before it asks the router anything."""
    with Lab() as lab:
        natd = running(lab.natd()).settled()
        wait_until(lambda: "inet natd" in lab.host.tables(), 10, "the table")
        before = (lab.router.redirects(), lab.host.ruleset(),
                  (natd.state / "state.json").read_bytes())
        config = lab.host.folder / "other.conf"
        config.write_text('forward "x" { protocol = "tcp" port = 4000 }\n')
        done = lab.host.run(*natd.command("-f", config), check=False)
        assert done.returncode > 0
        assert len(done.stderr.splitlines()) == 1 and "another natd" in done.stderr
        assert (lab.router.redirects(), lab.host.ruleset(),
                (natd.state / "state.json").read_bytes()) == before
        assert "changed table" not in natd.log


def test_reload_while_stopping():
    """SIGHUP, routes and tunnels after SIGTERM: what is given back stays given back."""
    with Lab(router="igd2") as lab:
        before = lab.snapshot()
        natd = running(lab.natd())
        upnp = natd.pids()["upnp"]
        os.kill(upnp, signal.SIGSTOP)  # the stop takes a moment
        natd.process.signal(signal.SIGTERM)
        natd.process.wait_log("stopping")
        for _ in range(20):
            natd.process.signal(signal.SIGHUP)
            lab.host.ip("tuntap add dev tun9 mode tun", "link set tun9 up", "link del tun9")
        os.kill(upnp, signal.SIGCONT)
        assert natd.process.wait() == 0
        after = lab.snapshot()
        assert (after["router"], after["rules"]) == (before["router"], before["rules"])


def test_many_ask_at_once():
    """More than natd has places for: each is answered, nobody is turned away."""
    with Lab() as lab:
        natd = running(lab.natd())
        codes = []
        threads = [threading.Thread(target=lambda: codes.append(natd.ctl("status").returncode))
                   for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == [0] * 200


def test_tunnels_come_and_go():
    with Lab() as lab:
        natd = running(lab.natd())
        pids = natd.pids()
        for _ in range(100):
            lab.host.ip("tuntap add dev tun9 mode tun", "addr add 10.77.0.1/24 dev tun9",
                        "link set tun9 up", "link del tun9")
        wait_until(lambda: [one["interface"] for one in natd.status()["tunnels"]] == ["wg0"], 20,
                   "natd to see wg0 alone")
        running(natd)
        assert natd.pids() == pids
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN


# ---- processes that hang ----

def test_upnp_hangs_in_a_storm():
    """upnp waits for a slow router; meanwhile the user reloads, and reloads."""
    with Lab() as lab:
        natd = running(lab.natd())
        pids = natd.pids()
        os.kill(pids["upnp"], signal.SIGSTOP)
        for number in range(600):
            natd.configure("".join(f'forward "f{port}" {{ protocol = "udp" port = {port} }}\n'
                                   for port in (51820, *range(2001, 2006))) +
                           f"router {{ lease = {3600 + number} }}")
            reloaded = natd.ctl("reload") if number % 100 == 0 else None
            natd.process.signal(signal.SIGHUP)
            assert reloaded is None or reloaded.returncode == 0
        assert natd.status()["forwards"]
        natd.configure("")
        assert natd.ctl("reload").returncode == 0
        os.kill(pids["upnp"], signal.SIGCONT)
        running(natd)
        assert natd.pids() == pids
        wait_redirects(lab, {WIREGUARD})


def test_rules_hangs():
    """natctl status is answered from memory; nothing is lost when rules goes on."""
    with Lab() as lab:
        natd = running(lab.natd())
        rules = natd.pids()["rules"]
        os.kill(rules, signal.SIGSTOP)
        assert natd.ctl("status").returncode == 0
        lab.host.ip("tuntap add dev tun9 mode tun", "addr add 10.77.0.1/24 dev tun9",
                    "link set tun9 up")
        os.kill(rules, signal.SIGCONT)
        wait_until(lambda: "tun9" in lab.host.ruleset(), 10, "rules for tun9")


@pytest.mark.parametrize("name", ["upnp", "rules"])
def test_stopped_while_one_hangs(name):
    """The stop ends in time and nothing of natd is left running."""
    with Lab() as lab:
        natd = running(lab.natd())
        pids = natd.pids()
        os.kill(pids[name], signal.SIGSTOP)
        natd.process.signal(signal.SIGTERM)
        assert natd.process.wait(15) == (0 if name == "upnp" else 1)
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids.values()), 5,
                   "all three to end")
        if name == "upnp":
            assert "inet natd" not in lab.host.tables()


def test_the_kernel_has_its_time_after_the_router():
    """Both take nearly two of their three seconds: all is removed, and that is no failure."""
    with Lab() as lab:
        natd = running(lab.natd())
        pids = natd.pids()
        os.kill(pids["rules"], signal.SIGSTOP)
        os.kill(pids["upnp"], signal.SIGSTOP)
        natd.process.signal(signal.SIGTERM)
        time.sleep(1.8)
        os.kill(pids["upnp"], signal.SIGCONT)
        wait_redirects(lab, set())
        time.sleep(1.8)
        os.kill(pids["rules"], signal.SIGCONT)
        assert natd.process.wait(15) == 0
        assert "inet natd" not in lab.host.tables()


def test_router_hangs():
    """The router takes a connection and never answers: natd stops in time, and its list of the
    table works again when the router does."""
    with Lab(router="igd2") as lab:
        natd = running(lab.natd())
        lab.router.miniupnpd.signal(signal.SIGSTOP)
        asking = threading.Thread(target=natd.ctl, args=("list",))
        asking.start()
        wait_until(lambda: natd.ctl("status").returncode == 0, 5, "status at once")
        lab.host.ip(f"route replace default via {GATEWAY} dev eth0 src {HOST} metric 5",
                    "route del default metric 0")
        natd.configure("router { lease = 3000 }")  # asks all afresh: the list is forgotten
        natd.ctl("reload")
        asking.join()
        lab.router.miniupnpd.signal(signal.SIGCONT)
        wait_until(lambda: len(natd.json("list").get("mappings", [])) == 1, 40, "the list", every=1)


# ---- the disk ----

def test_disk_full():
    """natd does its work all the same and says so once, not with each renewal."""
    with Lab(router="igd2") as lab:
        natd = lab.natd_on()
        lab.host.run("mount", "-t", "tmpfs", "-o", f"size=4k,uid={USER}", "tmpfs", natd.state)
        lab.host.run("sh", "-c", f"head -c 4096 /dev/zero >{natd.state}/full || true")
        natd.start("router { lease = 20 }")
        running(natd)
        time.sleep(21)  # two renewals
        running(natd)
        assert natd.log.count("cannot be written") == 1, natd.log
        assert "No space left" in natd.log
        lab.host.run("rm", f"{natd.state}/full")
        natd.ctl("open", "4000/tcp")
        assert "can be written again" in natd.log
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


def test_state_is_garbage_while_running():
    with Lab() as lab:
        before = lab.snapshot()
        natd = running(lab.natd())
        (natd.state / "state.json").write_bytes(os.urandom(5000))
        natd.ctl("open", "4000/tcp")
        natd.ctl("close", "4000/tcp")
        running(natd)
        assert natd.stop() == 0
        assert lab.snapshot() == before


def test_closed_output():
    """Started with standard output and error closed: its sockets do not become the log."""
    with Lab() as lab:
        natd = lab.natd_on()
        command = [*map(str, natd.command("-v"))]
        natd.process = lab.host.start("natd", "sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command)
        wait_until(lambda: natd.ctl("status").returncode == 0, 10, "OK")
        running(natd)
        assert natd.stop() == 0


def test_pivpn_installed_later():
    """With Landlock natd may not read a folder that was not there when it started; it says what to
    do."""
    with Lab(vpn="tun") as lab:
        etc = lab.host.folder / "etc"
        for name in ("upper", "work"):
            (etc / name).mkdir(parents=True)
        lab.host.run("mount", "-t", "overlay", "overlay", "-o",
                     f"lowerdir=/etc,upperdir={etc}/upper,workdir={etc}/work", "/etc")
        natd = lab.natd()
        natd.wait_status(None, state="open", external_port=51820)
        lab.host.run("sh", "-c", "mkdir -p /etc/pivpn/openvpn && "
                     "echo pivpnPORT=1194 >/etc/pivpn/openvpn/setupVars.conf")
        lab.host.ip("tuntap add dev tun9 mode tun")
        wait_until(lambda: "sudo systemctl restart natd" in natd.log or
                   lab.router.redirect("udp", 1194), 10, "natd to see it or to say why not")
        assert natd.stop() == 0
        natd.start().wait_status("OK", state="open", external_port=1194)
        lab.tunnel_up()


def test_disk_read_only():
    """As when an SD card has gone bad: natd does its work and says it once."""
    with Lab(router="igd2") as lab:
        natd = lab.natd_on()
        lab.host.run("mount", "-t", "tmpfs", "-o", f"uid={USER}", "tmpfs", natd.state)
        lab.host.run("mount", "-o", "remount,ro", natd.state)
        running(natd.start())
        natd.ctl("open", "4000/tcp")
        natd.ctl("close", "4000/tcp")
        assert natd.log.count("cannot be written") == 1, natd.log
        assert "Read-only" in natd.log
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


def test_router_dies_in_the_middle_of_a_request():
    """It has taken the connection and is killed; started again, it has forgotten everything."""
    with Lab(router="igd2") as lab:
        natd = running(lab.natd())
        lab.router.miniupnpd.signal(signal.SIGSTOP)
        opened = threading.Thread(target=natd.ctl, args=("open", "4000/tcp"))
        opened.start()
        wait_until(lambda: len(natd.status()["forwards"]) == 2, 10, "the second forward")
        lab.router.restart()
        opened.join()
        wait_redirects(lab, {WIREGUARD, Redirect("tcp", 4000, HOST, 4000)}, 60)
        natd.ctl("close", "4000/tcp")
        running(natd)
