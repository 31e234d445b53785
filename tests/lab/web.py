# SPDX-License-Identifier: GPL-2.0-or-later
"""web: a web server that answers with the address it was asked from, and its visitor."""

import http.client
import http.server
import ipaddress
import socket
import threading


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # the name that http.server wants
        peer = ipaddress.ip_address(self.client_address[0])
        size = int(self.path.strip("/") or 0)  # "/300000" asks for that many bytes
        body = f"{getattr(peer, 'ipv4_mapped', None) or peer}\n".encode("ascii").ljust(size, b".")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True


def serve(node, port=80):
    """Starts the server on a machine, IPv4 and IPv6, in a thread of ours; returns it."""
    with node.inside():
        server = Server(("::", port), Answer)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05},
                     daemon=True).start()
    return server


def fetch(node, address, port=80, timeout=3, size=0):
    """The address that the web server at `address` saw when `node` asked, in an answer of at least
    `size` bytes. OSError on no answer."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        with node.inside():
            connection.connect()
        connection.request("GET", f"/{size}")
        body = connection.getresponse().read()
        if len(body) < size:
            raise OSError(f"{len(body)} bytes of {size} arrived")
        return body.decode("ascii").split("\n", 1)[0]
    finally:
        connection.close()
