# SPDX-License-Identifier: GPL-2.0-or-later
"""Datagrams of a tunnel's clients to a server, counted on a wire."""

import collections
import socket
import struct
import threading
import time

from .process import PATIENCE

SO_RCVBUFFORCE = 33
ETH_P_IP = 0x0800
LIFE = 1.0       # seconds that a connection of the younger kind lives
MARK = 0x6e617464
PAYLOAD = struct.Struct("!III")  # MARK, connection, number of the datagram

Count = collections.namedtuple("Count", "sent lost leaked")


class Traffic:
    """Some connections that last, and a new one every hundredth of a second, until stop(). They are
    counted where they arrive: `wire` is a machine and its interface, by default the server's."""

    def __init__(self, client, server, address, port=5000, wire=None, lasting=8):
        self.client, self.to = client, (address, port)
        self.sent = {}  # (connection, number): when
        self.stopped = threading.Event()
        self.lasting = lasting
        node, interface = wire or (server, "eth0")
        self.wire = node.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self.wire.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 128 << 20)
        self.wire.bind((interface, ETH_P_IP))
        self.wire.setblocking(False)
        # Nobody reads it: it is there so that no ICMP goes back.
        self.sink = server.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sink.bind(("", port))
        self.thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self):
        with self.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            for _ in range(50):  # until the neighbours know each other
                first.sendto(b"hello", self.to)
                time.sleep(0.02)
                if self._read():
                    break
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.wire.close()
        self.sink.close()

    def _send(self):
        with self.client.inside():
            old = [self._connection() for _ in range(self.lasting)]
            young = collections.deque()
            born = 0
            while not self.stopped.is_set():
                now = time.monotonic()
                young.append((now, self._connection()))
                while young and young[0][0] < now - LIFE:
                    young.popleft()[1].close()
                born += 1
                for number, one in enumerate(old):
                    self._say(one, number)
                # Each young one speaks when it is born, and then every fifth time.
                for back, (_, one) in enumerate(reversed(young)):
                    if back % 5 == 0:
                        self._say(one, self.lasting + born - back)
                time.sleep(0.01)
            for one in [*old, *(one for _, one in young)]:
                one.close()

    @staticmethod
    def _connection():
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def _say(self, one, connection):
        number = len(self.sent)
        self.sent[connection, number] = time.monotonic()
        one.sendto(PAYLOAD.pack(MARK, connection, number), self.to)

    def _read(self):
        """What has come so far: [(source, payload)]."""
        came = []
        while True:
            try:
                packet = self.wire.recv(2048)
            except BlockingIOError:
                return came
            header = (packet[0] & 15) * 4
            if packet[9] == socket.IPPROTO_UDP:
                came.append((socket.inet_ntoa(packet[12:16]), packet[header + 8:]))

    def stop(self):
        """Ends it and returns all that came: {(connection, number): source}."""
        self.stopped.set()
        self.thread.join()
        if not hasattr(self, "came"):
            self.came = {}
            deadline = time.monotonic() + 0.2 * PATIENCE  # for what is on its way
            while len(self.came) < len(self.sent) and time.monotonic() < deadline:
                time.sleep(0.02)
                self._take()
        return self.came

    def _take(self):
        self.came.update({PAYLOAD.unpack(data)[1:]: source for source, data in self._read()
                          if len(data) == PAYLOAD.size and PAYLOAD.unpack(data)[0] == MARK})

    def count(self, allowed, since=0.0, until=float("inf"), old_only=False):
        """Of what was sent between two moments (time.monotonic()): how many datagrams, how many
        never came, how many bore another source than `allowed`."""
        came = self.stop()
        sent = [key for key, when in self.sent.items() if since <= when < until
                and (not old_only or key[0] < self.lasting)]
        return Count(len(sent), sum(key not in came for key in sent),
                     sum(key in came and came[key] != allowed for key in sent))
