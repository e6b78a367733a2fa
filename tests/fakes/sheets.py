#!/usr/bin/env python3
"""Google Sheets as a service account meets it: the token endpoint, which checks the signature of what it is sent, and values.

The truth is {"spreadsheets": {"ID": {"title": "Mapping", "sheets": {"Map": [["source", "cost"], ["FB One", 12.5]]}}}}; cells are
as UNFORMATTED_VALUE gives them. "generate": {"spreadsheet": "ID", "sheet": "Map", "rows": n} makes one by rule. Knobs beside it: "life" (seconds of a
token, default 3599), "denied" (spreadsheets that nobody shared), "limit" (reads a minute, default 60).
GET /__ctl/account gives the key file of a service account whose public key the fake knows.
"""

import base64
import json
import pathlib
import re
import secrets
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake import Answer, Fake, main  # noqa: E402

EMAIL = "signalroom@project.iam.gserviceaccount.com"
SCOPES = {"https://www.googleapis.com/auth/spreadsheets.readonly", "https://www.googleapis.com/auth/spreadsheets"}
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
RANGE = re.compile(r"(?:(?:'(?P<quoted>(?:[^']|'')+)'|(?P<plain>[^'!:]+))(?:!|$))?(?:(?P<c1>[A-Z]*)(?P<r1>\d*)(?::(?P<c2>[A-Z]*)(?P<r2>\d*))?)?")


def openssl(*words, text=b""):
    return subprocess.run(["openssl", *map(str, words)], input=text, capture_output=True, check=True).stdout


class Keys:
    """The key pair of the account; openssl, and no code of SignalRoom, checks what was signed with it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.public = pathlib.Path(self.folder.name) / "public.pem"
        self.private = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048").decode()
        self.public.write_bytes(openssl("pkey", "-pubout", text=self.private.encode()))

    def signed(self, text, signature):
        with tempfile.NamedTemporaryFile(dir=self.folder.name) as file:
            file.write(signature)
            file.flush()
            try:
                openssl("dgst", "-sha256", "-verify", self.public, "-signature", file.name, text=text)
            except subprocess.CalledProcessError:
                return False
            return True


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def column_number(letters):
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def trimmed(cells):
    while cells and cells[-1] in ("", None):
        cells = cells[:-1]
    return cells


def error(code, status, message):
    return Answer.json({"error": {"code": code, "message": message, "status": status}}, code)


def refused(code, description):
    return Answer.json({"error": code, "error_description": description}, 400)


class Sheets(Fake):
    """Google's token endpoint and the Sheets API."""

    def __init__(self):
        self.keys = Keys()
        self.tokens = {}  # clients keep theirs over a reset
        super().__init__()

    def reset(self):
        super().reset()
        self.minute = (0, 0)

    def control(self, request):
        if request.path == "/__ctl/account":
            host = request.headers["host"]
            return Answer.json({"type": "service_account", "client_email": EMAIL, "private_key_id": "k1", "private_key": self.keys.private,
                                "token_uri": f"http://{host}/token"})
        return super().control(request)

    def respond(self, request):
        if (request.method, request.path) == ("POST", "/token"):
            return self.token(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self.tokens.get(token, 0) <= self.clock():
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        minute = int(self.clock() // 60)
        self.minute = (minute, self.minute[1] + 1 if self.minute[0] == minute else 1)
        if self.minute[1] > self.truth.get("limit", 60):
            return error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user'")
        hit = re.fullmatch(r"/v4/spreadsheets/([^/]+)(/values:batchGet|/values/(.+))?", request.path)
        if request.method != "GET" or not hit:
            return error(404, "NOT_FOUND", "Requested entity was not found.")
        return self.read(urllib.parse.unquote(hit[1]), request.query, hit[2], hit[3])

    def token(self, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if form.get("grant_type") != GRANT:
            return refused("unsupported_grant_type", "Invalid grant_type")
        try:
            head, claims, signature = form["assertion"].split(".")
            header, said = json.loads(unpadded(head)), json.loads(unpadded(claims))
        except (KeyError, ValueError):
            return refused("invalid_request", "Bad assertion")
        if header.get("alg") != "RS256" or not self.keys.signed(f"{head}.{claims}".encode(), unpadded(signature)):
            return refused("invalid_grant", "Invalid JWT Signature.")
        if said.get("iss") != EMAIL:
            return refused("invalid_grant", "Invalid grant: account not found")
        fresh = abs(said.get("iat", 0) - self.clock()) < 600 and said["iat"] < said.get("exp", 0) <= said["iat"] + 3600
        if not fresh or said.get("aud") != f"http://{request.headers['host']}/token" or said.get("scope") not in SCOPES:
            return refused("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
        token, life = "ya29." + secrets.token_urlsafe(24), self.truth.get("life", 3599)
        self.tokens[token] = self.clock() + life
        return Answer.json({"access_token": token, "expires_in": life, "token_type": "Bearer"})

    def spreadsheets(self):
        made = dict(self.truth.get("spreadsheets", {}))
        rule = self.truth.get("generate")
        if rule:
            rows = [[f"Source {n}", f"Affiliate {n % 7}", round(n * 1.37, 2), n % 2 == 0] for n in range(1, rule["rows"] + 1)]
            made[rule["spreadsheet"]] = {"title": "Generated", "sheets": {rule["sheet"]: [["Source", "Affiliate", "Cost", "Active"], *rows]}}
        return made

    def read(self, ident, query, values, single):
        if ident in self.truth.get("denied", []):
            return error(403, "PERMISSION_DENIED", "The caller does not have permission")
        book = self.spreadsheets().get(ident)
        if not book:
            return error(404, "NOT_FOUND", "Requested entity was not found.")
        if not values:
            return Answer.json({"spreadsheetId": ident, "properties": {"title": book["title"]}})
        if query.get("valueRenderOption") != "UNFORMATTED_VALUE" or query.get("dateTimeRenderOption") != "FORMATTED_STRING":
            return error(400, "INVALID_ARGUMENT", "this fake knows unformatted values and formatted dates only")
        asked = urllib.parse.unquote(single) if single else query.get("ranges", "")
        found = self.range(book, asked)
        if not found:
            return error(400, "INVALID_ARGUMENT", f"Unable to parse range: {asked}")
        return Answer.json(found if single else {"spreadsheetId": ident, "valueRanges": [found]})

    @staticmethod
    def range(book, asked):
        """Rows of a range without the empty cells and rows at its ends, as the API leaves them out."""
        hit = RANGE.fullmatch(asked)
        name = hit and (hit["quoted"] or "").replace("''", "'") or hit and hit["plain"]
        if not hit or name not in book["sheets"]:
            return None
        first_column, last_column = column_number(hit["c1"] or "A"), column_number(hit["c2"] or "") or None
        rows = book["sheets"][name][int(hit["r1"] or 1) - 1:int(hit["r2"]) if hit["r2"] else None]
        rows = trimmed([trimmed(list(row[first_column - 1:last_column])) or None for row in rows])
        said = {"range": f"{name}!A1:Z1000", "majorDimension": "ROWS"}
        return {**said, "values": [row or [] for row in rows]} if rows else said


if __name__ == "__main__":
    main(Sheets)
