# SPDX-License-Identifier: GPL-2.0-or-later
"""An ill-mannered router. Run inside the router's namespace; the manners are JSON in argv[1]; each
request that it hears is a JSON line on standard output.

  pcp, natpmp   "silent", "ok", "garbage", "short", {"result": N}, {"late_ms": N}, {"deaf": N} (to
                the first N), {"foreign": true} (answers from another port), {"lifetime": N} (grants
                no other); for pcp "closed" (nobody listens, for both), "other-version" or
                "natpmp-version" (both UNSUPP_VERSION), {"address": A} (the external one); for natpmp
                {"eight_bits": true} (of each port in its answers)
  lan           the name of its interface there
  given         the external port of each mapping of PCP, whatever is asked
  location      of the description, or a list of them; null: no answer to a search; "garbage"
  targets       what a search must ask for, each a part of it, to be answered so; the others get a
                description of Wi-Fi Protected Setup
  neighbours    {address: location} of others on the link, who answer each search before the router
  description   a name of upnp_descriptions.py or upnp_hostile.py, or {"status": N},
                after {"late_ms": N} as well; or {path: one of these}
  hostile       {action: a name of HOSTILE}: what is sent in place of an answer
  picky         what requests it answers with an error: see FAULTS_OF_REQUESTS (upnp_picky.py)
  faults        {action: UPnP error code, or a list of them used up one by one; 0 is none}
  soap          "ok", "html" (200 with a web page), "liar" (yes, but the table stays empty)
  wan           the external address ("" where the line is down)
  lines         {path: [status, external address]} of control URLs with a line of their own
  holder        [client, port] of every external port from the start, or null
  taken         {port: [client, port, description]} of others, who cannot be moved, or "all"
  conflict      what an AddPortMapping of a taken port gets
  leases        the only leases that it grants, as text; others get "lease_code"
  crash         true: an AddPortMapping with a lease is not answered, the table is empty afterwards
  stuck         what is left of a lease, whatever is asked, until the entry is deleted, or for ever
                if "stuck_for_ever"
  slow          seconds before each answer to a request
  only_path     where it takes requests; 404 elsewhere
  chunked       all HTTP answers are, whatever the request said
  epoch         seconds that PCP and NAT-PMP say at the start; their clock runs from there
  search        "notify": searches are answered by a NOTIFY to everybody, after the search is over;
                "multicast" or "unicast": the others are not answered
  lost_searches how many searches are not heard at first
  boot_id, uuid of SSDP answers; null: not said
  events        what a SUBSCRIBE gets: "ok", "silent", "mute" (granted, and then nothing is ever told)
                or a status of HTTP; "renewals" the same for those that name a subscription
  timeout       of a subscription, as it is said

Each line of JSON on standard input changes manners, and may say "do":
  "reboot"      the table is empty and the epoch 0, without a word
  "announce"    as a datagram to everybody: "kind" is pcp, natpmp, alive or byebye; "source" an address
  "event"       a NOTIFY to the subscriber: "event" may name sid, seq, entries, wan, body, source, times
                and "slow" (never ends); what it gets is heard as "told"
"""

import json
import select
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

from upnp_descriptions import DESCRIPTIONS, PLAIN
from upnp_hostile import HOSTILE
from upnp_picky import FAULTS_OF_REQUESTS, Request

manners = {
    "lan": "lan0", "events": 404, "renewals": "ok", "timeout": "Second-86400", "epoch": 77,
    "given": None, "taken": {}, "conflict": 718, "leases": None, "lease_code": 402, "stuck": None,
    "stuck_for_ever": False, "boot_id": None, "search": None, "chunked": False,
    "uuid": "uuid:rude", "pcp": "silent", "natpmp": "silent", "location": None,
    "description": "plain", "targets": None, "hostile": {}, "neighbours": {}, "picky": [],
    "lines": {}, "crash": False, "faults": {}, "soap": "ok", "wan": "11.0.0.2", "holder": None,
    "http": 5000, "lost_searches": 0, "slow": 0,
}
manners.update(json.loads(sys.argv[1]))

table = {}
started = time.monotonic()
IGD = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
output = threading.Lock()


def heard(**what):
    with output:
        print(json.dumps({"at": time.monotonic(), **what}), flush=True)


def late(manner):
    if isinstance(manner, dict) and manner.get("late_ms"):
        time.sleep(manner["late_ms"] / 1000)


