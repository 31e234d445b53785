# SPDX-License-Identifier: GPL-2.0-or-later
"""What is before the home router: a second router, which natd asks as well, or the provider's NAT."""

import contextlib
import re
import socket
import threading

import pytest

from lab import BETWEEN, GATEWAY, HOST, WAN, WEB, Lab, Redirect, dns, wait_until

AT_HOME = Redirect("udp", 51820, HOST, 51820)
STUN = "stun.example.test"
OUTER = f"{BETWEEN}.1"
INNER = f"{BETWEEN}.2"
AT_OUTER = Redirect("udp", 51820, INNER, 51820)


@contextlib.contextmanager
def answering(node, address, port, answer):
    """A UDP service on a node: answer(question, from) is sent back, where it is not None."""
    with node.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind((address, port))
        service.settimeout(0.2)
        ended = threading.Event()

        def serve():
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    question, sender = service.recvfrom(2048)
                    if (reply := answer(question, sender)) is not None:
                        service.sendto(reply, sender)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def stun(question, sender):
    """RFC 8489: a Binding success response with XOR-MAPPED-ADDRESS."""
    if len(question) != 20 or question[:8] != bytes.fromhex("000100002112a442"):
        return None
    port = (sender[1] ^ 0x2112).to_bytes(2, "big")
    address = bytes(a ^ b for a, b in zip(socket.inet_aton(sender[0]), bytes.fromhex("2112a442")))
    return (bytes.fromhex("0101000c2112a442") + question[8:20] + bytes.fromhex("002000080001") +
            port + address)


def part_of_outer(natd):
    """The outer router's part in the one forward."""
    return natd.status()["forwards"][0]["upstream"] or {}


def wait_both(natd):
    """A home router that claims a public address is believed until the outer one is found."""
    wait_until(lambda: part_of_outer(natd).get("state") == "open", 20, "the outer router's part")
    return natd.wait_status("OK", state="open", external_port=51820)


@pytest.mark.parametrize("outer, via, config", [
    ("everything", "pcp", None), ("igd2", "upnp", None),
    ("pcp", "nat-pmp", 'router { protocols = { "nat-pmp" } }')])
def test_both_are_opened(outer, via, config):
    """miniupnpd twice, the inner one with ext_ip, which is the only way to have it work behind another
    router: the packet from outside arrives, and natctl says the outermost address."""
    with Lab(outer=outer, ext_ip=WAN) as lab:
        natd = lab.natd(config)
        wait_both(natd)
        # UPnP is asked for it only when the port is open.
        status = natd.wait_status("OK", state="open", external_address=WAN)
        assert lab.router.redirects() == {AT_HOME}
        assert lab.outer.redirects() == {AT_OUTER}
        upstream = status["router"]["upstream"]
        assert upstream["address"] == OUTER
        assert upstream["protocols"][via] == "ok"
        part = status["forwards"][0]["upstream"]
        assert (part["state"], part["via"], part["client"], part["port"]) == ("open", via, INNER, 51820)
        wait_until(lambda: natd.ctl("wan-ip").stdout == f"{WAN}\n", 10, "the outermost address")
        assert OUTER in natd.ctl("status").stdout
        lab.tunnel_up()
        assert lab.fetch_through_tunnel() == WAN
        assert natd.stop() == 0
        assert lab.router.redirects() == lab.outer.redirects() == set()


def upstream_step(natd):
    """What the doctor says of the outer router; None where it knows none."""
    found = [step for step in natd.json("doctor")["steps"] if step["name"] == "upstream"]
    return found[0]["result"] if found else None


