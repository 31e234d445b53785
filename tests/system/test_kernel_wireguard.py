# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own WireGuard, where this kernel has one; make check-vm runs it on Debian's."""

import subprocess

import pytest

from lab import WAN, Lab
from lab.vpn import KernelWireGuard

PORT = 51999  # in no file: only the kernel knows it


def has_wireguard():
    """Asked in a network namespace that ends with the question."""
    return subprocess.run(["unshare", "--net", "ip", "link", "add", "wg0", "type", "wireguard"],
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_wireguard(), reason="this kernel has no WireGuard")


def test_natd_asks_the_kernel_for_the_port():
    with Lab(start_vpn=False) as lab:
        lab.vpn = KernelWireGuard(lab.host, lab.client)
        lab.vpn.port = PORT
        lab.vpn.server_up()
        natd = lab.natd()
        natd.wait_status("OK", port=PORT, state="open")
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN
        assert lab.fetch_through_tunnel(size=100_000) == WAN
        assert natd.stop() == 0
        assert lab.host.tables() == set()
