# SPDX-License-Identifier: GPL-2.0-or-later
"""slow: the way between the VPN's host and the home router takes its time, as Wi-Fi does in a home.
The kernel's own means for it, netem, is not in every kernel that the tests run on."""

import collections
import os
import select
import socket
import threading
import time

SOL_PACKET = 263
PACKET_VNET_HDR = 15  # with what the sender has left for the network card to do
ETH_P_ALL = 3
FRAME = 65536 + 64


class SlowLan:
    """Frames of either direction arrive `seconds` after they were sent, while this is entered."""

    def __init__(self, lab, seconds):
        self.router, self.seconds = lab.router.node, seconds
        self.end, self.wake = os.pipe()
        self.thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self):
        self.router.ip("link set port1 nomaster", "link add slow type veth peer name port1s",
                       "link set port1s master lan", "link set slow up", "link set port1s up",
                       "link set port1 promisc on", "link set slow promisc on")
        self.ends = [self._open("port1"), self._open("slow")]
        self.thread.start()
        return self

    def __exit__(self, *_):
        os.close(self.wake)
        self.thread.join()
        for end in self.ends:
            end.close()
        os.close(self.end)
        self.router.ip("link del slow", "link set port1 promisc off master lan")

    def _open(self, interface):
        end = self.router.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        end.bind((interface, ETH_P_ALL))
        return end

    def _carry(self):
        under_way = collections.deque()  # (when it arrives, where, the frame)
        while True:
            wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
            ready = select.select([self.end, *self.ends], [], [], wait)[0]
            now = time.monotonic()
            if self.end in ready:
                return
            for here, there in zip(self.ends, reversed(self.ends)):
                if here in ready:
                    frame, (_, _, kind, *_) = here.recvfrom(FRAME)
                    if kind != socket.PACKET_OUTGOING:  # that would be our own
                        under_way.append((now + self.seconds, there, frame))
            while under_way and under_way[0][0] <= now:
                _, there, frame = under_way.popleft()
                there.send(frame)
