# SPDX-License-Identifier: GPL-2.0-or-later
"""wire: what passes between a host and its router, packet by packet, and how many round trips it took.

Round trips are counted, not timed: a machine that is busy makes them slower, not more."""

import select
import socket
import time
from dataclasses import dataclass, field

from .process import PATIENCE, LabError

ETH_P_ALL = 3
SYN = 0x02
PCP_PORT = 5351  # NAT-PMP's as well
SSDP_PORT = 1900
OPENS = (b"#AddPortMapping", b"#AddAnyPortMapping")  # in a SOAPAction


@dataclass
class Packet:
    """A UDP datagram or a segment of TCP over IPv4."""
    at: float  # CLOCK_MONOTONIC, when it was read
    source: str
    target: str
    protocol: int
    source_port: int
    target_port: int
    syn: bool
    data: bytes = field(repr=False)

    @property
    def says_something(self):
        """No bare acknowledgement, no farewell."""
        return self.protocol == socket.IPPROTO_UDP or self.syn or bool(self.data)


def parse(frame, at):
    """A Packet; None for anything else, and for fragments."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00" or frame[20] & 0x3f or frame[21]:
        return None
    begin, end = 14 + (frame[14] & 15) * 4, 14 + int.from_bytes(frame[16:18], "big")
    segment = frame[begin:end]
    if frame[23] == socket.IPPROTO_UDP:
        data, syn = segment[8:], False
    elif frame[23] == socket.IPPROTO_TCP:
        data, syn = segment[(segment[12] >> 4) * 4:], bool(segment[13] & SYN)
    else:
        return None
    ports = [int.from_bytes(segment[i:i + 2], "big") for i in (0, 2)]
    return Packet(at, socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]), frame[23],
                  *ports, syn, data)


def grants(packet):
    """Is it PCP's or NAT-PMP's word that a port is open for a time?"""
    data = packet.data
    if packet.source_port != PCP_PORT or len(data) < 16:
        return False
    if data[0] == 2:  # RFC 6887 7.2: MAP, success, lifetime
        return data[1] == 0x81 and data[3] == 0 and data[4:8] != bytes(4)
    return data[1] in (129, 130) and data[2:4] == bytes(2) and data[12:16] != bytes(4)


class Wire:
    """The router's LAN, watched from now on."""

    def __init__(self, router, host):
        self.host = host
        self.packets = []
        self._socket = router.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        with router.inside():
            self._socket.bind(("lan", ETH_P_ALL))

    def close(self):
        self._socket.close()

    def forget(self):
        """What has come until now is of no interest."""
        while select.select([self._socket], [], [], 0)[0]:
            self._socket.recv(65536)
        self.packets.clear()

    def read(self, seconds=0):
        """The packets that have come, or come within so long: [Packet]."""
        fresh = []
        deadline = time.monotonic() + seconds
        while select.select([self._socket], [], [], max(0, deadline - time.monotonic()))[0]:
            packet = parse(self._socket.recv(65536), time.monotonic())
            if packet:
                fresh.append(packet)
                if seconds:
                    break
        self.packets += fresh
        return fresh

    def wait(self, wanted, seconds=20, what="a packet"):
        """The first packet from now on for which `wanted` is true."""
        deadline = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < deadline:
            for packet in self.read(0.5):
                if wanted(packet):
                    return packet
        raise LabError(f"waited {seconds} s in vain for {what}")

    def wait_open(self, seconds=20):
        """The packet with which the router says that a port is open, by whatever protocol."""
        asked = set()  # where UPnP is asked to open one: ports of the host

        def opens(packet):
            if packet.source == self.host and any(name in packet.data for name in OPENS):
                asked.add(packet.source_port)
            return grants(packet) or (packet.target_port in asked and packet.target == self.host
                                      and b" 200 " in packet.data[:16])

        return self.wait(opens, seconds, "the router to open a port")

    def round_trips(self, last):
        """How many questions in a row were answered until the packet `last`, an answer, came.

        A question counts as asked after every answer that came before it, whether it needed that or
        not, so that this is never less than what was needed."""
        asked, answered = {}, 0  # {(protocol, port of the host): answers before the question}
        for packet in self.packets:
            if not packet.says_something:
                continue
            if packet.source == self.host:
                asked[packet.protocol, packet.source_port] = answered
            elif packet.target == self.host:
                trips = asked.get((packet.protocol, packet.target_port), 0) + 1
                answered = max(answered, trips)
                if packet is last:
                    return trips
        raise LabError("the last packet is no answer")

    def burst(self):
        """The datagrams that the host sent before anybody answered."""
        datagrams = []
        for packet in self.packets:
            if packet.target == self.host:
                break
            if packet.source == self.host and packet.target_port in (PCP_PORT, SSDP_PORT):
                datagrams.append(packet)
        return datagrams
