# SPDX-License-Identifier: GPL-2.0-or-later
"""The descriptions that the ill-mannered router has (upnp_rude.py), by name. None: never ends."""

SERVICE = """<service><serviceType>urn:schemas-upnp-org:service:{type}</serviceType>
<serviceId>urn:upnp-org:serviceId:{type}</serviceId><controlURL>{control}</controlURL>
<eventSubURL>/evt</eventSubURL><SCPDURL>/scpd.xml</SCPDURL></service>"""
DEVICE = """<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0">{base}<device>
<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>
<friendlyName>Rude</friendlyName><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType>
<serviceList>{services}</serviceList></device></deviceList></device></deviceList></device></root>"""


def describe(*services, base=""):
    return DEVICE.format(base=base, services="".join(SERVICE.format(type=kind, control=control)
                                                     for kind, control in services)).encode()


PLAIN = describe(("WANIPConnection:1", "/ctl/WANIPConnection"))
DESCRIPTIONS = {
    "plain": PLAIN,
    "names": describe(("WANIPConnection:1", "http://router.example:1/ctl/WANIPConnection"),
                      base="<URLBase>http://127.0.0.1:5431/</URLBase>"),
    "elsewhere": describe(("WANIPConnection:1", "http://8.8.8.8:80/ctl/WANIPConnection")),
    "two": describe(("WANIPConnection:1", "/ctl/WANIPConnection"),
                    ("WANPPPConnection:1", "/ctl/WANPPPConnection")),
    "two-lines": describe(("WANIPConnection:1", "/ctl/down"), ("WANIPConnection:1", "/ctl/up")),
    "line-down": describe(("WANIPConnection:1", "/ctl/down")),
    "line-up": describe(("WANIPConnection:1", "/ctl/up")),
    "query": describe(("WANIPConnection:1", "?control=WANIPConnection")),
    "base": describe(("WANIPConnection:1", "ctl/WANIPConnection"),
                     base="<URLBase>http://192.168.77.1:5000</URLBase>"),
    "base-path": describe(("WANIPConnection:1", "/ctl/WANIPConnection"),
                          base="<URLBase>http://192.168.77.1:5000/upnp/</URLBase>"),
    "base-junk": describe(("WANIPConnection:1", "/ctl/WANIPConnection"),
                          base="<URLBase>http://:0</URLBase>"),
    "elsewhere-firewall": describe(("WANIPConnection:1", "/igdupnp/control/WANIPConn1"),
                                   ("WANIPv6FirewallControl:1",
                                    "/igd2upnp/control/WANIPv6Firewall1")),
    "firewall": describe(("WANIPConnection:1", "/ctl/WANIPConnection"),
                         ("WANIPv6FirewallControl:1", "/ctl/firewall")),
    "v2": describe(("WANIPConnection:2", "/ctl/WANIPConnection")),
    "no-service": describe(("Layer3Forwarding:1", "/ctl/x")),
    "dslforum": PLAIN.replace(b"schemas-upnp-org:device", b"dslforum-org:device").replace(
        b"schemas-upnp-org:service", b"dslforum-org:service"),
    "dslforum-mixed": PLAIN.replace(b"schemas-upnp-org:service", b"dslforum-org:service"),
    "dslforum-flood": b"urn:dslforum-org:" * 30000,
    "split": describe(("WANIPConnection:1", "/x HTTP/1.0&#13;&#10;X: y")).replace(
        b"&#13;&#10;", b"\r\n"),
    "truncated": PLAIN[:len(PLAIN) // 2],
    "huge": b"<!-- " + b"x" * (2 * 1024 * 1024) + b" -->" + PLAIN,
    "binary": bytes(range(256)) * 64,
    "empty": b"",
    "drip": None,
    "flood": None,
}
