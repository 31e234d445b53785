# SPDX-License-Identifier: GPL-2.0-or-later
"""vpn: real tunnels between the VPN host and the client outside: wireguard-go and OpenVPN."""

import subprocess

from .process import LabError, wait_until

TUNNEL4 = "10.8.0"
TUNNEL6 = "fd42::"
WIREGUARD_PORT = 51820
OPENVPN_PORT = 1194


class WireGuard:
    """wg0 on both ends: 10.8.0.1 and fd42::1 at home, .2 and ::2 outside."""

    port = WIREGUARD_PORT

    def __init__(self, host, client, interface="wg0"):
        self.host = host
        self.client = client
        self.interface = interface
        self.keys = {node: _keypair(node) for node in (host, client)}

    def server_up(self):
        self._interface(self.host, 1)
        self.host.run("wg", "set", self.interface, "private-key", self.keys[self.host][0],
                      "listen-port", self.port, "peer", self.keys[self.client][1],
                      "allowed-ips", f"{TUNNEL4}.2/32,{TUNNEL6}2/128")

    def server_down(self):
        self.host.ip(f"link del {self.interface}")

    def client_up(self, endpoint):
        self._interface(self.client, 2)
        self.client.run("wg", "set", self.interface, "private-key", self.keys[self.client][0],
                        "peer", self.keys[self.host][1], "endpoint", f"{endpoint}:{self.port}",
                        "allowed-ips", "0.0.0.0/0,::/0")
        self.client.ip(f"route replace default dev {self.interface}",
                       f"route replace ::/0 dev {self.interface}")

    def handshakes(self):
        """Has the client shaken hands with the host?"""
        text = self.client.run("wg", "show", self.interface, "latest-handshakes").stdout
        return int(text.split()[1]) > 0

    def _interface(self, node, number):
        self._create(node)
        node.ip(f"addr add {TUNNEL4}.{number}/24 dev {self.interface}",
                f"addr add {TUNNEL6}{number}/64 dev {self.interface} nodad",
                f"link set {self.interface} mtu 1420 up")

    def _create(self, node):
        node.start("wireguard-go", "wireguard-go", "--foreground", self.interface,
                   env={"WG_PROCESS_FOREGROUND": "1", "LOG_LEVEL": "verbose"})
        wait_until(lambda: self.interface in node.interfaces(), 10, f"{self.interface} to appear")
        wait_until(lambda: node.run("wg", "show", self.interface, check=False).returncode == 0,
                   10, f"wireguard-go to answer for {self.interface}")


class KernelWireGuard(WireGuard):
    """The same by the kernel itself, where it has WireGuard."""

    def _create(self, node):
        node.ip(f"link add {self.interface} type wireguard")


def _keypair(node):
    """(file of the private key, text of the public key)"""
    path = node.folder / "wg.key"
    private = subprocess.run(["wg", "genkey"], stdout=subprocess.PIPE, check=True).stdout
    path.write_bytes(private)
    public = subprocess.run(["wg", "pubkey"], input=private, stdout=subprocess.PIPE, check=True)
    return path, public.stdout.decode("ascii").strip()


class OpenVPN:
    """OpenVPN in server mode, routed, as "tun" or as "tap". Each side knows the other by the
    fingerprint of its certificate, as OpenVPN 2.6 recommends for small set-ups."""

    port = OPENVPN_PORT

    def __init__(self, host, client, kind):
        self.host = host
        self.client = client
        self.interface = f"{kind}0"
        self.prints = {node: _certificate(node) for node in (host, client)}

    def server_up(self):
        self._start(self.host, self.client, "--proto", "udp4", "--port", self.port, "--dh", "none",
                    "--server", f"{TUNNEL4}.0", "255.255.255.0", "--topology", "subnet",
                    "--tls-server")

    def client_up(self, endpoint):
        self._client = self._start(self.client, self.host, "--client", "--nobind",
                                   "--remote", endpoint, self.port, "udp4",
                                   "--remote-cert-tls", "server", "--connect-retry", 1,
                                   "--redirect-gateway", "def1")

    def handshakes(self):
        return "Initialization Sequence Completed" in self._client.log

    def _start(self, node, other, *options):
        process = node.start("openvpn", "openvpn", "--dev", self.interface,
                             "--cert", node.folder / "vpn.crt", "--key", node.folder / "vpn.key",
                             "--peer-fingerprint", self.prints[other],
                             "--keepalive", 10, 60, "--verb", 3, *options)
        if node is self.host:
            process.wait_log("Initialization Sequence Completed")
        return process


def _certificate(node):
    """Makes vpn.key and vpn.crt; returns the fingerprint."""
    key, certificate = node.folder / "vpn.key", node.folder / "vpn.crt"
    usage = "serverAuth" if node.name == "host" else "clientAuth"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", certificate, "-subj", f"/CN={node.name}",
         "-days", "30", "-addext", "keyUsage=digitalSignature",
         "-addext", f"extendedKeyUsage={usage}"], stderr=subprocess.PIPE, check=False)
    if made.returncode:
        raise LabError(made.stderr.decode())
    shown = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-fingerprint",
                            "-sha256"], stdout=subprocess.PIPE, check=True).stdout.decode("ascii")
    return shown.strip().split("=", 1)[1]
