# SPDX-License-Identifier: GPL-2.0-or-later
"""upnp alone, on a web server that was made to hurt who reads it (upnp_hostile.py): nothing that it says
ends upnp, holds it up, or is taken for a yes."""

import os
import signal

import pytest

from test_upnp import lan, start  # noqa: F401  (fixtures)
from upnp_hostile import HTTP, SOAP, XML

BAD = "http://192.168.77.1:5000/bad.xml"
GOOD = "http://192.168.77.1:5000/desc.xml"
ACTIONS = ("AddPortMapping", "GetSpecificPortMappingEntry", "GetExternalIPAddress", "DeletePortMapping",
           "GetGenericPortMappingEntry")


def assert_small(upnp):
    """A sanitizer has memory of its own."""
    with open(f"/proc/{upnp.pid}/status", encoding="ascii") as status:
        most = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert "sanitized" in os.environ.get("NATD_BUILD", "") or most < 40 * 1024


@pytest.mark.parametrize("names", [sorted(XML), sorted(HTTP)], ids=["xml", "http"])
def test_descriptions(lan, start, names):
    """Each is read before a good one, which is found nevertheless, by the same process."""
    lan.start_rude(location=[BAD, GOOD])
    upnp = start(("upnp",), use=False)
    for generation, name in enumerate(names, 1):
        lan.tell(description={"/bad.xml": name, "/desc.xml": "plain"})
        upnp.use(("upnp",), generation)
        upnp.open()
        assert upnp.next("mapped 1 upnp").split()[3] == "51820", name
        assert len([one for one in lan.hears("get") if one["path"] == "/bad.xml"]) == generation, name
    assert {one["path"] for one in lan.hears("get")} == {"/bad.xml", "/desc.xml"}, "none led elsewhere"
    assert_small(upnp)


# A table of a thousand such entries is read to its end, which takes a while.
LARGE = {"long-values", "many-values"}


@pytest.mark.parametrize("action", ACTIONS)
def test_answers(lan, start, action):
    """The process goes on, and what comes after is as if nothing had been."""
    names = set(HTTP) | set(SOAP) - (LARGE if action == "GetGenericPortMappingEntry" else set())
    lan.start_rude(location=GOOD)
    upnp = start(("upnp",), use=False)
    for generation, name in enumerate(sorted(names), 1):
        lan.tell(hostile={action: name})
        upnp.use(("upnp",), generation)
        upnp.open()
        upnp.next(("mapped 1 upnp", "failed 1"), 20)
        upnp.send("list")
        upnp.next("listed")
        upnp.send("unmap 1 udp upnp 51820 51820 0 wireguard")
        upnp.next("unmapped 1")
        assert not [line for line in upnp.heard("") if line.startswith("wan") and line not in (
            "wan upnp 11.0.0.2", "wan upnp 0.0.0.0")], name
    assert_small(upnp)
    lan.tell(hostile={})
    upnp.use(("upnp",), 1000)
    upnp.open()
    upnp.next("mapped 1 upnp")


def test_description_without_end(lan, start):
    """As fast as the wire takes it; the memory that it may fill is bounded."""
    lan.start_rude(location=[BAD, GOOD], description={"/bad.xml": "flood", "/desc.xml": "plain"})
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    assert_small(upnp)


def test_router_that_hangs_up_on_a_writer_ends_nothing(lan, start):
    """libminiupnpc does not keep SIGPIPE off."""
    lan.start_rude(location=GOOD)
    upnp = start(("upnp",))
    upnp.open()
    upnp.next("mapped 1 upnp")
    os.kill(upnp.pid, signal.SIGPIPE)
    upnp.open(number=2, port=51821)
    upnp.next("mapped 2 upnp")
