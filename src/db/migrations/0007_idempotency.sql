-- Runs that are created once for each idempotency key.

-- A key belongs to its user for 24 hours. body_digest is the SHA-256 of the request's body in hex.
CREATE TABLE idempotency_keys (
    user_id     text NOT NULL,
    key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    body_digest text NOT NULL,
    run_id      uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

-- Takes the key for a new run: null. A key that is in force gives the run that has it, or says that
-- it was used with another body. Whoever comes with the same key at the same time waits here for
-- the first one's transaction. Every use sweeps more keys than it adds, so the table stays as large
-- as a day's use.
CREATE FUNCTION take_idempotency_key(p_user_id text, p_key text, p_body_digest text, p_run_id uuid,
                                     OUT outcome text, OUT known_run_id uuid)
LANGUAGE plpgsql
AS $$
DECLARE
    known idempotency_keys;
BEGIN
    DELETE FROM idempotency_keys WHERE (user_id, key) IN
        (SELECT k.user_id, k.key FROM idempotency_keys k WHERE k.expires_at <= platform_now()
         ORDER BY k.expires_at LIMIT 10 FOR UPDATE SKIP LOCKED);
    INSERT INTO idempotency_keys AS k (user_id, key, body_digest, run_id, expires_at)
    VALUES (p_user_id, p_key, p_body_digest, p_run_id, platform_now() + interval '24 hours')
    ON CONFLICT (user_id, key) DO UPDATE
        SET body_digest = excluded.body_digest, run_id = excluded.run_id, expires_at = excluded.expires_at
        WHERE k.expires_at <= platform_now();
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO known FROM idempotency_keys k WHERE k.user_id = p_user_id AND k.key = p_key;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the key has just expired' USING ERRCODE = 'serialization_failure';
    END IF;
    known_run_id := known.run_id;
    outcome := CASE WHEN known.body_digest = p_body_digest THEN 'CREATED' ELSE 'KEY_REUSED' END;
END
$$;
