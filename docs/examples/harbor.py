"""Harbor Ads, a vendor that does not exist: what campaigns cost, by day. For docs/write-a-source.md.

    python3 docs/examples/harbor.py PORT FILE

answers `GET /v1/spend?day=2026-01-14&page=1` with pages of two campaigns from FILE: {"2026-01-14": [campaign, ...], ...}.
"""

import http.server
import json
import sys
import urllib.parse

KEY, PAGE = "harbor-test-key", 2


class Harbor(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if self.headers.get("X-Harbor-Key") != KEY:
            return self.answer(401, {"error": "unknown key"})
        if url.path != "/v1/spend":
            return self.answer(404, {"error": "no such report"})
        with open(sys.argv[2]) as file:
            campaigns = json.load(file).get(query["day"], [])
        first = (int(query.get("page", 1)) - 1) * PAGE
        self.answer(200, {"spend": campaigns[first:first + PAGE], "pages": -(-len(campaigns) // PAGE)})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Harbor)
print(f"Harbor Ads answers at http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
