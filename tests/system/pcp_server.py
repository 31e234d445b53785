# SPDX-License-Identifier: GPL-2.0-or-later
"""A PCP server by the letter of RFC 6887, for IPv4 and its table: it keeps to the rules itself, and notes
each of them that a request breaks. Run inside the router's namespace in place of upnp_rude.py; the
manners are JSON in argv[1], and a line of JSON on standard input changes them; each request that it
hears is a JSON line on standard output.

  shortest, longest   lifetimes that it grants
  external            its external address
  ports               the only external ports that it has, [first, last]
  results             {opcode: result code} of each answer, or {opcode: [code, ...]} of the next ones
  epoch               seconds that it says at the start
  options             hex of what stands behind each answer
  change              [offset, hex] of the octets of an answer that are written over
  cut                 how many octets of an answer leave, or a list of it for the next ones; 0: all
  repeat              how often each answer leaves
"""

import ipaddress
import json
import socket
import struct
import sys
import threading
import time

manners = {"shortest": 120, "longest": 86400, "external": "11.0.0.2", "ports": [1024, 65535], "results": {},
           "epoch": 1000, "options": "", "change": None, "cut": 0, "repeat": 1}
manners.update(json.loads(sys.argv[1]))

ANNOUNCE, MAP = 0, 1
(SUCCESS, UNSUPP_VERSION, NOT_AUTHORIZED, MALFORMED_REQUEST, UNSUPP_OPCODE, UNSUPP_OPTION, MALFORMED_OPTION,
 NETWORK_FAILURE, NO_RESOURCES, UNSUPP_PROTOCOL, USER_EX_QUOTA, CANNOT_PROVIDE_EXTERNAL,
 ADDRESS_MISMATCH) = range(13)
PREFER_FAILURE = 2
SHORT_ERRORS = (NETWORK_FAILURE, NO_RESOURCES, USER_EX_QUOTA, CANNOT_PROVIDE_EXTERNAL)  # 7.4
started = time.monotonic()
table = {}  # (client, protocol, internal port): mapping
output = threading.Lock()


class Refused(Exception):
    """With the result code."""


def heard(**what):
    with output:
        print(json.dumps({"at": time.monotonic(), **what}), flush=True)


def mapped(address):
    """Section 5: an IPv4 address is written as an IPv4-mapped IPv6 address."""
    return b"\0" * 10 + b"\xff\xff" + socket.inet_aton(address)


def next_of(value):
    """A list is used up one by one; what it ends with is 0."""
    if isinstance(value, list):
        return value.pop(0) if value else 0
    return value


def split_options(octets):
    """7.3: code, reserved, length, data, padded to four octets."""
    options = []
    while octets:
        if len(octets) < 4:
            raise Refused(MALFORMED_OPTION)
        code, _, length = struct.unpack("!BBH", octets[:4])
        if len(octets) < 4 + length:
            raise Refused(MALFORMED_OPTION)
        options.append((code, octets[4:4 + length]))
        octets = octets[4 + length + -length % 4:]
    return options


def faults_of(data):
    """What a client must not send, although a server need not mind."""
    faults = []
    if data[2:4] != b"\0\0":
        faults.append("7.1: reserved is not 0")
    if data[8:20] != b"\0" * 10 + b"\xff\xff":
        faults.append("5: the client's address is no IPv4-mapped one")
    if data[1] == ANNOUNCE and (data[4:8] != bytes(4) or len(data) != 24):
        faults.append("14.1.1: an ANNOUNCE with a lifetime or a payload")
    if data[1] == MAP and len(data) >= 60:
        lifetime = struct.unpack("!I", data[4:8])[0]
        external = data[44:60]
        if data[37:40] != bytes(3):
            faults.append("11.1: reserved is not 0")
        if external[:12] != b"\0" * 10 + b"\xff\xff":
            faults.append("11.1: the external address is no IPv4-mapped one")
        if data[24:36] == bytes(12):
            faults.append("11.2: the nonce is not random")
        if not lifetime and (data[42:44] != bytes(2) or external[12:] != bytes(4)):
            faults.append("15.1: a deletion suggests a port or an address")
    return faults


def free_port(wanted, protocol):
    taken = {mapping["external"] for (_, other, _), mapping in table.items() if other == protocol}
    first, last = manners["ports"]
    for port in [wanted, *range(first, last + 1)]:
        if first <= port <= last and port not in taken:
            return port
    raise Refused(NO_RESOURCES)


def delete(key, nonce):
    """15.1: also of what is not there."""
    if key in table and table[key]["nonce"] != nonce:
        raise Refused(NOT_AUTHORIZED)
    table.pop(key, None)


