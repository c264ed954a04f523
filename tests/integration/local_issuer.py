"""A platform that is its own issuer, and a browser without scripts for its pages."""
import base64
import hashlib
import html.parser
import json
import secrets
import urllib.parse

import jwt
import requests

import harness

PASSWORD = "correct horse battery staple"
PYTHON = "python-client"
REDIRECT = "http://localhost:8989/"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def thumbprint(public):
    """RFC 7638 of an RSA key."""
    members = {name: public[name] for name in ("e", "kty", "n")}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return encode(hashlib.sha256(text.encode()).digest())


def start(platform, **environment):
    """Starts the server with the issuer on, under a key that is made here."""
    key_path = platform.folder / "issuer.pem"
    key_path.write_bytes(platform.issuer.pem())
    keys = json.loads(platform.issuer.jwks_path.read_text())
    platform.issuer.key_id = keys["keys"][0]["kid"] = thumbprint(keys["keys"][0])
    platform.issuer.jwks_path.write_text(json.dumps(keys))
    platform.issuer.name = platform.api_url + "/"
    platform.start_server(SLIDEWAY_ISSUER_KEY=str(key_path), **environment)
    return platform


def add_user(platform, user, password=PASSWORD, organization="hospital", *more):
    platform.slideway("org", "add", organization)
    path = platform.folder / f"password-{user}"
    path.write_text(password + "\n")
    return platform.slideway("user", "add", user, "--org", organization, "--email",
                             f"{user}@example.org", "--password-file", path, *more)


class Form(html.parser.HTMLParser):
    """The one form of a page."""

    def __init__(self, text):
        super().__init__()
        self.action = None
        self.fields = {}
        self.buttons = []
        self.tags = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.add(tag)
        if tag == "form":
            assert values["method"] == "post"
            self.action = values["action"]
        if tag == "input":
            self.fields[values["name"]] = values["value"]
        if tag == "button":
            self.buttons.append((values["name"], values["value"]))


class Browser:
    """Follows no redirect by itself."""

    def __init__(self, url):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.page = None

    def get(self, path, **options):
        self.page = self.session.get(urllib.parse.urljoin(self.url, path), timeout=60,
                                     allow_redirects=False, **options)
        return self.page

    def post(self, path, fields):
        self.page = self.session.post(urllib.parse.urljoin(self.url, path), data=fields, timeout=60,
                                      allow_redirects=False)
        return self.page

    def form(self):
        form = Form(self.page.text)
        assert form.action, self.page.text
        return form

    def send(self, **fields):
        """Sends the form of the page; goes on to where our own pages lead."""
        form = self.form()
        self.post(form.action, {**form.fields, **fields})
        location = self.page.headers.get("Location", "")
        return self.get(location) if location.startswith("/") else self.page

    def login(self, user, password=PASSWORD):
        return self.send(user=user, password=password)


class Flow:
    """One authorisation code flow of a client."""

    def __init__(self, url, client=PYTHON, redirect=REDIRECT, scope="offline_access"):
        self.url = url
        self.verifier = secrets.token_urlsafe(48)
        self.state = secrets.token_urlsafe(16)
        self.query = {
            "response_type": "code", "client_id": client, "redirect_uri": redirect, "scope": scope,
            "state": self.state, "code_challenge_method": "S256",
            "code_challenge": encode(hashlib.sha256(self.verifier.encode()).digest()),
            "access_type": "offline", "audience": harness.AUDIENCE,
        }
        self.browser = Browser(url)

    def path(self, **changes):
        query = {name: value for name, value in {**self.query, **changes}.items() if value is not None}
        return "/authorize?" + urllib.parse.urlencode(query)

    def open(self, **changes):
        return self.browser.get(self.path(**changes))

    def code(self, user, decision="allow", password=PASSWORD):
        """Signs in where it is asked for, decides, and gives the code of the redirect."""
        self.open()
        if "password" in self.browser.form().fields:
            self.browser.login(user, password)
        answer = self.browser.send(decision=decision)
        assert answer.status_code == 303, answer.text
        place, query = answer.headers["Location"].split("?")
        assert place == self.query["redirect_uri"]
        values = dict(urllib.parse.parse_qsl(query))
        assert values.pop("state") == self.state
        return values.get("code", values.get("error"))

    def exchange(self, given, **changes):
        fields = {"grant_type": "authorization_code", "code": given, "code_verifier": self.verifier,
                  "redirect_uri": self.query["redirect_uri"], "client_id": self.query["client_id"],
                  **changes}
        return ask(self.url, fields)

    def tokens(self, user, password=PASSWORD):
        answer = self.exchange(self.code(user, password=password))
        assert answer.status_code == 200, answer.text
        return answer.json()


def ask(url, fields, path="/oauth/token"):
    fields = {name: value for name, value in fields.items() if value is not None}
    return requests.post(url + path, data=fields, timeout=60)


def refresh(url, token, client=PYTHON):
    return ask(url, {"grant_type": "refresh_token", "refresh_token": token, "client_id": client})


def verified(url, token, audience=harness.AUDIENCE):
    """The claims, verified as the reference's clients do it."""
    key = jwt.PyJWKClient(f"{url}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    return jwt.decode(token, key.key, algorithms=["RS256"], audience=audience, issuer=f"{url}/")
