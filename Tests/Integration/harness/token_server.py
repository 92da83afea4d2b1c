"""An OAuth 2.0 token endpoint: gives out one token after the other and remembers what it was asked."""

import base64
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class TokenServer:
    """Listens on a free port of 127.0.0.1; `script` holds statuses for the next requests, then it is always 200."""

    def __init__(self, script=(), expires_in: int = 3600):
        self.script = list(script)
        self.asked: list[tuple[str, dict]] = []
        self._given = 0
        self._lock = threading.Lock()
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                kind, _, credentials = self.headers.get("authorization", "").partition(" ")
                who = base64.b64decode(credentials).decode() if kind == "Basic" else ""
                with tokens._lock:
                    status = tokens.script.pop(0) if tokens.script else 200
                    tokens.asked.append((who, {key: values[0] for key, values in form.items()}))
                    tokens._given += status == 200
                    token = {"access_token": f"token-{tokens._given}", "token_type": "Bearer", "expires_in": expires_in}
                body = json.dumps(token if status == 200 else {"error": "invalid_client"}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/token"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
