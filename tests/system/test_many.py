# SPDX-License-Identifier: GPL-2.0-or-later
"""As many clients and publishes as natd.conf(5) may hold, through natd itself."""

from lab import EGRESS, Lab, wait_until

MANY = 10000


def configuration(last):
    """Clients of 10.8.0.0/16, each with an address of its own to leave with, and ports handed on to
    them; `last` is the egress of the VPN's own client."""
    lines = ['tunnel "wg0" { networks = { "10.8.0.0/16" } }',
             f'client "10.8.0.2" {{ egress = {last} }}']
    for i in range(MANY - 1):
        lines.append(f'client "10.8.{1 + i // 250}.{i % 250}" {{ egress = "{EGRESS}" }}')
    for i in range(MANY):
        lines.append(f'publish "p{i}" {{ port = {10000 + i} to = "10.8.{1 + i // 250}.{i % 250}" '
                     'to-port = 443 }')
    return "\n".join(lines) + "\n"


def test_ten_thousand_of_each():
    with Lab() as lab:
        lab.give_egress_address()
        natd = lab.natd(configuration("masquerade"))
        status = natd.wait_status("OK", timeout=60, state="open")
        wait_until(lambda: natd.status()["rules"]["in_sync"], 30, "the rules")
        assert len(status["tunnels"][0]["clients"]) == len(status["publish"]) == MANY
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == lab.wan
        natd.configure(configuration(f'"{EGRESS}"'))
        assert natd.ctl("reload").returncode == 0
        wait_until(lambda: lab.fetch_through_tunnel() == EGRESS, 30, "the client's new address")
        natd.configure(configuration("masquerade") + 'client "fd42::9" { egress = none }\n')
        refused = natd.ctl("reload")
        assert 'client "fd42::9" is one too many; allowed: 10000' in refused.stderr
        assert lab.fetch_through_tunnel() == EGRESS