def result_of(manner):
    return manner.get("result", 0) if isinstance(manner, dict) else 0


def granted(manner, lifetime):
    return manner.get("lifetime", lifetime) if isinstance(manner, dict) and lifetime else lifetime


def pcp_answer(data, manner):
    if manner == "garbage":
        return b"\x02\x81\x00\x00" + b"\xff" * 41
    if manner == "short":
        return data[:20]
    if manner == "other-version":
        return bytes([1, data[1] | 0x80, 0, 1]) + bytes(20)
    if manner == "natpmp-version":
        return bytes([0, data[1] | 0x80, 0, 1]) + struct.pack("!I", 9)
    result = result_of(manner)
    lifetime = granted(manner, struct.unpack("!I", data[4:8])[0])
    head = struct.pack("!BBBBII12x", 2, data[1] | 0x80, 0, result, lifetime, epoch())
    if data[1] == 0:
        return head
    external = struct.pack("!H", manners["given"]) if manners["given"] else data[42:44]
    external = external if lifetime else b"\0\0"
    return head + data[24:42] + external + bytes(10) + b"\xff\xff" + \
        socket.inet_aton(manner.get("address", "11.0.0.2") if isinstance(manner, dict) else "11.0.0.2")


def natpmp_answer(data, manner):
    if manner == "garbage":
        return b"\x00\xaa" + b"\xff" * 14
    if manner == "short":
        return bytes([0, data[1] | 0x80, 0, 0, 0])
    head = struct.pack("!BBHI", 0, data[1] | 0x80, result_of(manner), epoch())
    if data[1] == 0:
        return head + socket.inet_aton(manners["wan"] or "0.0.0.0")
    port, external, lifetime = struct.unpack("!HHI", data[4:12])
    external = manners["given"] or external
    if isinstance(manner, dict) and manner.get("eight_bits"):
        port, external = port & 0xff, external & 0xff
    return head + struct.pack("!HHI", port, external, granted(manner, lifetime))


def epoch():
    return int(time.monotonic() - started + manners["epoch"])


def hear(data):
    if data[0] == 2 and data[1] == 1:
        port, external = struct.unpack("!HH", data[40:44])
        heard(what="pcp-map", lifetime=struct.unpack("!I", data[4:8])[0], port=port,
              external=external, nonce=data[24:36].hex())
    elif data[0] == 2:
        heard(what="pcp-announce")
    elif data[1] == 0:
        heard(what="natpmp-address")
    else:
        port, external, lifetime = struct.unpack("!HHI", data[4:12])
        heard(what="natpmp-map", port=port, external=external, lifetime=lifetime)


def serve_ports():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("192.168.77.1", 5351))
    foreign = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    foreign.bind(("192.168.77.1", 0))
    count = {"pcp": 0, "natpmp": 0}

    def answer(name, data, peer):
        late(manners[name])
        from_port = foreign if isinstance(manners[name], dict) and manners[name].get("foreign") else server
        from_port.sendto((pcp_answer if name == "pcp" else natpmp_answer)(data, manners[name]), peer)

    while True:
        data, peer = server.recvfrom(1100)
        hear(data)
        name = "pcp" if data[0] == 2 else "natpmp"
        manner = manners[name]
        count[name] += 1
        deaf = manner.get("deaf", 0) if isinstance(manner, dict) else 0
        if manner != "silent" and count[name] > deaf:
            threading.Thread(target=answer, args=(name, data, peer), daemon=True).start()


def ssdp_answer(location):
    if location == "garbage":
        return b"HTTP/1.1 200 OK\r\nLOCATION: \xff\0http:///\r\n" + b"\r" * 900
    return ("HTTP/1.1 200 OK\r\nSt: upnp:rootdevice\r\nServer: rude/1\r\n"
            f"{ssdp_identity()}Location: {location}\r\n\r\n").encode()


def ssdp_locations(target):
    """Of the descriptions that a search for `target` leads to."""
    if manners["targets"] is not None and not any(part in target for part in manners["targets"]):
        return ["http://192.168.77.1:49152/wps_device.xml"]
    where = manners["location"]
    return where if isinstance(where, list) else [where]


def ssdp_identity():
    lines = f"USN: {manners['uuid']}::{IGD}\r\n" if manners["uuid"] else ""
    return lines + (f"BOOTID.UPNP.ORG: {manners['boot_id']}\r\n" if manners["boot_id"] else "")


