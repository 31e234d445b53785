# SPDX-License-Identifier: GPL-2.0-or-later
"""What the pickiest routers mind in a request (upnp_rude.py)."""

import socket
import struct
import time

# What is the matter with a request, for those who mind (field/routers.md 3, 24 to 29, 43): its bytes,
# its SOAPAction, its body, its arguments and its connection tell. True: that.
FAULTS_OF_REQUESTS = {
    "action-case": lambda r: b"\r\nSOAPAction:" not in r.head,
    "action-quotes": lambda r: not (r.action.startswith('"') and r.action.endswith('"')),
    # looks for the end of the action in what follows it
    "action-end": lambda r: b"\r" in r.head.split(b"#", 1)[1].split(b'"', 1)[0],
    "body-begin": lambda r: not r.body.startswith("<?xml"),
    "newlines": lambda r: "\n" in r.body[r.body.index("<s:Env"):r.body.rindex(">")],
    "soap-2003": lambda r: "http://schemas.xmlsoap.org/soap/envelope/" not in r.body,
    "two-segments": lambda r: r.segments != 1,
    "half-closed": lambda r: r.half_closed,
    "lower-case": lambda r: r.arguments.get("Protocol", "UDP") not in ("UDP", "TCP"),
    "remote-host": lambda r: r.arguments.get("RemoteHost", "") != "",
    "description": lambda r: r.arguments.get("PortMappingDescription", "x") == "",
    "sender": lambda r: r.arguments.get("InternalClient", r.client) != r.client,
}


class Request:
    """What came, as it came. `connection`: where the answer goes; `patient`: waits for the client to
    close its half of it."""

    def __init__(self, head, headers, body, arguments, connection, patient):
        self.head, self.body, self.arguments = head, body, arguments
        self.action = headers["SOAPAction"]
        self.client = connection.getpeername()[0]
        # tcpi_data_segs_in of struct tcp_info (linux/tcp.h)
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 156)
        self.segments = struct.unpack_from("@I", info, 152)[0]
        self.half_closed = False
        if patient:
            time.sleep(0.05)
            try:
                self.half_closed = connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
            except BlockingIOError:
                pass
