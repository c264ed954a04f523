"""Users who create, cancel, delete, list and download while the platform suffers."""
import concurrent.futures
import json
import random
import threading
import time
import urllib.parse
import uuid

import requests

import world as world_module
from world import harness
from history import Call, Download, is_unknown

SECONDS_MAX = 12  # of one request
TRIES_MAX = 6  # of a request that may be repeated
# user, organisation, role
USERS = (
    ("ann", "org-a", "member"), ("abe", "org-a", "member"), ("amy", "org-a", "admin"),
    ("bob", "org-b", "member"), ("ben", "org-b", "member"), ("bea", "org-b", "admin"),
    ("cat", "org-c", "member"), ("cid", "org-c", "admin"),
)
KINDS = ("good", "slow", "wrong", "crash", "mismatch")


class Known:
    """A run that was acknowledged."""

    def __init__(self, run_id, user, organization):
        self.run_id = run_id
        self.user = user
        self.organization = organization


class Board:
    """The runs that clients know of."""

    def __init__(self):
        self.lock = threading.Lock()
        self.runs = {}
        self.order = []

    def add(self, run_id, user, organization):
        with self.lock:
            if run_id not in self.runs:
                self.runs[run_id] = Known(run_id, user, organization)
                self.order.append(run_id)

    def pick(self, rng, user, organization, is_admin, recent=16):
        """One of the latest runs that the user may change, now and then any of them."""
        with self.lock:
            known = [self.runs[run_id] for run_id in self.order[-400:]]
        mine = [run for run in known
                if run.user == user or (is_admin and run.organization == organization)]
        if not mine:
            return None
        return rng.choice(mine[-recent:] if rng.random() < 0.85 else mine)


class Caller:
    """Sends requests to any of the servers, as behind a load balancer."""

    def __init__(self, world, history, token, rng):
        self.ports = world.ports
        self.object_ports = world.object_ports
        self.history = history
        self.rng = rng
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {token}"

    def send(self, operation, method, path, **options):
        """(start, end, status or None, body or None)."""
        url = f"http://127.0.0.1:{self.rng.choice(self.ports)}/api/v1{path}"
        start = time.monotonic()
        status, body = None, None
        try:
            answer = self.session.request(method, url, timeout=SECONDS_MAX, allow_redirects=False,
                                          **options)
            body = answer.json() if answer.content else None
            status = answer.status_code
        except (requests.RequestException, ValueError):
            self.session.close()
        self.history.count(operation, status)
        return start, time.monotonic(), status, body

    def fetch(self, url):
        """The bytes behind a signed URL, from any of the servers; None when it fails."""
        parts = urllib.parse.urlsplit(url)
        url = parts._replace(netloc=f"127.0.0.1:{self.rng.choice(self.object_ports)}").geturl()
        status, content = None, None
        try:
            answer = requests.get(url, timeout=SECONDS_MAX)
            status, content = answer.status_code, answer.content
        except requests.RequestException:
            pass
        self.history.count("download", status)
        return content if status == 200 else None