def notice(kind):
    place = f"LOCATION: {manners['location']}\r\n" if kind == "alive" else ""
    return ("NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
            f"NTS: ssdp:{kind}\r\nNT: {IGD}\r\n{place}{ssdp_identity()}\r\n").encode()


def announce(kind, source="192.168.77.1"):
    """To everybody, from `source`; from a link-local address to all nodes of IPv6."""
    if ":" in source:
        link = socket.if_nametoindex(manners["lan"])
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0, 0, link))
            sender.sendto(struct.pack("!BBBBII12x", 2, 0x80, 0, 0, 0, epoch()),
                          ("ff02::1", 5350, 0, link))
        return
    group = ("224.0.0.1", 5350) if kind in ("pcp", "natpmp") else ("239.255.255.250", 1900)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
        sender.bind((source, 0))
        if kind == "pcp":
            data = struct.pack("!BBBBII12x", 2, 0x80, 0, 0, 0, epoch())
        elif kind == "natpmp":
            data = struct.pack("!BBHI", 0, 128, 0, epoch()) + socket.inet_aton(manners["wan"])
        else:
            data = notice(kind)
        sender.sendto(data, group)


subscriber = {"sid": "", "callback": None, "seq": 0, "number": 0}


def properties(entries, wan):
    return ('<?xml version="1.0"?><e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0">'
            f"<e:property><PortMappingNumberOfEntries>{entries}</PortMappingNumberOfEntries>"
            f"</e:property><e:property><ExternalIPAddress>{wan}</ExternalIPAddress></e:property>"
            "</e:propertyset>")


def tell(sid=None, seq=None, entries=1, wan=None, body=None, source="192.168.77.1", slow=False):
    """One NOTIFY; what comes back for it is heard."""
    if body is None:
        body = properties(entries, manners["wan"] if wan is None else wan)
    if seq is None:
        seq = subscriber["seq"]
        subscriber["seq"] += 1
    length = 1 << 20 if slow else len(body)
    text = (f"NOTIFY / HTTP/1.1\r\nHOST: x\r\nNT: upnp:event\r\nNTS: upnp:propchange\r\n"
            f"SID: {sid or subscriber['sid']}\r\nSEQ: {seq}\r\nContent-Length: {length}\r\n\r\n{body}")
    try:
        with socket.create_connection(subscriber["callback"], 20, (source, 0)) as connection:
            connection.sendall(text.encode())
            answer = connection.recv(1000).decode()
    except OSError as error:
        answer = f"HTTP/1.1 {type(error).__name__}"
    heard(what="told", seq=seq, status=(answer.split(" ") + [""])[1])


def obey():
    """What the test says while it runs."""
    global started
    for line in sys.stdin:
        order = json.loads(line)
        action = order.pop("do", None)
        where = {name: order.pop(name) for name in ("kind", "source") if name in order}
        event = order.pop("event", {})
        manners.update(order)
        if action == "reboot":
            table.clear()
            started = time.monotonic()
            manners["epoch"] = 0
        elif action == "announce":
            announce(**where)
        elif action == "event":
            for _ in range(event.pop("times", 1)):
                tell(**event)
        heard(what="obeyed")


def sees_no_search(data):
    """What servers leave unanswered: no MX, or one that they divide by."""
    lines = dict(line.split(":", 1) for line in data.decode().split("\r\n") if ":" in line)
    return (lines.get("MAN", "").strip() != '"ssdp:discover"' or
            not lines.get("MX", "").strip().isdigit() or int(lines["MX"]) < 1)


def answer_search(target, peer, answers):
    for address, location in manners["neighbours"].items():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour:
            neighbour.bind((address, 0))
            neighbour.sendto(ssdp_answer(location), peer)
    time.sleep(0.05)  # as miniupnpd does; PCP has answered by then, on a busy machine too
    for location in ssdp_locations(target):
        answers.sendto(ssdp_answer(location), peer)


def search_sockets():
    """Of the router's own address, of everybody's, and of everybody's of IPv6."""
    sockets = []
    for address in ("192.168.77.1", "239.255.255.250"):
        sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sockets[-1].bind((address, 1900))
    sockets[1].setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                          socket.inet_aton("239.255.255.250") + socket.inet_aton("192.168.77.1"))
    sockets.append(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    sockets[2].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sockets[2].bind(("::", 1900))
    sockets[2].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                          socket.inet_pton(socket.AF_INET6, "ff02::c") +
                          struct.pack("@i", socket.if_nametoindex(manners["lan"])))
    return sockets


