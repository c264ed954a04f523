"""What clients sent and saw. Times are of the test's monotonic clock, which nobody shifts."""
import dataclasses
import json

# Answers after which it is not known whether the request was carried out: none at all, and those of
# a server that lost its database on the way.
def is_unknown(status):
    return status is None or status >= 500


@dataclasses.dataclass
class Call:
    """A request that changes something."""
    operation: str  # create, cancel, delete
    user: str
    start: float
    end: float
    status: int  # None: no answer
    run_id: str = None  # of a create: what the answer says
    token: str = None  # of a create: stands in the run's metadata, one for each body
    key: str = None  # of a create: its Idempotency-Key
    organization: str = None
    external_ids: tuple = ()
    problem: str = None


@dataclasses.dataclass
class RunSeen:
    """A run in an answer. `ending` is what must never change again."""
    source: str
    start: float
    end: float
    run_id: str
    state: str
    ending: tuple  # termination_reason, output, terminated_at, statistics
    counts: dict


@dataclasses.dataclass
class ItemSeen:
    start: float
    end: float
    run_id: str
    external_id: str
    state: str
    ending: tuple  # termination_reason, output, terminated_at, error_code
    artifact_count: int


@dataclasses.dataclass
class Download:
    start: float
    run_id: str
    external_id: str
    name: str
    text: str


class History:
    """Lists are only appended to, which is safe from many threads."""

    def __init__(self):
        self.calls = []
        self.runs = []
        self.items = []
        self.downloads = []
        self.requests = 0
        self.unknown = 0
        self.statuses = {}
        self.oddities = []  # answers that no fault excuses

    def count(self, operation, status):
        self.requests += 1
        self.unknown += is_unknown(status)
        name = f"{operation} {status or 'none'}"
        self.statuses[name] = self.statuses.get(name, 0) + 1

    def saw_run(self, source, start, end, run):
        counts = run["statistics"]
        ending = (run["termination_reason"], run["output"], run["terminated_at"],
                  tuple(sorted(counts.items())))
        self.runs.append(RunSeen(source, start, end, run["run_id"], run["state"], ending, counts))

    def saw_items(self, start, end, run_id, items):
        for item in items:
            ending = (item["termination_reason"], item["terminated_at"], item["error_code"])
            self.items.append(ItemSeen(start, end, run_id, item["external_id"], item["state"], ending,
                                       len(item["output_artifacts"])))

    def write(self, path):
        """One line a record, in the order of their ends."""
        records = [*self.calls, *self.runs, *self.items]
        with open(path, "w", encoding="utf-8") as file:
            for record in sorted(records, key=lambda record: record.end):
                file.write(json.dumps({"type": type(record).__name__, **dataclasses.asdict(record)}))
                file.write("\n")
