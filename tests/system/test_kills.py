# SPDX-License-Identifier: GPL-2.0-or-later
"""natd is killed at any moment: what it had asked for is found again and can be removed.

NATD_KILLS=100 makes it a hundred kills, and NATD_SEED=N the same moments again."""

import os
import random
import signal
import time

import pytest

from lab import HOST, Lab, Redirect, wait_until

KILLS = int(os.environ.get("NATD_KILLS", "6"))
SEED = int(os.environ.get("NATD_SEED", "0")) or random.randrange(1, 1 << 32)
NEW = "192.168.77.44"
PORTS = (51820, 4500, 1194)


def configuration(protocol, chance):
    """Three forwards; another lease than before has everything asked for again, as renewals do."""
    return (f'router {{ protocols = {{ "{protocol}" }} lease = {chance.randrange(3000, 7000)} }}\n' +
            "".join(f'forward "f{port}" {{ protocol = "udp" port = {port} }}\n' for port in PORTS))


def wait_open(natd):
    wait_until(lambda: all(one["state"] == "open" for one in natd.status()["forwards"]), 30,
               "all to be open")


def renew(natd, protocol, chance):
    wait_open(natd)
    natd.configure(configuration(protocol, chance))
    natd.process.signal(signal.SIGHUP)


def stop(natd, _protocol, chance):
    if chance.random() < 0.5:
        wait_open(natd)
    natd.process.signal(signal.SIGTERM)


def move(natd, _protocol, chance):
    """The host's other address is the better one now; it still has this one."""
    wait_open(natd)
    now, other = (HOST, NEW) if natd.status()["host"]["address"] == HOST else (NEW, HOST)
    natd.node.ip(f"addr change {other}/24 dev eth0 preferred_lft forever valid_lft forever",
                 f"addr change {now}/24 dev eth0 preferred_lft 0 valid_lft forever")


def ask(*_):
    pass


def kill(natd):
    """All three at once: they are one process group."""
    os.killpg(natd.process.pid, signal.SIGKILL)
    natd.process.wait()


@pytest.mark.parametrize("variant, protocol, actions", [
    ("pcp", "pcp", (ask, renew, stop, move)),
    ("pcp", "nat-pmp", (ask, renew, stop, move)),
    ("igd2", "upnp", (ask, renew, stop)),
])
def test_nothing_is_left_behind(variant, protocol, actions):
    chance = random.Random(SEED)
    print(f"NATD_SEED={SEED}")
    with Lab(router=variant, start_vpn=False) as lab:
        lab.host.ip(f"addr add {NEW}/24 dev eth0", f"addr change {NEW}/24 dev eth0 preferred_lft 0")
        natd = lab.natd_on()
        for number in range(KILLS):
            action = actions[number % len(actions)]
            natd.start(configuration(protocol, chance), wait=action is not ask)
            action(natd, protocol, chance)
            time.sleep(chance.uniform(0, 0.12))  # a random moment is what this is about
            kill(natd)
        natd.start()
        wait_open(natd)
        address = natd.status()["host"]["address"]
        wait_until(lambda: lab.router.redirects() == {Redirect("udp", port, address, port)
                                                      for port in PORTS}, 20,
                   "each mapping once")
        assert natd.stop() == 0
        assert lab.router.redirects() == set()
