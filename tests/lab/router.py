# SPDX-License-Identifier: GPL-2.0-or-later
"""router: the home router: masquerading, a closed WAN side, and the real miniupnpd."""

from dataclasses import dataclass

from .process import wait_until

# What miniupnpd offers; None: it does not run at all.
VARIANTS = {
    "everything": {"enable_upnp": "yes", "enable_natpmp": "yes"},
    "igd2": {"enable_upnp": "yes", "enable_natpmp": "no"},
    "igd1": {"enable_upnp": "yes", "enable_natpmp": "no", "force_igd_desc_v1": "yes"},
    "pcp": {"enable_upnp": "no", "enable_natpmp": "yes"},  # NAT-PMP and PCP only
    "brief": {"enable_upnp": "no", "enable_natpmp": "yes", "min_lifetime": "20"},
    # The same for IPv6: pinholes by PCP, and by WANIPv6FirewallControl.
    "everything6": {"enable_upnp": "yes", "enable_natpmp": "yes", "ipv6_disable": "no"},
    "upnp6": {"enable_upnp": "yes", "enable_natpmp": "no", "ipv6_disable": "no"},
    "pcp6": {"enable_upnp": "no", "enable_natpmp": "yes", "ipv6_disable": "no"},
    "nothing": None,                                       # its ports are closed
    "silent": None,                                        # its firewall drops the questions
}

# A home router drops what comes unasked from its WAN. Without that, the kernel would remember an
# early packet as "for the router itself", and a mapping made later would not apply to it.
# (58 is ICMPv6, by number: a bare Debian has no /etc/protocols.)
RULES = """
table ip home {
	chain postrouting {
		type nat hook postrouting priority srcnat;
		oifname "wan" ip saddr { 10.0.0.0/8, 100.64.0.0/10, 192.168.0.0/16 } masquerade
	}
}
table inet home {
	chain input {
		type filter hook input priority filter;
		ct state established,related accept
		iifname "wan" meta l4proto != 58 drop
		%s
	}
}
table inet filter {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		iifname "lan" accept
		jump miniupnpd
	}
	chain prerouting {
		type nat hook prerouting priority dstnat;
		jump prerouting_miniupnpd
	}
	chain postrouting {
		type nat hook postrouting priority srcnat;
		jump postrouting_miniupnpd
	}
	chain miniupnpd { }
	chain prerouting_miniupnpd { }
	chain postrouting_miniupnpd { }
}
"""
DROP_QUESTIONS = 'iifname "lan" udp dport { 1900, 5351 } drop'

CONFIGURATION = """
ext_ifname=wan
listening_ip=lan
secure_mode=yes
system_uptime=no
min_lifetime=120
max_lifetime=86400
uuid=4a2b8c1e-0b7d-4a53-9a55-6e6174640001
upnp_table_name=filter
upnp_nat_table_name=filter
lease_file={folder}/leases
{denied}allow 1024-65535 192.168.0.0/16 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""


@dataclass(frozen=True)
class Redirect:
    """One port that the router hands on, as its kernel does it."""
    protocol: str
    external_port: int
    address: str
    port: int


class Router:
    """The home router on a node whose interfaces are called wan and lan."""

    def __init__(self, node, address, ext_ip=None):
        """ext_ip: the WAN address that miniupnpd claims, whatever its interface has."""
        self.node = node
        self.address = address
        self.ext_ip = ext_ip
        self.variant = None
        self.miniupnpd = None
        self.denied = ()  # hosts for which it opens nothing, from its next start on
        self.leases = ()  # what it remembers from before that start, as in its lease_file

    def start(self, variant):
        """Loads the firewall anew and starts miniupnpd as `variant` says. Mappings are gone then,
        as after a power cut."""
        options = VARIANTS[variant]
        self.variant = variant
        self.node.nft("flush ruleset\n" + RULES % (DROP_QUESTIONS if variant == "silent" else ""))
        if options is None:
            self.miniupnpd = None
            return
        if self.ext_ip:
            options = {**options, "ext_ip": self.ext_ip}
        path = self.node.folder / "miniupnpd.conf"
        options = {"ipv6_disable": "yes", **options}
        denied = "".join(f"deny 0-65535 {host}/32 0-65535\n" for host in self.denied)
        path.write_text(CONFIGURATION.format(folder=self.node.folder, denied=denied) +
                        "".join(f"{key}={value}\n" for key, value in options.items()),
                        encoding="ascii")
        (self.node.folder / "leases").write_text("".join(f"{lease}\n" for lease in self.leases),
                                                 encoding="ascii")
        self.miniupnpd = self.node.start("miniupnpd", "miniupnpd", "-d", "-f", path,
                                         "-P", self.node.folder / "miniupnpd.pid")
        wait_until(self._listening, 10, "miniupnpd to listen")

    def restart(self, variant=None):
        """A power cut: mappings and the router's memory are gone, then all is new."""
        if self.miniupnpd:
            self.miniupnpd.kill()
        self.node.run("conntrack", "-F", check=False)
        self.start(variant or self.variant)

    def _listening(self):
        port = 1900 if VARIANTS[self.variant]["enable_upnp"] == "yes" else 5351
        if not self.miniupnpd.running:
            self.miniupnpd.wait_log("listening")  # raises, with what it said
        return self.node.run("ss", "-Hlun", f"sport = :{port}").stdout

    def redirects(self):
        """The ports that it hands on: a set of Redirect, read from its kernel."""
        found = set()
        for item in self.node.ruleset_json():
            rule = item.get("rule", {})
            dnat = [part["dnat"] for part in rule.get("expr", []) if "dnat" in part]
            if rule.get("chain") == "prerouting_miniupnpd" and dnat:
                matches = [part["match"] for part in rule["expr"] if "match" in part]
                found.add(Redirect(_protocol(matches), _port(matches), dnat[0]["addr"],
                                   dnat[0]["port"]))
        return found

    def redirect(self, protocol, external_port):
        """The one redirect of that port, or None."""
        return next((redirect for redirect in self.redirects()
                     if (redirect.protocol, redirect.external_port) == (protocol, external_port)),
                    None)


# miniupnpd compares the protocol byte of the IPv4 header itself (9 bytes in), not "meta l4proto".
IPV4_PROTOCOL = {"payload": {"base": "nh", "offset": 72, "len": 8}}


def _protocol(matches):
    number = next(match["right"] for match in matches if match["left"] == IPV4_PROTOCOL)
    return {6: "tcp", 17: "udp"}[number]


def _port(matches):
    return next(match["right"] for match in matches
                if match["left"].get("payload", {}).get("field") == "dport")
