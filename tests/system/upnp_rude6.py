# SPDX-License-Identifier: GPL-2.0-or-later
"""The IPv6 side of an ill-mannered router: PCP and WANIPv6FirewallControl on one IPv6 address. Run inside
the router's namespace beside upnp_rude.py; the manners are JSON in argv[1], each request that it hears
is a JSON line on standard output.

  address    where it listens
  pcp        "ok", "silent", "closed" (nobody listens), "garbage", "forgetful" (its epoch goes back),
             "other-version", {"result": N}, "no-update" (NO_RESOURCES for what is there already)
  http       the port of its web server; null: there is none
  faults     {action: UPnP error code, or "hang", "html", or "missing" (a page, as of HTTP 404)}
  chunked    its answers have no length, and come in chunks of so many bytes
  allowed    what GetFirewallStatus says, as text; null: it does not know the question
"""

import json
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

manners = {"pcp": "ok", "http": 5000, "faults": {}, "allowed": "1"}
manners.update(json.loads(sys.argv[1]))
output = threading.Lock()
epochs = iter(range(1000, 0, -100))
pinholes = set()


def heard(**what):
    with output:
        print(json.dumps(what), flush=True)


def place(port):
    """A link-local address needs its link, which only the long form of an address holds."""
    return socket.getaddrinfo(manners["address"], port, type=socket.SOCK_DGRAM)[0][4]


def update(data):
    """The result of a MAP where the firewall can add and remove, and nothing else."""
    lifetime, pinhole = struct.unpack("!I", data[4:8])[0], data[36:42]
    if not lifetime:
        pinholes.discard(pinhole)
    elif pinhole in pinholes:
        return 8
    else:
        pinholes.add(pinhole)
    return 0


def pcp_answer(data):
    manner = manners["pcp"]
    if manner == "garbage":
        return b"\xff" * 60
    version = 1 if manner == "other-version" else 2
    result = 1 if version == 1 else manner["result"] if isinstance(manner, dict) else 0
    if manner == "no-update":
        result = update(data)
    epoch = next(epochs) if manner == "forgetful" else 1000
    lifetime = struct.unpack("!I", data[4:8])[0]
    if data[1] == 0:  # ANNOUNCE
        return struct.pack("!BBBBII12x", version, 0x80, 0, result, 0, epoch)
    return (struct.pack("!BBBBII12x", version, data[1] | 0x80, 0, result, lifetime, epoch) +
            data[24:42] + (data[40:42] if lifetime else b"\0\0") + data[8:24])


def serve_pcp():
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind(place(5351))
    while True:
        data, peer = server.recvfrom(1100)
        heard(what="pcp-map", client=socket.inet_ntop(socket.AF_INET6, data[8:24]), source=peer[0],
              lifetime=struct.unpack("!I", data[4:8])[0], nonce=data[24:36].hex())
        if manners["pcp"] != "silent":
            server.sendto(pcp_answer(data), peer)


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Connection", "close")
        piece = manners.get("chunked")
        self.send_header(*("Transfer-Encoding", "chunked") if piece else
                         ("Content-Length", str(len(body))))
        self.end_headers()
        if piece:
            pieces = [body[at:at + piece] for at in range(0, len(body), piece)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in [*pieces, b""])
        self.wfile.write(body)
        self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        service, action = self.headers["SOAPAction"].strip('"').rsplit("#", 1)
        names = ("InternalClient", "InternalPort", "Protocol", "LeaseTime", "UniqueID",
                 "NewLeaseTime")
        heard(what=action, source=self.client_address[0], path=self.path,
              **{name: body.split(f"<{name}>")[1].split("<")[0]
                 for name in names if f"<{name}>" in body})
        fault = manners["faults"].get(action, 0)
        if fault == "hang":
            time.sleep(60)
        elif fault in ("html", "missing"):
            self.reply(200 if fault == "html" else 404,
                       b"<html><body>Welcome to your router</body></html>")
        elif fault or (action == "GetFirewallStatus" and manners["allowed"] is None):
            self.reply(500, f"<s:Envelope><s:Body><s:Fault><detail><UPnPError><errorCode>"
                            f"{fault or 401}</errorCode></UPnPError></detail></s:Fault></s:Body>"
                            "</s:Envelope>".encode())
        else:
            value = {"GetFirewallStatus": "<FirewallEnabled>1</FirewallEnabled><InboundPinholeAllowed>"
                                          f"{manners['allowed']}</InboundPinholeAllowed>",
                     "AddPinhole": "<UniqueID>4711</UniqueID>"}.get(action, "")
            self.reply(200, f'<s:Envelope><s:Body><u:{action}Response xmlns:u="{service}">{value}'
                            f"</u:{action}Response></s:Body></s:Envelope>".encode())


class Server(ThreadingTCPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    allow_reuse_address = True


if manners["pcp"] != "closed":
    threading.Thread(target=serve_pcp, daemon=True).start()
web = Server(place(manners["http"]), Web) if manners["http"] else None
heard(what="ready")
if web:
    web.serve_forever()
threading.Event().wait()
