# SPDX-License-Identifier: GPL-2.0-or-later
"""One version of natd after another, under traffic: what an upgrade and a downgrade do.

NATD_BEFORE names the build folder of another version. Without it, one is built of this project's own
history, where there is one."""

import os
import pathlib
import subprocess
import tempfile

import pytest

from lab import HOST, WEB, Lab, Redirect, wait_until
from lab.natd import ROOT
from lab.traffic import Traffic

WIREGUARD = Redirect("udp", 51820, HOST, 51820)
OLDER = "647468f"  # its table has other sets, its state.json fewer members


def build(folder):
    """natd of OLDER, or None."""
    archive = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "archive", OLDER],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if archive.returncode:
        return None
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run(["make", "-s", "-C", folder, "BUILD=build", "CFLAGS=-O1", "build/natd/natd"],
                   stdout=subprocess.DEVNULL, env=environment, check=True)
    return pathlib.Path(folder, "build")


@pytest.fixture(scope="module")
def older():
    """The program of the other version."""
    with tempfile.TemporaryDirectory(prefix="natdolder-") as folder:
        os.chmod(folder, 0o755)
        found = os.environ.get("NATD_BEFORE") or build(folder)
        if not found:
            pytest.skip(f"{OLDER} is not in this project's history; NATD_BEFORE names another build")
        yield pathlib.Path(found, "natd", "natd")


def settled(natd):
    natd.wait_status("OK", state="open", external_port=51820)
    wait_until(lambda: natd.status()["rules"]["in_sync"], 20, "the rules")


def let_flow(traffic):
    sent = len(traffic.sent)
    wait_until(lambda: len(traffic.sent) > sent + 100, 20, "traffic")


@pytest.mark.parametrize("end", ["handover", "kill"])
def test_to_the_newer_and_back(older, end):
    """As an upgrade does it, or a crash in between: no datagram is lost or leaks, the router keeps the
    mapping, and the last one to stop leaves all as it was before the first."""
    with Lab() as lab:
        before = lab.snapshot()
        natd = lab.natd_on()
        newer = natd.program
        natd.program = older
        natd.start()
        settled(natd)
        lab.tunnel_up()
        with Traffic(lab.client, lab.web_node, WEB, wire=(lab.router.node, "lan")) as traffic:
            for program in (newer, older, newer):
                let_flow(traffic)
                getattr(natd, end)()
                let_flow(traffic)
                assert lab.router.redirects() == {WIREGUARD}
                natd.program = program
                natd.start()
                settled(natd)
            let_flow(traffic)
        count = traffic.count(HOST)
        assert (count.lost, count.leaked) == (0, 0) and count.sent > 500
        assert natd.stop() == 0
        assert lab.snapshot() == before
