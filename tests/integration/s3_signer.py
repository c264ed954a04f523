"""Signature Version 4 as a client of S3 makes it, written here anew so that it checks the server's own:
requests whose body is signed as a whole or in chunks, with and without trailers. boto3 makes neither bad
signatures nor all of these bodies.
"""
import datetime
import hashlib
import hmac
import urllib.parse

import requests

EMPTY_HASH = hashlib.sha256(b"").hexdigest()
REGION = "europe-west3"


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Signer:
    """Sends requests to one endpoint with one key."""

    def __init__(self, endpoint, access_key_id, secret):
        self.endpoint = endpoint
        self.access_key_id = access_key_id
        self.secret = secret

    def signing_key(self, day):
        key = mac(("AWS4" + self.secret).encode(), day)
        for part in (REGION, "s3", "aws4_request"):
            key = mac(key, part)
        return key

    def sign(self, method, path, query, headers, payload_hash, at=None):
        """(all headers of the request, what a chunk's signature continues)"""
        at = at or datetime.datetime.now(datetime.timezone.utc)
        time = at.strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": urllib.parse.urlsplit(self.endpoint).netloc, **headers,
                   "x-amz-date": time, "x-amz-content-sha256": payload_hash}
        names = ";".join(sorted(headers))
        canonical = "\n".join([
            method, urllib.parse.quote(path, safe="/-_.~"),
            "&".join(sorted(f"{urllib.parse.quote(name, safe='-_.~')}={urllib.parse.quote(value, safe='-_.~')}"
                            for name, value in query.items())),
            *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names, payload_hash])
        scope = f"{time[:8]}/{REGION}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        signature = mac(self.signing_key(time[:8]), text).hex()
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key_id}/{scope}, "
                                    f"SignedHeaders={names}, Signature={signature}")
        return headers, (time, scope, signature)

    def send(self, method, path, body=b"", query=None, headers=None, payload_hash=None, at=None):
        query = query or {}
        signed, _ = self.sign(method, path, query, headers or {},
                              payload_hash or hashlib.sha256(body).hexdigest(), at)
        return self.request(method, path, query, signed, body)

    def request(self, method, path, query, headers, body):
        url = self.endpoint + urllib.parse.quote(path, safe="/-_.~")
        if query:
            url += "?" + "&".join(f"{urllib.parse.quote(name, safe='')}={urllib.parse.quote(value, safe='')}"
                                  for name, value in query.items())
        return requests.request(method, url, headers=headers, data=body, timeout=30)

    def chunked(self, path, chunks, trailer=None, signed=True, announced=None, change=None):
        """PUT of a body in chunks. `trailer` is (name, value); `change` gets the encoded body and returns
        what is sent."""
        payload_hash = "STREAMING-" + ("AWS4-HMAC-SHA256-PAYLOAD" if signed else "UNSIGNED-PAYLOAD")
        payload_hash += "-TRAILER" if trailer else ""
        length = sum(map(len, chunks)) if announced is None else announced
        headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(length)}
        if trailer:
            headers["x-amz-trailer"] = trailer[0]
        headers, seed = self.sign("PUT", path, {}, headers, payload_hash)
        body = self.encode(chunks, trailer, seed if signed else None)
        return self.request("PUT", path, {}, headers, change(body) if change else body)

    def encode(self, chunks, trailer, seed):
        body = b""
        if seed:
            time, scope, previous = seed
            key = self.signing_key(time[:8])
        for chunk in [*chunks, b""]:
            body += f"{len(chunk):x}".encode()
            if seed:
                previous = mac(key, "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", time, scope, previous, EMPTY_HASH,
                                               hashlib.sha256(chunk).hexdigest()])).hex()
                body += b";chunk-signature=" + previous.encode()
            body += b"\r\n" + (chunk + b"\r\n" if chunk else b"")
        if trailer:
            line = f"{trailer[0]}:{trailer[1]}"
            body += line.encode() + b"\r\n"
            if seed:
                digest = hashlib.sha256((line + "\n").encode()).hexdigest()
                signature = mac(key, "\n".join(["AWS4-HMAC-SHA256-TRAILER", time, scope, previous, digest])).hex()
                body += b"x-amz-trailer-signature:" + signature.encode() + b"\r\n"
        return body + b"\r\n"
