"""A provider of tokens that tests hold: a configuration and keys by HTTP, which it changes, hides,
or spoils. It is no OpenID server: tokens are made here."""
import http.server
import json
import threading
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import harness

MAKERS = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
TO_JWK = {
    "RS256": jwt.algorithms.RSAAlgorithm.to_jwk,
    "ES256": jwt.algorithms.ECAlgorithm.to_jwk,
    "EdDSA": jwt.algorithms.OKPAlgorithm.to_jwk,
}
CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/keys"


class Key:
    def __init__(self, key_id, algorithm="RS256"):
        self.key_id = key_id
        self.algorithm = algorithm
        self.private = MAKERS[algorithm]()

    def jwk(self):
        public = json.loads(TO_JWK[self.algorithm](self.private.public_key()))
        public.pop("key_ops", None)
        return {**public, "kid": self.key_id, "use": "sig"}


class Provider:
    """Serves on a port of its own; `spoil` maps a path to a function of the handler that answers in
    place of the right answer."""

    def __init__(self, started=True, tls=None):
        self.port = harness.free_port()
        scheme = "http" if tls is None else "https"
        self.issuer = f"{scheme}://127.0.0.1:{self.port}/realm/"
        self.tls = tls
        self.keys = [Key("first")]
        self.spoil = {}
        self.requests = []
        self.server = None
        if started:
            self.start()

    def start(self):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                provider.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        if self.tls is not None:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def documents(self):
        return {
            "/realm" + CONFIGURATION: {"issuer": self.issuer, "jwks_uri": self.issuer[:-7] + KEYS},
            KEYS: {"keys": [key.jwk() for key in self.keys]},
        }

    def answer(self, handler):
        self.requests.append(handler.path)
        if handler.path in self.spoil:
            self.spoil[handler.path](handler)
            return
        document = self.documents().get(handler.path)
        send(handler, 404 if document is None else 200, json.dumps(document).encode())

    def reads(self):
        """How often the keys were asked for."""
        return self.requests.count(KEYS)

    def token(self, key=None, user="ada", seconds=3600, **claims):
        key = self.keys[-1] if key is None else key
        now = int(time.time())
        payload = {"iss": self.issuer, "aud": harness.AUDIENCE, "sub": user, "org_id": "hospital",
                   "iat": now, "exp": now + seconds, **claims}
        return jwt.encode(payload, key.private, algorithm=key.algorithm, headers={"kid": key.key_id})


def send(handler, status, body, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