def grant(key, nonce, wanted, strictly):
    """11.3: an existing mapping is renewed by who knows its nonce."""
    if key not in table:
        port = free_port(wanted, key[1])
        if strictly and port != wanted:
            raise Refused(CANNOT_PROVIDE_EXTERNAL)
        table[key] = {"nonce": nonce, "external": port}
    elif table[key]["nonce"] != nonce:
        raise Refused(NOT_AUTHORIZED)
    return table[key]["external"]


def serve_map(data, source):
    """The lifetime and the payload of the answer."""
    if len(data) < 60:
        raise Refused(MALFORMED_REQUEST)
    lifetime = struct.unpack("!I", data[4:8])[0]
    protocol, internal, wanted = data[36], *struct.unpack("!HH", data[40:44])
    options = split_options(data[60:])
    if any(code < 128 and code != PREFER_FAILURE for code, _ in options):
        raise Refused(UNSUPP_OPTION)
    if not protocol or not internal:
        raise Refused(MALFORMED_REQUEST if not protocol and internal else UNSUPP_PROTOCOL)
    key = (source, protocol, internal)
    external = 0
    if lifetime:
        external = grant(key, data[24:36], wanted, (PREFER_FAILURE, b"") in options)
        lifetime = min(max(lifetime, manners["shortest"]), manners["longest"])
    else:
        delete(key, data[24:36])
    return lifetime, data[24:40] + struct.pack("!HH", internal, external) + mapped(
        manners["external"] if lifetime else "0.0.0.0")


def serve(data, source):
    """8.2: the result, the lifetime and the payload of the answer."""
    wanted = next_of(manners["results"].get(str(data[1]), 0))
    if wanted:
        raise Refused(wanted)
    if data[0] != 2:
        raise Refused(UNSUPP_VERSION)
    if len(data) < 24 or len(data) > 1100 or len(data) % 4:
        raise Refused(MALFORMED_REQUEST)
    if data[1] not in (ANNOUNCE, MAP):
        raise Refused(UNSUPP_OPCODE)
    if data[8:24] != mapped(source):
        raise Refused(ADDRESS_MISMATCH)
    if data[1] == MAP:
        return SUCCESS, *serve_map(data, source)
    return SUCCESS, 0, b""


def header(opcode, result, lifetime):
    """7.2: the epoch of this server runs since it has started."""
    epoch = int(time.monotonic() - started + manners["epoch"])
    return struct.pack("!BBBBII12x", 2, 0x80 | opcode, 0, result, lifetime, epoch)


def answer_to(data, source):
    opcode = data[1] & 0x7f
    try:
        result, lifetime, payload = serve(data, source)
    except Refused as refused:
        # 8.2: an error copies the request's payload.
        result, payload = refused.args[0], data[24:1100]
        lifetime = 30 if result in SHORT_ERRORS else 1800
    answer = header(opcode, result, lifetime) + payload + bytes.fromhex(manners["options"])
    if manners["change"]:
        at, octets = manners["change"][0], bytes.fromhex(manners["change"][1])
        answer = answer[:at] + octets + answer[at + len(octets):]
    return answer[:next_of(manners["cut"]) or None]


def note(data, source):
    what = {ANNOUNCE: "announce", MAP: "map"}.get(data[1], "request")
    more = {}
    if what == "map" and len(data) >= 60:
        more = {"lifetime": struct.unpack("!I", data[4:8])[0], "nonce": data[24:36].hex(),
                "suggested": str(ipaddress.ip_address(data[56:60]))}
    heard(what=what, version=data[0], source=source, faults=faults_of(data), **more)


def obey():
    global started
    for line in sys.stdin:
        order = json.loads(line)
        action = order.pop("do", None)
        manners.update(order)
        if action == "reboot":
            table.clear()
            started = time.monotonic()
        elif action == "steal":  # by another client of the same address
            for mapping in table.values():
                mapping["nonce"] = bytes(12)
        heard(what="table", ports=sorted(mapping["external"] for mapping in table.values()))
        heard(what="obeyed")


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("192.168.77.1", 5351))
    threading.Thread(target=obey, daemon=True).start()
    heard(what="ready")
    while True:
        data, peer = server.recvfrom(2000)
        if len(data) < 24 or data[1] & 0x80:  # 8.2: too short, or an answer; NAT-PMP is not its own
            continue
        note(data, peer[0])
        for _ in range(manners["repeat"]):
            server.sendto(answer_to(data, peer[0]), peer)


main()
