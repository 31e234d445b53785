# SPDX-License-Identifier: GPL-2.0-or-later
"""dns: a small DNS server of ours, on a machine of the laboratory."""

import contextlib
import ipaddress
import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28
SERVER_FAILURE, NO_SUCH_NAME = 2, 3


def wire(name):
    """A name as on the wire."""
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split(".")) + b"\0"


def read_question(message):
    """(name, type, the bytes of the question) of a query."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("ascii"))
        at += 1 + message[at]
    return ".".join(labels).lower(), struct.unpack_from("!H", message, at + 1)[0], message[12:at + 5]


class DNS:
    """Answers over UDP for `records`, {name: [address or alias, ...]}, with `ttl`. What it does not
    hold does not exist. `queries` are the (name, type) that came."""

    def __init__(self, node, records, ttl=60, address="0.0.0.0", forge=None, code=0, late=None):
        """forge: addresses that somebody else puts before each answer, but cannot guess its id.
        code: answers with this error instead; {type: error} to questions of that type.
        late: {type: seconds} before an answer to such a question leaves."""
        self.records = dict(records)
        self.ttl = ttl
        self.forge = forge or []
        self.code = code
        self.late = late or {}
        self.queries = []
        self._socket = node.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                message, peer = self._socket.recvfrom(512)
                if not message:
                    return
                late = self.late.get(read_question(message)[1], 0)
                for answer in self.answers(message):
                    if late:
                        threading.Timer(late, self._socket.sendto, (answer, peer)).start()
                    else:
                        self._socket.sendto(answer, peer)
            except OSError:
                return

    def answers(self, message):
        name, kind, question = read_question(message)
        self.queries.append((name, kind))
        number = struct.unpack_from("!H", message)[0]
        for guess in self.forge:
            yield self._answer(number ^ 0x5555, 0, question, [self._record(name, kind, guess)])
        code = self.code.get(kind, 0) if isinstance(self.code, dict) else self.code
        if code:
            yield self._answer(number, code, question, [])
            return
        records, known = [], name in self.records
        while name in self.records:
            values = self.records[name]
            alias = next((value for value in values if not _is_address(value)), None)
            records += [self._record(name, kind, value) for value in values
                        if _is_address(value) and _kind(value) == kind]
            if alias:
                records.append(self._record(name, CNAME, alias))
            name = alias
        yield self._answer(number, 0 if known else NO_SUCH_NAME, question, records)

    def _record(self, name, kind, value):
        data = wire(value) if kind == CNAME else ipaddress.ip_address(value).packed
        return wire(name) + struct.pack("!HHIH", kind, 1, self.ttl, len(data)) + data

    @staticmethod
    def _answer(number, code, question, records):
        return (struct.pack("!6H", number, 0x8180 | code, 1, len(records), 0, 0) + question
                + b"".join(records))

    def close(self):
        with contextlib.suppress(OSError):  # it is not connected, but the server wakes up
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _is_address(value):
    try:
        return bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def _kind(value):
    return A if ipaddress.ip_address(value).version == 4 else AAAA


def use(node, *servers):
    """The machine asks these servers from now on, resolv.conf(5)."""
    path = node.folder / "resolv.conf"
    first = not path.exists()
    path.write_text("".join(f"nameserver {server}\n" for server in servers), encoding="ascii")
    if first:
        node.run("mount", "--bind", path, "/etc/resolv.conf")
