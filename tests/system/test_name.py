# SPDX-License-Identifier: GPL-2.0-or-later
"""The name in natd.conf: whether it leads to this home, asked of a real DNS server."""

import pytest

from lab import GATEWAY, HOST6, WAN, WEB, Lab, dns, wait_until

NAME = "myhome.ddns.test"
CONFIG = f'name = "{NAME}"'
OLD = "11.0.9.12"
NEW_WAN = "11.0.1.77"


def start(lab, records, config=CONFIG, **options):
    """natd with a name, and the DNS server on the internet; the first resolver of the host does not
    answer, as in many homes."""
    server = dns.DNS(lab.web_node, records, **options)
    dns.use(lab.host, GATEWAY, WEB)
    return server, lab.natd(config)


def named(natd, condition, what):
    """Waits for a condition of the status' "name" and returns it."""
    return wait_until(lambda: (lambda name: name and condition(name) and name)(
        natd.status()["name"]), 20, what)


def test_right_then_stale_then_right():
    with Lab() as lab:
        server, natd = start(lab, {NAME: ["home.isp.test"], "home.isp.test": [WAN, HOST6]},
                             forge=[OLD])
        natd.wait_status("OK")
        name = named(natd, lambda name: name["matches"] is not None, "the name")
        assert (name["matches"], name["ttl"], name["wrong_for"]) == (True, 60, None)
        assert name["name"] == NAME and sorted(name["addresses"]) == sorted([WAN, HOST6])
        server.records[NAME] = [OLD]
        natd.ctl("reload")
        status = natd.wait_status("E30")
        assert status["verdict"]["works"] == "no"
        assert status["verdict"]["text"] == f"the name {NAME} points to {OLD}, but this home is {WAN}"
        assert status["name"]["matches"] is False and status["name"]["wrong_for"] >= 0
        assert "DNS points elsewhere for" in natd.ctl("status").stdout
        del server.records[NAME]
        natd.ctl("reload")
        named(natd, lambda name: name["addresses"] == [], "the name to be gone")
        assert f"{NAME} has no address in the DNS" in natd.wait_status("E30")["verdict"]["text"]
        server.records[NAME] = [WAN]
        natd.ctl("reload")
        assert natd.wait_status("OK")["name"]["matches"] is True
        assert "the sandbox refused" not in natd.log


@pytest.mark.parametrize("late", [{}, {dns.A: 0.3}], ids=["after", "before"])
@pytest.mark.parametrize("error", [2, 4])  # SERVFAIL, NOTIMP
def test_resolver_that_answers_for_ipv6_with_an_error(error, late):
    """RFC 4074 4: the name is known all the same, whichever answer comes first."""
    with Lab() as lab:
        server, natd = start(lab, {NAME: [WAN]}, code={dns.AAAA: error}, late=late)
        named(natd, lambda name: name["matches"], "the name to match")
        assert natd.status()["name"]["addresses"] == [WAN]
        server.code = {dns.A: error}  # and nothing is known of IPv4
        natd.ctl("reload")
        wait_until(lambda: f"the resolver answers with error {error}" in natd.log, 30, "the error")
        assert natd.status()["name"]["addresses"] == [WAN], "as far as is known"


def test_a_new_address_is_given_time():
    """The address changed a moment ago: the name is wrong, but that is no failure yet."""
    with Lab() as lab:
        server, natd = start(lab, {NAME: [WAN]})
        natd.wait_status("OK")
        named(natd, lambda name: name["matches"], "the name to match")
        natd.kill()
        lab.router.node.ip(f"addr del {WAN}/24 dev wan", f"addr add {NEW_WAN}/24 dev wan",
                           "route replace default via 11.0.1.1")
        lab.router.restart()
        natd.start()
        named(natd, lambda name: name["matches"] is False, "the name to be wrong")
        assert natd.wait_status("OK")["router"]["wan_address"] == NEW_WAN
        server.records[NAME] = [NEW_WAN]
        natd.ctl("reload")
        named(natd, lambda name: name["matches"], "the name to match again")


def test_an_address_of_another_host_over_ipv6():
    with Lab() as lab:
        _, natd = start(lab, {NAME: [WAN, "2a11:0:77::99"]})
        status = natd.wait_status("E30")
        assert status["verdict"]["works"] == "yes" and "over IPv6" in status["verdict"]["text"]


def test_no_answer_is_no_verdict():
    with Lab() as lab:
        server, natd = start(lab, {NAME: [OLD]}, code=dns.SERVER_FAILURE)
        natd.wait_status("OK")
        name = named(natd, lambda name: name["reason"], "the resolver's error")
        assert name["matches"] is None and name["addresses"] == []
        assert natd.status()["verdict"]["code"] == "OK"
        server.code = 0
        natd.ctl("reload")
        natd.wait_status("E30")
