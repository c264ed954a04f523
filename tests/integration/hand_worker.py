"""A worker that a test plays itself, by the same SQL functions: it ends items as the test wants."""
import json

import harness


class HandWorker:
    """Claims and ends items of a platform that has no other worker."""

    def __init__(self, platform, lease_seconds=3600):
        self.platform = platform
        self.worker_id = harness.uuid7()
        with platform.sql() as cursor:
            cursor.execute("SELECT register_worker(%s, %s, 4, %s, 3)",
                           (self.worker_id, f"hand-{self.worker_id}", lease_seconds))

    def claim(self, run_id):
        """Takes the next item of the run, in the order of its items; returns (item id, attempt id)."""
        with self.platform.sql() as cursor:
            # The others step aside and come back.
            cursor.execute("SELECT lock_queue()")
            cursor.execute("SELECT admit_arrivals('-infinity')")
            cursor.execute("DELETE FROM waiting_runs WHERE run_id <> %s RETURNING run_id", (run_id,))
            others = [row[0] for row in cursor.fetchall()]
            cursor.execute("SELECT item_id, attempt_id FROM claim_items(%s, 1, ARRAY[%s::uuid])",
                           (self.worker_id, harness.new_id()))
            claimed = cursor.fetchone()
            cursor.execute("INSERT INTO arrivals (run_id, ready_at) "
                           "SELECT unnest(%s::uuid[]), platform_now()", (others,))
        return claimed

    def finish(self, attempt_id, outcome, code=None, message=None, artifacts=()):
        """Returns COMMITTED or LEASE_LOST."""
        with self.platform.sql() as cursor:
            cursor.execute("SELECT finish_attempt(%s, %s, %s, %s, NULL, NULL, %s, 3)",
                           (attempt_id, outcome, code, message, json.dumps(list(artifacts))))
            return cursor.fetchone()[0]

    def store(self, run_id, item_id, attempt_id, name, content, mime_type="text/csv"):
        """Puts an object where a worker would; returns what finish() wants of it."""
        key = f"artifacts/{run_id}/{item_id}/{attempt_id}/{name.replace(':', '_')}"
        path = self.platform.folder / "objects" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        checksum = harness.crc32c(content)
        metadata = {"media_type": mime_type, "checksum_base64_crc32c": checksum}
        return {"output_artifact_id": harness.uuid7(), "name": name, "mime_type": mime_type, "metadata": json.dumps(metadata),
                "object_key": key, "size_bytes": len(content), "checksum_base64_crc32c": checksum}

    def succeed(self, run_id, outputs):
        """Ends the next item well with these outputs (name → content)."""
        item_id, attempt_id = self.claim(run_id)
        artifacts = [self.store(run_id, item_id, attempt_id, name, content)
                     for name, content in outputs.items()]
        assert self.finish(attempt_id, "SUCCEEDED", artifacts=artifacts) == "COMMITTED"
        return item_id

    def fail(self, run_id, outcome, code, message):
        item_id, attempt_id = self.claim(run_id)
        assert self.finish(attempt_id, outcome, code, message) == "COMMITTED"
        return item_id
