"""A back end that is found by name and speaks TLS: backend.py CERTIFICATE KEY NAME.

A name server on 127.0.0.1:53 that knows NAME, and an HTTPS server on port 4443 that takes everything. Prints a line when both
listen, and one per request: its path and size. Ends when its input does.
"""

import http.server
import socket
import ssl
import struct
import sys
import threading

certificate, key, name = sys.argv[1:]


def answer(question: bytes) -> bytes:
    """RFC 1035 section 4: the address for a question about the name, and no data for anything else."""
    labels, position = [], 12
    while question[position]:
        labels.append(question[position + 1 : position + 1 + question[position]].decode())
        position += 1 + question[position]
    kind = struct.unpack_from(">H", question, position + 1)[0]
    is_known = ".".join(labels).lower() == name and kind == 1
    header = question[:2] + struct.pack(">HHHHH", 0x8580, 1, int(is_known), 0, 0)
    record = struct.pack(">HHHIH4s", 0xC00C, 1, 1, 1, 4, socket.inet_aton("127.0.0.1")) if is_known else b""
    return header + question[12 : position + 5] + record


def serve_names(names: socket.socket):
    while True:
        question, client = names.recvfrom(4096)
        names.sendto(answer(question), client)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        print(self.path, size, flush=True)

    def log_message(self, *_):
        pass


names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("127.0.0.1", 53))
threading.Thread(target=serve_names, args=(names,), daemon=True).start()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 4443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("listening", flush=True)
sys.stdin.read()