def serve_searches():
    servers = search_sockets()
    answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # from another port than 1900
    answers.bind((manners.get("answers_from", "192.168.77.1"), 0))
    late_notice = threading.Timer(4.5, announce, ("alive",))
    while True:
        for server in select.select(servers, [], [])[0]:
            data, peer = server.recvfrom(2000)
            if not data.startswith(b"M-SEARCH"):  # its own NOTIFY
                continue
            target = [line[3:].strip() for line in data.decode().split("\r\n")
                      if line.startswith("ST:")]
            multicast = server is not servers[0]
            heard(what="search", target=target[0], multicast=multicast, ipv6=server is servers[2])
            if not manners["location"] or sees_no_search(data) or manners["search"] == (
                    "unicast" if multicast else "multicast"):
                continue
            if manners["lost_searches"] > 0:
                manners["lost_searches"] -= 1
            elif manners["search"] != "notify":
                answer_search(target[0], peer, answers)
            elif not late_notice.is_alive():
                late_notice.start()


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Connection", "close")
        if manners["chunked"]:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + 100]), body[at:at + 100])
                            for at in range(0, len(body), 100)) + b"0\r\n\r\n"
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def fault(self, code):
        self.reply(500, f"""<?xml version="1.0"?><s:Envelope
xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode>
<detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>{code}</errorCode>
</UPnPError></detail></s:Fault></s:Body></s:Envelope>""".encode())

    def send_as_it_is(self, name):
        try:
            self.wfile.write(HOSTILE[name])
        except OSError:
            heard(what="hung-up")
        self.close_connection = True

    def endless(self, chunk, pause):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(chunk)
                self.wfile.flush()
                time.sleep(pause)
        except OSError:
            heard(what="hung-up")
        self.close_connection = True

    def handle(self):
        # Before anything is read: one write of the client is all there by then.
        self.head = self.request.recv(65536, socket.MSG_PEEK)
        super().handle()

    def do_GET(self):
        heard(what="get", path=self.path, host=self.headers["Host"])
        kind = manners["description"]
        if isinstance(kind, dict) and "status" not in kind:
            kind = kind.get(self.path, {"status": 404})
        if isinstance(kind, dict):
            late(kind)
            self.reply(kind["status"], PLAIN)
        elif kind in HOSTILE:
            self.send_as_it_is(kind)
        elif kind == "drip":
            self.endless(b"<", 0.2)
        elif kind == "flood":
            self.endless(b"<root>" * 10000, 0)
        else:
            self.reply(200, DESCRIPTIONS[kind])

    def do_SUBSCRIBE(self):
        sid = self.headers["SID"]
        heard(what="renew" if sid else "subscribe", path=self.path, sid=sid, nt=self.headers["NT"],
              callback=self.headers["CALLBACK"], timeout=self.headers["TIMEOUT"])
        manner = manners["renewals" if sid else "events"]
        if manner == "silent":
            time.sleep(60)
        elif manner not in ("ok", "mute"):
            self.reply(manner, b"")
            return
        if not sid:
            host, port = self.headers["CALLBACK"][len("<http://"):-len("/>")].split(":")
            subscriber["number"] += 1
            subscriber.update(sid=f"uuid:{subscriber['number']}", callback=(host, int(port)), seq=0)
        self.send_response(200)
        self.send_header("SID", subscriber["sid"])
        self.send_header("TIMEOUT", manners["timeout"])
        self.send_header("Content-Length", "0")
        self.end_headers()
        if not sid and manner == "ok":
            threading.Thread(target=tell, daemon=True).start()

    def do_UNSUBSCRIBE(self):
        heard(what="unsubscribe", path=self.path, sid=self.headers["SID"])
        self.reply(200, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        service, action = self.headers["SOAPAction"].strip('"').rsplit("#", 1)
        argument = {}
        for part in body.split("<New")[1:]:
            name, value = part.split(">", 1)
            argument[name] = value.split("<", 1)[0]
        heard(what=action, path=self.path, service=service, **argument)
        request = Request(self.head, self.headers, body, argument, self.connection,
                          "half-closed" in manners["picky"])
        if any(FAULTS_OF_REQUESTS[fault](request) for fault in manners["picky"]):
            self.fault(401)
            return
        if manners["crash"] and argument.get("LeaseDuration", "0") != "0":
            table.clear()
            self.close_connection = True
            return
        time.sleep(manners["slow"])
        if self.path != manners.get("only_path", self.path):
            self.reply(404, b"<html>gone</html>")
            return
        if action in manners["hostile"]:
            self.send_as_it_is(manners["hostile"][action])
            return
        if manners["soap"] == "html":
            self.reply(200, b"<html><body>Welcome to your router</body></html>")
            return
        if manners["soap"] == "drip":
            self.endless(b"<", 0.2)
            return
        code = manners["faults"].get(action, 0)
        if isinstance(code, list):
            code = code.pop(0) if code else 0
        answer = getattr(self, action)(argument) if not code else code
        if isinstance(answer, int):
            self.fault(answer)
            return
        values = "".join(f"<New{name}>{value}</New{name}>" for name, value in answer.items())
        self.reply(200, f"""<?xml version="1.0"?><s:Envelope
xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:{action}Response
xmlns:u="{service}">{values}</u:{action}Response></s:Body></s:Envelope>""".encode())

    def AddPortMapping(self, argument):
        port = argument["ExternalPort"]
        if manners["taken"] == "all" or port in manners["taken"]:
            return manners["conflict"]
        if manners["leases"] is not None and argument["LeaseDuration"] not in manners["leases"]:
            return manners["lease_code"]
        if manners["stuck"] and (port in table or manners["stuck_for_ever"]):
            argument["LeaseDuration"] = manners["stuck"]
        if manners["soap"] != "liar":
            table[port] = argument
        return {}

    def AddAnyPortMapping(self, argument):
        port = int(argument["ExternalPort"])
        while str(port) in manners["taken"] or str(port) in table:
            port += 1
        table[str(port)] = argument
        return {"ReservedPort": port}

    def DeletePortMapping(self, argument):
        if argument["ExternalPort"] in manners["taken"]:
            manners["taken"].pop(argument["ExternalPort"])
            return {}
        if argument["ExternalPort"] not in table and not manners["holder"]:
            return 714
        table.pop(argument["ExternalPort"], None)
        manners["holder"] = None
        return {}

    def GetSpecificPortMappingEntry(self, argument):
        entry = table.get(argument["ExternalPort"])
        taken = manners["taken"]
        lease, said = 0, "console"
        if entry:
            client, port = entry["InternalClient"], entry["InternalPort"]
            lease, said = entry["LeaseDuration"], entry["PortMappingDescription"]
        elif taken == "all":
            client, port = "192.168.77.7", 1
        elif argument["ExternalPort"] in taken:
            client, port, said = taken[argument["ExternalPort"]]
        elif manners["holder"]:
            client, port = manners["holder"]
        else:
            return 714
        return {"InternalPort": port, "InternalClient": client, "Enabled": 1,
                "PortMappingDescription": said, "LeaseDuration": lease}

    def GetGenericPortMappingEntry(self, argument):
        if manners["soap"] != "endless-table":
            return 713
        return {"RemoteHost": "", "ExternalPort": 1000 + int(argument["PortMappingIndex"]),
                "Protocol": "UDP", "InternalPort": 1, "InternalClient": "192.168.77.9",
                "Enabled": 1, "PortMappingDescription": "again", "LeaseDuration": 60}

    def GetExternalIPAddress(self, _):
        return {"ExternalIPAddress": manners["lines"].get(self.path, [0, manners["wan"]])[1]}

    def GetStatusInfo(self, _):
        status = manners["lines"].get(self.path, ["Disconnected"])[0]
        return {"ConnectionStatus": status, "LastConnectionError": "ERROR_NONE", "Uptime": 1}


if manners["pcp"] != "closed":
    threading.Thread(target=serve_ports, daemon=True).start()
threading.Thread(target=serve_searches, daemon=True).start()
threading.Thread(target=obey, daemon=True).start()
# Not an HTTPServer: that one asks DNS for its own name first, which takes seconds without a DNS.
ThreadingTCPServer.daemon_threads = True
ThreadingTCPServer.allow_reuse_address = True
web = ThreadingTCPServer(("", manners["http"]), Web)  # and at every other address of the link
heard(what="ready")
web.serve_forever()