def test_the_doctor_asks_the_outer_one_afresh():
    """What it has lost without a word is there again; that it has gone is seen, though natd's memory
    says that it forwards."""
    with Lab(outer="everything", ext_ip=WAN) as lab:
        natd = lab.natd()
        wait_both(natd)
        lab.outer.node.run("nft", "flush chain inet filter prerouting_miniupnpd; "
                           "flush chain inet filter miniupnpd")
        assert lab.outer.redirects() == set()
        wait_until(lambda: upstream_step(natd) == "ok", 40, "the outer router to confirm")
        assert lab.outer.redirects() == {AT_OUTER}
        lab.outer.miniupnpd.kill()
        assert part_of_outer(natd)["state"] == "open"  # for all that natd knows
        # As the home router claims to be on the internet, it may be taken for nobody's of this home then.
        wait_until(lambda: upstream_step(natd) != "ok"
                   and part_of_outer(natd).get("state") != "open", 40, "the outer router to be missed")


def test_inner_one_by_hand():
    """The home router cannot be asked, and does not say its address: the outer one is opened all the
    same, and what is left for the user is one rule."""
    with Lab(router="nothing", outer="everything") as lab:
        natd = lab.natd()
        wait_until(lambda: lab.outer.redirects() == {AT_OUTER}, 20, "the outer router")
        verdict = natd.wait_status("E21")["verdict"]
        assert f"UDP 51820 -> {HOST}:51820" in verdict["advice"]
        assert verdict["works"] == "unknown"
        lab.router.node.run("nft", "add rule inet filter prerouting_miniupnpd iifname wan "
                            f"udp dport 51820 dnat ip to {HOST}:51820")
        lab.router.node.run("nft", "add rule inet filter miniupnpd iifname wan "
                            f"ip daddr {HOST} udp dport 51820 accept")
        lab.tunnel_up()


def test_outer_one_by_hand():
    """The outer router cannot be asked: the verdict and the manual have the values for it."""
    with Lab(outer="nothing", ext_ip=WAN) as lab:
        natd = lab.natd()
        status = natd.wait_status("E21", state="open")
        assert status["verdict"]["works"] == "no"
        assert f"on {OUTER}: UDP 51820 -> {INNER}:51820" in status["verdict"]["advice"]
        assert natd.ctl("status").returncode == 2
        manual = natd.json("manual")
        assert manual["rules"][0]["address"] == HOST
        assert manual["outer"]["page"] == f"http://{OUTER}"
        assert manual["outer"]["rules"][0]["address"] == INNER
        assert not manual["outer"]["rules"][0]["open"]
        assert INNER in natd.ctl("manual").stdout
        # The kernel limits how often a router answers: nobody becomes a stranger by that.
        assert [natd.json("doctor")["verdict"]["code"] for _ in range(4)] == ["E21"] * 4


def test_neither_can_be_asked():
    """Two rules by hand, in both routers, with real addresses, though no router has said a word."""
    with Lab(router="nothing", outer="nothing") as lab:
        advice = lab.natd().wait_status("E21")["verdict"]["advice"]
        assert f"on {OUTER}: UDP 51820 -> {INNER}:51820" in advice
        assert f"on {GATEWAY}: UDP 51820 -> {HOST}:51820" in advice


@pytest.mark.parametrize("router, ext_ip", [("everything", None), ("everything", WAN), ("silent", None)])
def test_carrier_grade_nat(router, ext_ip):
    """E20, whether the router tells its address or not, or claims another."""
    with Lab(router=router, outer="nothing", between="100.64.0", ext_ip=ext_ip) as lab:
        natd = lab.natd()
        status = natd.wait_status("E20")
        assert "100.64.0" in status["verdict"]["text"]
        assert status["router"]["hops"][:2] == [GATEWAY, "100.64.0.1"]
        assert status["router"]["upstream"] is None
        assert natd.ctl("wan-ip").stdout == ""


