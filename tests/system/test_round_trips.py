# SPDX-License-Identifier: GPL-2.0-or-later
"""How many round trips with a real router it takes to open a port, and how many packets: counted on the
wire, so that a busy machine changes nothing. `make bench` shows the same beside other programs."""

import contextlib
import json

import pytest

from lab import HOST, Lab, Wire, wait_until
from lab.wire import PCP_PORT

# A router whose PCP is silent where its NAT-PMP answers: version 2 is the first octet of a datagram.
SILENT_PCP = """
table inet nopcp {
	chain input {
		type filter hook input priority -10;
		udp dport 5351 @th,64,8 2 drop
	}
}
"""


@contextlib.contextmanager
def watched(variant, silent_pcp=False):
    with Lab(router=variant, start_vpn=False) as lab:
        if silent_pcp:
            lab.router.node.nft(SILENT_PCP)
        wire = Wire(lab.router.node, HOST)
        try:
            yield lab, wire
        finally:
            wire.close()


def until_open(lab, wire, config):
    """The round trips from natd's start, and natd."""
    natd = lab.natd(config, wait=False)
    return wire.round_trips(wire.wait_open()), natd


@pytest.mark.parametrize("variant", ["pcp", "everything"])
def test_pcp_takes_one(variant):
    with watched(variant) as (lab, wire):
        assert until_open(lab, wire, "")[0] == 1


@pytest.mark.parametrize("order", ['"nat-pmp"', '"pcp", "nat-pmp"', '"pcp", "nat-pmp", "upnp"'])
def test_nat_pmp_takes_two_also_where_pcp_is_silent(order):
    with watched("pcp", silent_pcp=True) as (lab, wire):
        trips, natd = until_open(lab, wire, f"router {{ protocols = {{ {order} }} }}")
        assert trips <= 2
        natd.wait_status(None, via="nat-pmp", state="open")


@pytest.mark.parametrize("variant", ["igd1", "igd2"])
def test_upnp_takes_an_answer_to_the_search_and_six(variant):
    with watched(variant) as (lab, wire):
        assert until_open(lab, wire, "")[0] <= 1 + 6


def test_upnp_takes_two_with_what_the_run_before_knew():
    """A connection and a question. The search that goes out as well is not waited for."""
    with watched("igd2") as (lab, wire):
        natd = lab.natd("")
        natd.wait_status(None, state="open")
        wait_until(lambda: "service" in json.loads((natd.state / "state.json").read_bytes()), 20,
                   "the service in the state")
        natd.kill()
        wire.forget()
        assert until_open(lab, wire, "")[0] == 2


@pytest.mark.parametrize("variant", ["pcp", "igd2", "everything", "silent"])
def test_the_first_burst_is_five_datagrams_at_most(variant):
    with watched(variant) as (lab, wire):
        lab.natd("", wait=False)
        wire.wait(lambda packet: packet.source == HOST, what="the first datagram")
        while wire.read(0.1):  # the second tries, where nobody answers, come after 250 ms
            pass
        assert 1 <= len(wire.burst()) <= 5, wire.burst()


@pytest.mark.parametrize("protocol", ["pcp", "nat-pmp"])
def test_a_renewal_is_two_packets(protocol):
    with watched("brief") as (lab, wire):
        natd = lab.natd(f'router {{ protocols = {{ "{protocol}" }} lease = 20 }}')
        natd.wait_status(None, state="open")
        wire.forget()
        renewed = wire.wait_open(20)
        talk = [packet for packet in wire.packets if PCP_PORT in (packet.source_port,
                                                                  packet.target_port)]
        assert [packet.source for packet in talk] == [HOST, renewed.source]