class Client:
    """One user with a seeded will. `weights` maps the methods' names to how often they come."""

    WEIGHTS = {"create": 5, "get": 4, "items": 4, "list": 2, "cancel": 2, "delete": 1, "download": 2}

    def __init__(self, world, history, board, user, seed, profile):
        self.name, self.organization, self.role = user
        self.world = world
        self.history = history
        self.board = board
        self.profile = profile
        self.rng = random.Random(f"{seed} client {self.name}")
        token = world.token(*user)
        self.caller = Caller(world, history, token, random.Random(f"{seed} ports {self.name}"))
        self.twin = Caller(world, history, token, random.Random(f"{seed} twin {self.name}"))
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.slide_url = None
        self.number = 0

    def prepare(self):
        """Uploads the slide, while all is well."""
        client = harness.Client(f"http://127.0.0.1:{self.world.ports[0]}",
                                self.world.token(self.name, self.organization, self.role))
        self.slide_url = client.upload(self.world.folder / "slides" / "slide.bin")

    def work(self, until):
        names = list(self.WEIGHTS)
        weights = [self.profile.get(name, self.WEIGHTS[name]) for name in names]
        while time.monotonic() < until:
            getattr(self, self.rng.choices(names, weights)[0])()
            time.sleep(self.rng.uniform(*self.profile.get("pause", (0.02, 0.25))))
        self.pool.shutdown()

    # Creating.

    def item(self, kind):
        self.number += 1
        url = self.slide_url if self.rng.random() < 0.5 else f"{self.world.slide_host.url}/slide.bin"
        content = b"other bytes" if kind == "mismatch" else self.world.slide_bytes
        return harness.slide_item(f"{kind}-{self.name}-{self.number}", url, content)

    def create(self):
        kinds = self.rng.choices(KINDS, self.profile.get("kinds", (12, 2, 2, 1, 1)),
                                 k=self.rng.choice((1, 1, 2, 3, 4, 6, 7)))
        token = str(uuid.UUID(int=self.rng.getrandbits(128)))
        body = {"application_id": world_module.APPLICATION, "items": [self.item(kind) for kind in kinds],
                "custom_metadata": {"token": token}}
        ids = tuple(item["external_id"] for item in body["items"])
        data = json.dumps(body)
        if self.rng.random() < 0.4:
            self.create_once(self.caller, data, token, None, ids)
            return
        key = f"key-{token}"
        if self.rng.random() < 0.2:
            other = self.pool.submit(self.create_once, self.twin, data, token, key, ids)
            self.create_once(self.caller, data, token, key, ids)
            other.result()
        for _ in range(TRIES_MAX):
            status = self.create_once(self.caller, data, token, key, ids)
            if not is_unknown(status) and self.rng.random() < 0.8:
                return
            time.sleep(self.rng.uniform(0.05, 0.6))

    def create_once(self, caller, data, token, key, ids):
        headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
        start, end, status, body = caller.send("create", "POST", "/runs", data=data, headers=headers)
        run_id = body["run_id"] if status == 201 else None
        self.history.calls.append(Call(
            "create", self.name, start, end, status, run_id, token, key, self.organization, ids,
            json.dumps(body)[:300] if status not in (201, None) else None))
        if status not in (201, 402, None) and status < 500:
            self.history.oddities.append(f"create of {self.name} answered {status}: {body}")
        if run_id:
            self.board.add(run_id, self.name, self.organization)
        return status

    # Reading.

    def pick(self):
        return self.board.pick(self.rng, self.name, self.organization, self.role == "admin")

    def read(self, operation, path, run_id=None, caller=None, **options):
        start, end, status, body = (caller or self.caller).send(operation, "GET", path, **options)
        if status == 200:
            return start, end, body
        if not is_unknown(status):
            self.history.oddities.append(f"{operation} of {run_id} by {self.name} answered {status}: {body}")
        return None

    def get(self, run=None):
        run = run or self.pick()
        answer = run and self.read("get", f"/runs/{run.run_id}", run.run_id)
        if answer:
            self.history.saw_run("get", *answer)
        return answer

    def items(self, run=None):
        run = run or self.pick()
        answer = run and self.read("items", f"/runs/{run.run_id}/items", run.run_id,
                                   params={"page_size": 100})
        if answer:
            self.history.saw_items(*answer[:2], run.run_id, answer[2])
        return answer

    def list(self):
        options = {"for_organization": self.organization} if self.role == "admin" else {}
        answer = self.read("list", "/runs", params={"page_size": 20, **options})
        for run in answer[2] if answer else ():
            self.history.saw_run("list", *answer[:2], run)

    def download(self):
        run = self.pick()
        answer = self.items(run) if run else None
        for item in answer[2][:2] if answer else ():
            for artifact in item["output_artifacts"][:2]:
                if not artifact["download_url"]:
                    continue
                start = time.monotonic()
                content = self.caller.fetch(artifact["download_url"])
                if content is not None:
                    self.history.downloads.append(Download(
                        start, run.run_id, item["external_id"], artifact["name"],
                        content.decode(errors="replace")))

    # Changing.

    def change(self, operation, caller, method, path, run_id):
        start, end, status, body = caller.send(operation, method, path)
        self.history.calls.append(Call(operation, self.name, start, end, status, run_id))
        if status in (400, 401, 403, 404, 422, 429):
            self.history.oddities.append(f"{operation} of {run_id} by {self.name} answered {status}: {body}")
        return status

    def until_known(self, operation, method, path, run_id):
        for _ in range(TRIES_MAX):
            if not is_unknown(self.change(operation, self.caller, method, path, run_id)):
                return
            time.sleep(self.rng.uniform(0.05, 0.6))

    def cancel(self):
        run = self.pick()
        if run is None:
            return
        path = f"/runs/{run.run_id}/cancel"
        if self.rng.random() < 0.4:
            other = self.pool.submit(self.change, "cancel", self.twin, "POST", path, run.run_id)
            self.change("cancel", self.caller, "POST", path, run.run_id)
            other.result()
        else:
            self.until_known("cancel", "POST", path, run.run_id)
        self.get(run)
        self.items(run)

    def delete(self):
        run = self.pick()
        if run is not None:
            self.until_known("delete", "DELETE", f"/runs/{run.run_id}/artifacts", run.run_id)
            self.items(run)


def read_everything(clients, board, seconds=60):
    """All acknowledged runs are read once more, until each could be."""
    readers = {(client.name): client for client in clients}
    end = time.monotonic() + seconds
    waiting = list(board.runs.values())
    while waiting and time.monotonic() < end:
        waiting = [run for run in waiting
                   if not (readers[run.user].get(run) and readers[run.user].items(run))]
    return [run.run_id for run in waiting]
