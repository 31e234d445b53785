# SPDX-License-Identifier: GPL-2.0-or-later
"""ddns: a provider of dynamic DNS: an update server (HTTPS, the protocol of dyndns2 and No-IP) whose
names our DNS server then answers."""

import http.server
import ssl
import subprocess
import threading
import urllib.parse

HOST = "dynupdate.no-ip.com"


class Provider:
    """On a machine of the laboratory. `updates` are the addresses that it was told, "" for none."""

    def __init__(self, node, dns, folder, name):
        self.updates = []
        self.certificate = folder / "provider.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", folder / "provider.key",
                        "-out", self.certificate, "-days", "2", "-subj", f"/CN={HOST}",
                        "-addext", f"subjectAltName=DNS:{HOST}"],
                       check=True, capture_output=True)
        provider = self

        class Update(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # the name that http.server wants
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query,
                                              keep_blank_values=True)
                address = query.get("myip", [""])[0]
                known = dns.records.get(name) == [address]
                provider.updates.append(address)
                dns.records[name] = [address] if address else []
                body = f"{'nochg' if known else 'good'} {address}\n".encode("ascii")
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with node.inside():
            self._server = http.server.ThreadingHTTPServer(("0.0.0.0", 443), Update)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, folder / "provider.key")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                  do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
