# SPDX-License-Identifier: GPL-2.0-or-later
"""What PiVPN and others have written on this host is enough: no natd.conf, both VPNs reachable."""

from lab import GATEWAY, HOST, WAN, WEB, Lab, Redirect, dns, wait_until

NAME = "myhome.ddns.test"
FILES = {
    "/etc/pivpn/wireguard/setupVars.conf":
        f"IPv4dev=eth0\npivpnPORT=51820\npivpnPROTO=udp\npivpnHOST={NAME}\n",
    "/etc/pivpn/openvpn/setupVars.conf": f"pivpnPORT=1194\npivpnPROTO=tcp\npivpnHOST={NAME}\n",
    "/etc/iptables/rules.v4":
        "*nat\n-A POSTROUTING -s 10.6.0.0/24 -o wlan0 -m comment --comment wireguard-nat-rule "
        "-j MASQUERADE\nCOMMIT\n",
}


def write(node, files):
    """The machine gets an /etc of its own, with these files in it."""
    node.run("sh", "-ec", "cp -a /etc /run/etc && mount --bind /run/etc /etc")
    for path, text in files.items():
        node.run("sh", "-ec", 'mkdir -p "${1%/*}"; printf %s "$2" >"$1"', "sh", path, text)
    # As wg-quick has it: natd may not look in, and does without.
    node.run("sh", "-ec", "mkdir -p /etc/wireguard; chmod 700 /etc/wireguard")


def test_nothing_is_to_be_configured():
    with Lab() as lab:
        write(lab.host, FILES)
        dns.use(lab.host, WEB)
        server = dns.DNS(lab.web_node, {NAME: [WAN]})
        natd = lab.natd()
        wait_until(lambda: lab.router.redirects() == {Redirect("udp", 51820, HOST, 51820),
                                                      Redirect("tcp", 1194, HOST, 1194)},
                   20, "both ports")
        status = wait_until(lambda: (lambda status: status["name"]["matches"] and status)(
            natd.status()), 20, "the name of PiVPN's settings")
        assert status["name"]["name"] == NAME and (NAME, dns.A) in server.queries
        assert status["forwards_from"] == "PiVPN's settings"
        assert status["router"]["address"] == GATEWAY
        assert status["notes"] == [
            "a rule in /etc/iptables/rules.v4 lets clients out by wlan0, but this host goes out by "
            "eth0 now; natd's own rule does"]
        screen = natd.ctl("status").stdout
        assert " Note " in screen and all(len(line) <= 80 for line in screen.splitlines())
