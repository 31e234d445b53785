# SPDX-License-Identifier: GPL-2.0-or-later
"""natctl manual, installed: whose router it is, and where its menus are."""

import contextlib
import http.server
import json
import socket
import threading

import pytest

from lab import GATEWAY, HOST, WEB, Lab, dns
from lab.natd import BUILD, NATCTL, ROOT

NEC = "00:0d:02:01:02:03"
YAMAHA = "00:a0:de:01:02:03"


def install_routers(lab):
    """The host's own /usr/share, as `make install` leaves it."""
    lab.host.run("mount", "-t", "tmpfs", "none", "/usr/share")
    lab.host.run("mkdir", "/usr/share/natd")
    lab.host.run("cp", ROOT / "natd/service/routers.conf", "/usr/share/natd/routers.conf")


def manual(lab, *options):
    return lab.host.run(NATCTL, "-s", lab.host.folder / "none.sock", *options, "manual",
                        check=False)


@pytest.mark.parametrize("mac, known", [(YAMAHA, "yamaha"), (NEC, "ntt")])
def test_recognised_by_its_network_card(mac, known):
    """A router that answers nothing is recognised by what the kernel knows of it."""
    with Lab(router="silent") as lab:
        install_routers(lab)
        lab.router.node.ip(f"link set lan address {mac}")
        lab.host.ip("neigh flush dev eth0")
        told = json.loads(manual(lab, "-j").stdout)
        assert told["recognised"]["id"] == known
        assert told["recognised"]["by"] == "mac"
        assert told["menu"] == told["recognised"]["menu"]
        text = manual(lab).stdout
        assert "静的IPマスカレード" in text
        assert "recognised by its MAC address" in " ".join(text.split())
        assert HOST in text and f"http://{GATEWAY}/" in text


def test_recognised_by_a_name_in_its_own_dns():
    """An NTT gateway knows itself as ntt.setup; nobody else's answer for that name counts."""
    with Lab(router="silent") as lab:
        install_routers(lab)
        server = dns.DNS(lab.router.node, {"fritz.box": [WEB], "ntt.setup": [GATEWAY]})
        told = json.loads(manual(lab, "-j").stdout)
        assert ("fritz.box", dns.A) in server.queries
        assert (told["recognised"]["id"], told["recognised"]["by"]) == ("ntt", "dns")
        assert "by the name that its own DNS has for it" in " ".join(manual(lab).stdout.split())


def ports_of(packets):
    """The destination ports of what came, in its order: TCP and UDP have them in the same place."""
    ports = []
    with contextlib.suppress(BlockingIOError):
        while True:
            packet = packets.recv(2048)
            header = (packet[0] & 15) * 4
            ports.append(int.from_bytes(packet[header + 2:header + 4], "big"))
    return ports


def test_everything_is_asked_at_once():
    """A router that says nothing is given up once, not once for each question."""
    with Lab(router="silent") as lab:
        install_routers(lab)
        packets = lab.router.node.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        with packets:
            packets.setblocking(False)
            packets.bind(("lan", 0x0800))
            assert manual(lab).returncode == 0
            ports = ports_of(packets)
        last = len(ports) - 1 - ports[::-1].index(5351)  # of the questions of PCP and NAT-PMP
        assert ports.index(53) < last and ports.index(80) < last
        assert ports.index(33434) < last                 # who is on the way out


def test_nothing_but_the_answer_is_said():
    """In another language as well, where the C library looks for its messages."""
    with Lab(router="nothing") as lab:
        japanese = {"env": {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LANGUAGE": "ja"}}
        done = lab.host.run(NATCTL, "-s", "/none", "probe", check=False, **japanese)
        assert done.stderr == "" and "PCP" in done.stdout


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # the name that http.server wants
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html><head>\n<title>AirStation Settings</title>")

    def log_message(self, *_):
        pass


def test_recognised_by_its_page():
    with Lab(router="silent") as lab:
        install_routers(lab)
        with lab.router.node.inside():
            server = http.server.HTTPServer((GATEWAY, 80), Page)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()
        try:
            told = json.loads(manual(lab, "-j").stdout)
            text = " ".join(manual(lab).stdout.split())
        finally:
            server.shutdown()
            server.server_close()
        assert (told["recognised"]["id"], told["recognised"]["by"]) == ("buffalo", "title")
        assert "recognised by its web page's title" in text and "may differ" in text


def test_a_file_of_the_users_own_goes_first():
    with Lab(router="silent") as lab:
        install_routers(lab)
        etc = lab.host.folder / "etc"
        (etc / "natd").mkdir(parents=True)
        own = etc / "natd" / "routers.conf"
        own.write_text('router "mine" {\n name = "My box"\n menu = "Here > there"\n'
                       f' address = {{ "{GATEWAY}" }}\n}}\n', encoding="utf-8")
        lab.host.run("cp", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", etc)
        lab.host.run("mount", "--bind", etc, "/etc")
        told = json.loads(manual(lab, "-j").stdout)
        assert told["recognised"]["id"] == "mine" and told["recognised"]["by"] == "address"
        assert "Here > there" in manual(lab).stdout
        own.write_text("nonsense\n", encoding="utf-8")
        done = manual(lab)
        assert "/etc/natd/routers.conf:1: " in done.stderr
        assert "Here > there" not in done.stdout and HOST in done.stdout


# ssh brings the user's LANG along to a host that has no such locale.
LANGUAGES = (
    ("ja", {"LANG": "C.UTF-8", "LANGUAGE": "ja"}), ("ja", {"LANG": "ja_JP.UTF-8"}),
    ("ja", {"LANG": "en_GB.UTF-8", "LC_MESSAGES": "ja_JP"}), ("ja", {"LC_ALL": "ja"}),
    ("en", {"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}), ("en", {"LC_ALL": "C", "LANGUAGE": "ja"}),
    ("en", {"LANG": "ja_JP.UTF-8", "LANGUAGE": "en"}), ("en", {"LANG": "jam_JM.UTF-8"}), ("en", {}),
)


def test_in_japanese():
    """On a host with no locale but C.UTF-8; JSON and errors for programs stay English."""
    with Lab(router="silent") as lab:
        install_routers(lab)
        lab.host.run("mkdir", "-p", "/usr/share/locale")
        lab.host.run("cp", "-a", BUILD / "locale/ja", "/usr/share/locale")
        text = manual(lab, "--lang", "ja").stdout
        assert "ポート開放" in text and HOST in text and "External port" not in text
        assert "External port" in manual(lab, "--lang", "en").stdout
        assert json.loads(manual(lab, "-j", "--lang", "ja").stdout)["host"]["address"] == HOST
        wrong = [NATCTL, "-s", lab.host.folder / "none.sock", "nonsense"]
        for language, asked in LANGUAGES:
            japanese = {"env": {"PATH": "/usr/bin:/bin", **asked}}
            said = lab.host.run(*wrong, check=False, **japanese).stderr
            assert ("コマンドはありません" in said) == (language == "ja"), asked
        japanese = {"env": {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LANGUAGE": "ja"}}
        error = json.loads(lab.host.run(*wrong, "-j", check=False, **japanese).stdout)["error"]
        assert error.startswith("'nonsense' is not a command; allowed: status")
        refused = manual(lab, "--lang", "fr")
        assert refused.returncode == 64 and "'fr' is not allowed; allowed: en, ja" in refused.stderr
