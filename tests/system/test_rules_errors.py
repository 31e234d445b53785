# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel refuses, made to happen: test_rules.py's network. tests/unit/test_rules_nftables.c has
what cannot be made to happen."""

import errno
import os
import pathlib

import pytest

from lab.process import wait_until
from test_rules import BOTH, WAN, WEB, nodes, reach, rules  # nodes and rules are fixtures

__all__ = ["nodes", "rules"]

REFUSED = pathlib.Path("/tmp/refused")  # tests/vm/inside: what modprobe does not load


@pytest.mark.skipif("NATD_IN_VM" not in os.environ, reason="it takes a module from the kernel")
def test_a_kernel_without_masquerade(rules, nodes):
    """Nothing is changed, and the module is named; with it, all is well."""
    host = nodes["host"]
    host.nft("table inet mine { }")
    # A table that went lets go of its modules a moment later.
    wait_until(lambda: host.run("rmmod", "nft_masq", check=False).returncode == 0
               or "nft_masq" not in host.run("lsmod").stdout, 10, "the end of nft_masq")
    REFUSED.write_text("-masq\n", encoding="ascii")
    try:
        assert rules.commit(*BOTH) == (
            errno.ENOENT, 'a rule of the chain translate (its "masq": module nft_masq)')
        assert host.tables() == {"inet mine"}
    finally:
        REFUSED.unlink()
    rules.put(*BOTH, generation=2)
    assert reach(nodes["alice"], nodes["web"], WEB) == WAN
