#!/usr/bin/env python3
"""S3 as its readers meet it: ListObjectsV2 and GetObject, path style, every request's Signature Version 4 checked by its own reckoning.

The truth is {"bucket": "demo-exports", "objects": {"orders-create/a b.csv": {"text": "..."} or {"base64": "..."}}}; an object may say its
"modified" (default 2026-01-15T01:02:03.000Z) and "encoding", the Content-Encoding that it was uploaded with. Knobs beside it: "id", "secret", "token" (none by default), "region" (us-east-1), "page"
(the most keys of a list, default 1000).
"""

import base64
import datetime
import hashlib
import hmac
import pathlib
import re
import sys
import urllib.parse
from xml.sax.saxutils import escape

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake import Answer, Fake, main  # noqa: E402

ID, SECRET = "AKIDSIGNALROOMFAKE", "srTestSecretKeyForFakeServerOnly00000000"
MOST_KEYS, SKEW_SECONDS = 1000, 15 * 60
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, SignedHeaders=([a-z0-9;-]+), "
                           r"Signature=([0-9a-f]{64})")


def quoted(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-_.~")


def signature(request, key, stamp, region, signed):
    """What the signature must be, and the two texts it is made of."""
    query = "&".join(sorted(f"{quoted(k)}={quoted(v)}" for k, v in request.query.items()))
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed)
    canonical = "\n".join([request.method, quoted(urllib.parse.unquote(request.path), "/"), query, headers, ";".join(signed),
                           request.headers.get("x-amz-content-sha256", "")])
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + key).encode()
    for part in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex(), canonical, text


class Refusal(Exception):
    def __init__(self, status, code, **more):
        super().__init__(code)
        self.status, self.code, self.more = status, code, more

    def answer(self):
        fields = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in {"Message": self.code, **self.more}.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{self.code}</Code>{fields}<RequestId>R</RequestId></Error>'
        return Answer(self.status, body.encode(), {"Content-Type": "application/xml"})


class S3(Fake):
    """S3's lists and objects."""

    compresses = False

    def respond(self, request):
        try:
            self.check(request)
            bucket, _, key = urllib.parse.unquote(request.path).lstrip("/").partition("/")
            if bucket != self.truth.get("bucket", "demo-exports"):
                raise Refusal(404, "NoSuchBucket", BucketName=bucket)
            if request.method != "GET":
                raise Refusal(405, "MethodNotAllowed")
            return self.object(request, key) if key else self.listing(request.query)
        except Refusal as refusal:
            return refusal.answer()

    def check(self, request):
        """That the request is signed as this service reckons it."""
        hit = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if not hit:
            raise Refusal(403, "AccessDenied")
        ident, day, region, signed, given = hit.groups()
        stamp, ours = request.headers.get("x-amz-date", ""), self.truth.get("region", "us-east-1")
        if ident != self.truth.get("id", ID):
            raise Refusal(403, "InvalidAccessKeyId", AWSAccessKeyId=ident)
        if region != ours:
            raise Refusal(400, "AuthorizationHeaderMalformed", Region=ours)
        self.check_time(stamp, day)
        signed = signed.split(";")
        needed = {"host"} | {name for name in request.headers if name.startswith("x-amz-")}
        if request.headers.get("x-amz-security-token") != self.truth.get("token"):
            raise Refusal(400, "InvalidToken")
        wanted, canonical, text = signature(request, self.truth.get("secret", SECRET), stamp, region, signed)
        empty = request.headers.get("x-amz-content-sha256") in (hashlib.sha256(request.body).hexdigest(), "UNSIGNED-PAYLOAD")
        if not needed <= set(signed) or not empty or not hmac.compare_digest(wanted, given):
            raise Refusal(403, "SignatureDoesNotMatch", CanonicalRequest=canonical, StringToSign=text)

    def check_time(self, stamp, day):
        try:
            at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%S%z")
        except ValueError:
            raise Refusal(403, "AccessDenied") from None
        if stamp[:8] != day or abs(at.timestamp() - self.clock()) > SKEW_SECONDS:
            raise Refusal(403, "RequestTimeTooSkewed", RequestTime=stamp)

    def content(self, key):
        about = self.truth.get("objects", {}).get(key)
        if about is None:
            raise Refusal(404, "NoSuchKey", Key=key)
        return base64.b64decode(about["base64"]) if "base64" in about else about["text"].encode()

    def listing(self, query):
        if query.get("list-type") != "2":
            raise Refusal(400, "InvalidArgument")
        prefix, token = query.get("prefix", ""), query.get("continuation-token", "")
        after = base64.b64decode(token).decode() if token else query.get("start-after", "")
        keys = sorted((k for k in self.truth.get("objects", {}) if k.startswith(prefix) and k > after), key=str.encode)
        most = min(int(query.get("max-keys", MOST_KEYS)), MOST_KEYS, self.truth.get("page", MOST_KEYS))
        more = len(keys) > most
        keys = keys[:most]
        last = f"<NextContinuationToken>{base64.b64encode(keys[-1].encode()).decode()}</NextContinuationToken>" if more else ""
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{self.truth.get('bucket', 'demo-exports')}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(keys)}</KeyCount>"
                f"<MaxKeys>{most}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>{last}{''.join(map(self.entry, keys))}</ListBucketResult>")
        return Answer(200, body.encode(), {"Content-Type": "application/xml"})

    def entry(self, key):
        content = self.content(key)
        modified = self.truth["objects"][key].get("modified", "2026-01-15T01:02:03.000Z")
        return (f"<Contents><Key>{escape(key)}</Key><LastModified>{modified}</LastModified>"
                f"<ETag>&quot;{hashlib.md5(content).hexdigest()}&quot;</ETag><Size>{len(content)}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>")

    def object(self, request, key):
        content = self.content(key)
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        if request.headers.get("if-match", etag) != etag:
            raise Refusal(412, "PreconditionFailed", Condition="If-Match")
        headers = {"ETag": etag, "Content-Type": "text/csv", "Accept-Ranges": "bytes"}
        if "encoding" in self.truth["objects"][key]:
            headers["Content-Encoding"] = self.truth["objects"][key]["encoding"]
        hit = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if not hit:
            return Answer(200, content, headers)
        first, last = int(hit[1]), min(int(hit[2] or len(content) - 1), len(content) - 1)
        if first >= len(content):
            raise Refusal(416, "InvalidRange", RangeRequested=request.headers["range"])
        return Answer(206, content[first:last + 1], {**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"})


if __name__ == "__main__":
    main(S3)
