# SPDX-License-Identifier: GPL-2.0-or-later
"""A set of rules that the kernel, or rules, refuses: nothing is forwarded without one, natd says so for as
long as it is true, and tries again by itself."""

import subprocess

from lab import Lab, wait_until

PLAIN = 'rules { owned = false }\ntunnel "wg0" { networks = { "10.8.0.0/24" } }\n'
# One network behind two tunnels that leave differently.
CLASH = PLAIN + 'tunnel "wg1" { networks = { "10.8.0.0/24" } egress = "none" }\n'
SAID = "the kernel refuses the rules: the network 10.8.0.0/24 of wg1 is also behind wg0"


def forwards(lab):
    return lab.host.sysctl("ipv4/ip_forward")


def refused(natd):
    rules = natd.status()["rules"]
    return not rules["in_sync"] and rules["refused"]


def test_nothing_is_forwarded_without_rules():
    with Lab() as lab:
        before = forwards(lab)
        natd = lab.natd(CLASH)
        wait_until(lambda: refused(natd), 10, "the refusal")
        assert lab.host.tables() == set() and forwards(lab) == before == "0"
        verdict = natd.status()["verdict"]
        assert (verdict["code"], verdict["works"]) == ("E42", "no")
        assert verdict["text"].startswith("the kernel refuses natd's rules: the network 10.8.0.0/24")
        natd.configure(PLAIN)
        natd.ctl("reload")
        natd.wait_status("OK", state="open")
        wait_until(lambda: forwards(lab) == "1", 10, "forwarding")
        assert natd.log.count(SAID) == 1, "said once, though it was tried again"


def test_an_older_set_that_is_put_back_is_not_the_one_wanted():
    with Lab() as lab:
        natd = lab.natd(PLAIN)
        natd.wait_status("OK", state="open")
        wait_until(lambda: natd.status()["rules"]["in_sync"], 10, "the rules")
        natd.configure(CLASH)
        natd.ctl("reload")
        wait_until(lambda: refused(natd), 10, "the refusal")
        lab.host.nft("delete table inet natd")
        wait_until(lambda: natd.status()["rules"]["repairs"] == 1, 10, "the repair")
        assert "inet natd" in lab.host.tables()
        assert refused(natd) and natd.status()["verdict"]["code"] == "E42"


def test_a_table_that_another_has_for_a_while():
    """nft's interactive shell owns it until it ends."""
    with Lab() as lab:
        with subprocess.Popen(lab.host.command("nft", "-i"), stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.DEVNULL) as owner:
            owner.stdin.write("add table inet natd { flags owner; }\n")
            owner.stdin.flush()
            wait_until(lambda: "inet natd" in lab.host.tables(), 10, "the other's table")
            natd = lab.natd("")
            wait_until(lambda: refused(natd), 20, "the refusal")
        natd.wait_status("OK", timeout=40, state="open")
        assert natd.status()["rules"]["in_sync"]
        assert "the kernel has the rules now" in natd.log
