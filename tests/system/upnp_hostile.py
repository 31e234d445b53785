# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of a web server that no router should give (upnp_rude.py): XML and HTTP that were made to hurt
who reads them. Each is all that is sent; the connection is closed behind it."""

SIZE = 400 * 1024  # a description of 512 KiB is read to its end

TYPE = b"urn:schemas-upnp-org:service:WANIPConnection:1"
SERVICE = b"<service><serviceType>%s</serviceType><controlURL>%s</controlURL></service>"


def http(body, *headers, status=b"200 OK"):
    return b"\r\n".join([b"HTTP/1.1 " + status, b"Connection: close", *headers, b"", body])


def in_devices(inner):
    """`inner` where a router has its services."""
    around = (b"InternetGatewayDevice", b"WANDevice", b"WANConnectionDevice")
    for kind in reversed(around):
        inner = (b"<device><deviceType>urn:schemas-upnp-org:device:%s:1</deviceType>%s</device>" %
                 (kind, inner))
    return b"<root>%s</root>" % inner


def soap(inner):
    return http(b'<s:Envelope><s:Body><u:R xmlns:u="x">%s</u:R></s:Body></s:Envelope>' % inner)


XML = {
    "nested": b"<a>" * (SIZE // 3),
    "closed-before-opened": b"</a>" * (SIZE // 4) + in_devices(SERVICE % (TYPE, b"/x y")),
    "entities": b'<!DOCTYPE r [<!ENTITY a "' + b"a" * 1000 + b'">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 100) for n in range(1, 9)) + b"]><r>&a8;</r>",
    "external-entity": b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r>&a;</r>',
    "many-services": in_devices(SERVICE % (b"urn:x:service:Y:1", b"/y") * 4000),
    "long-name": b"<" + b"n" * SIZE + b">",
    "long-attribute": b"<r a='" + b"v" * SIZE,
    "many-attributes": b"<r " + b"a='b' " * (SIZE // 6) + b">",
    "long-type": in_devices(SERVICE % (TYPE + b"x" * SIZE, b"/x")),
    "long-url": in_devices(SERVICE % (TYPE, b"/" + b"x" * SIZE)),
    "long-base": b"<root><URLBase>http://192.168.77.1/" + b"x" * SIZE + b"</URLBase></root>",
    "long-text": b"<friendlyName>" + b"%s%n" * (SIZE // 4) + b"</friendlyName>",
    "nul": in_devices(SERVICE % (TYPE + b"\0", b"/\0x")),
    "open-comment": b"<!-- " + b"-" * SIZE,
    "open-cdata": b"<r><![CDATA[" + b"]" * SIZE,
    "half-a-tag": b"<root><device",
    "utf-16": "<?xml version='1.0' encoding='UTF-16'?><root/>".encode("utf-16"),
}

HTTP = {
    "nothing": b"",
    "no-http": b"\0" * 5000,
    "no-end-of-headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50000,
    "long-header": http(b"<root/>", b"X: " + b"y" * SIZE),
    "no-status": b"HTTP/1.1\r\n\r\n<root/>",
    "negative-length": http(b"<root/>", b"Content-Length: -1"),
    "length-without-end": http(b"<root/>", b"Content-Length: 99999999999999999999"),
    "too-short": http(b"<root/>" * 100, b"Content-Length: 3"),
    "too-long": http(b"<root/>", b"Content-Length: 70000"),
    "chunk-negative": http(b"-1\r\n<root/>\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    "chunk-huge": http(b"ffffffffffffffff\r\n<root/>", b"Transfer-Encoding: chunked"),
    "chunk-2G": http(b"7fffffff\r\n<root/>", b"Transfer-Encoding: chunked"),
    "chunk-junk": http(b"zz\r\n<root/>\r\n", b"Transfer-Encoding: chunked"),
    "chunk-many": http(b"1\r\nx\r\n" * 50000, b"Transfer-Encoding: chunked"),
    "gzip": http(b"\x1f\x8b" + b"\xff" * 500, b"Content-Encoding: gzip"),
    "redirect": http(b"", b"Location: http://192.168.77.1:5000/elsewhere", status=b"302 Found"),
}

SOAP = {
    "code-junk": soap(b"<errorCode>seven</errorCode>"),
    "code-huge": soap(b"<errorCode>99999999999999999999</errorCode>"),
    "code-long": soap(b"<errorCode>" + b"7" * SIZE + b"</errorCode>"),
    "many-values": soap(b"<NewX>1</NewX>" * 20000),
    "long-values": soap(b"".join(b"<New%s>%s</New%s>" % (name, b"9" * 50000, name) for name in (
        b"ExternalIPAddress", b"InternalClient", b"InternalPort", b"PortMappingDescription",
        b"LeaseDuration", b"Enabled", b"ReservedPort"))),
    "odd-values": soap(b"<NewExternalIPAddress>11.0.0.2; rm</NewExternalIPAddress><NewInternalClient>::1"
                       b"</NewInternalClient><NewInternalPort>-1</NewInternalPort><NewLeaseDuration>-5"
                       b"</NewLeaseDuration><NewReservedPort>70000</NewReservedPort>"),
}

HOSTILE = {**{name: http(body) for name, body in XML.items()}, **HTTP, **SOAP}