def test_after_a_crash():
    """SIGKILL leaves both open; the next natd renews the same two mappings, by their nonces, and
    removes them."""
    with Lab(outer="everything", ext_ip=WAN) as lab:
        natd = lab.natd()
        wait_both(natd)
        natd.settled()
        natd.kill()
        assert lab.outer.redirects() == {AT_OUTER}
        natd.start()
        wait_both(natd)
        assert lab.outer.redirects() == {AT_OUTER}
        assert len(set(re.findall("'PCP MAP ([0-9a-f]{24})'", lab.outer.miniupnpd.log))) == 1
        assert natd.stop() == 0
        assert lab.router.redirects() == lab.outer.redirects() == set()


def test_outer_one_restarts():
    """Its renewal finds that it has forgotten us: the mapping comes back, the verdict as well."""
    with Lab(outer="igd2", ext_ip=WAN) as lab:
        natd = lab.natd("router { lease = 20 }")
        wait_both(natd)
        lab.outer.restart()
        assert lab.outer.redirects() == set()
        wait_until(lambda: lab.outer.redirects() == {AT_OUTER}, 40, "the mapping", every=0.2)
        wait_both(natd)


def test_inner_ones_address_changes():
    """The outer router gives the home router another address, which that one does not tell (ext_ip):
    the next renewal is refused, and the mapping follows."""
    with Lab(outer="igd2", ext_ip=WAN) as lab:
        natd = lab.natd("router { lease = 20 }")
        wait_both(natd)
        lab.router.node.ip(f"addr del {INNER}/24 dev wan", f"addr add {BETWEEN}.7/24 dev wan",
                           f"route replace default via {OUTER} dev wan")
        wait_until(lambda: any(one.address == f"{BETWEEN}.7" for one in lab.outer.redirects()), 40,
                   "a mapping to the new address", every=0.2)
        wait_until(lambda: part_of_outer(natd).get("client") == f"{BETWEEN}.7", 20,
                   "the status to say so")


def test_garbage_from_the_outer_one():
    """What the next hop answers is nothing that any protocol knows: one verdict, and natd goes on."""
    with Lab(outer="nothing", ext_ip=WAN) as lab, \
            answering(lab._nodes["outer"], OUTER, 5351, lambda *_: b"\x02\x81" + b"\xff" * 40), \
            answering(lab._nodes["outer"], OUTER, 1900,
                      lambda *_: b"HTTP/1.1 200 OK\r\nLOCATION: http://11.0.3.80:80/x\r\n\r\n"):
        natd = lab.natd()
        natd.wait_status("E21", state="open")
        assert lab.router.redirects() == {AT_HOME}
        assert natd.stop() == 0
        assert lab.router.redirects() == set()


def test_stun():
    """Only a server that natd.conf names is asked. A router that claims an address which the internet
    does not see has another NAT before it."""
    with Lab() as lab, answering(lab.web_node, WEB, 3478, stun):
        natd = lab.natd(f'router {{ stun = "{WEB}:3478" }}')
        natd.wait_status("OK", state="open")
        wait_until(lambda: natd.status()["router"]["seen_as"] == WAN, 20, "STUN's word")
        assert natd.stop() == 0
        lab.router.ext_ip = "11.0.1.99"
        lab.router.restart()
        text = lab.natd(f'router {{ stun = "{WEB}:3478" }}').wait_status("E20")["verdict"]["text"]
        assert WAN in text and "11.0.1.99" in text


def test_stun_server_by_name():
    """Its name is looked up again each time: it has another address by then."""
    with Lab() as lab, answering(lab.web_node, WEB, 3478, stun):
        server = dns.DNS(lab.web_node, {STUN: ["stun.isp.test"], "stun.isp.test": [WEB]})
        dns.use(lab.host, WEB)
        natd = lab.natd(f'router {{ stun = "{STUN}:3478" }}')
        wait_until(lambda: natd.status()["router"]["seen_as"] == WAN, 20, "STUN's word")
        natd.stop()
        del server.records[STUN]
        natd.start()
        wait_until(lambda: f"STUN: {STUN} has no IPv4 address" in natd.log, 20, "the name to fail")
        assert natd.wait_status("OK", state="open")["router"]["seen_as"] is None
