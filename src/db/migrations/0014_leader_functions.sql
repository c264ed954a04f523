-- What the leader does for all workers: who leads, deadlines, retention. Each call is one small
-- transaction, and all go over the connection that holds the lock: with it the duties end.

-- A worker leads while its session holds the lock. One that hangs and keeps its session stops renewing
-- its lease: whoever finds the lease over ends that session, and with it the lock. The session is
-- named in the row, so that the next leader's is not ended in its stead.
CREATE FUNCTION take_lead(p_worker_name text, p_lease_seconds integer) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    lock_key constant bigint := 5510270512173; -- any number that no other lock has
BEGIN
    IF NOT pg_try_advisory_lock(lock_key) THEN
        PERFORM pg_terminate_backend(l.pid)
        FROM pg_locks l
        JOIN leadership s ON s.backend_pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND s.lease_expires_at < platform_now()
          AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
          AND (l.classid::bigint << 32 | l.objid::bigint) = lock_key AND l.objsubid = 1;
        RETURN false;
    END IF;
    UPDATE leadership
    SET worker_name = p_worker_name, backend_pid = pg_backend_pid(), term = term + 1,
        lease_expires_at = platform_now() + p_lease_seconds * interval '1 second';
    INSERT INTO audit (actor, action, detail)
    SELECT 'platform', 'leader.changed', jsonb_build_object('worker_name', s.worker_name, 'term', s.term)
    FROM leadership s;
    RETURN true;
END
$$;

-- The next run whose deadline has passed, cancelled unless it has ended by itself.
CREATE FUNCTION close_overdue_run(OUT closed_run_id uuid, OUT cancelled boolean)
LANGUAGE plpgsql
AS $$
DECLARE
    overdue run_deadlines;
    run_state text;
BEGIN
    SELECT * INTO overdue FROM run_deadlines d WHERE d.deadline <= platform_now()
    ORDER BY d.deadline LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    closed_run_id := overdue.run_id;
    SELECT p.state INTO run_state FROM run_progress p WHERE p.run_id = overdue.run_id FOR UPDATE;
    cancelled := run_state <> 'TERMINATED';
    IF cancelled THEN
        PERFORM close_run(overdue.run_id, ROW('CANCELED_BY_SYSTEM', 'SCHEDULER.DEADLINE_EXCEEDED',
            format('Run canceled because it was not completed by its deadline, %s.',
                   to_char(overdue.deadline AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
            'This item was not processed because the deadline of the run passed before the item was processed.',
            'platform')::run_closing);
    END IF;
    DELETE FROM run_deadlines d WHERE d.run_id = overdue.run_id;
END
$$;

-- The next run whose artifacts have been kept for long enough.
CREATE FUNCTION delete_outdated_run(p_retention_days integer) RETURNS uuid
LANGUAGE plpgsql
AS $$
DECLARE
    outdated uuid;
BEGIN
    SELECT k.run_id INTO outdated FROM retained_runs k
    WHERE k.ended_at <= platform_now() - p_retention_days * interval '1 day'
    ORDER BY k.ended_at LIMIT 1;
    IF FOUND THEN
        PERFORM 1 FROM runs r WHERE r.run_id = outdated FOR UPDATE;
        -- Its owner may have been quicker.
        PERFORM 1 FROM retained_runs k WHERE k.run_id = outdated;
        IF FOUND THEN
            PERFORM delete_outputs(outdated, 'DELETED_BY_SYSTEM', 'platform');
        END IF;
    END IF;
    RETURN outdated;
END
$$;

-- The next artifacts that are deleted and whose objects are still there. A run's are found from the
-- first item that had one the last time, and it is forgotten when there is none any more.
CREATE FUNCTION deleted_artifacts(p_count_max integer)
RETURNS TABLE (output_artifact_id uuid, object_key text)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_sort = off SET jit = off
AS $$
DECLARE
    deleted deleted_runs;
    ordinal integer;
    first_ordinal integer;
    given integer := 0;
BEGIN
    FOR deleted IN SELECT * FROM deleted_runs d ORDER BY d.deleted_at LIMIT p_count_max LOOP
        first_ordinal := NULL;
        FOR ordinal, output_artifact_id, object_key IN
            SELECT i.ordinal, o.output_artifact_id, o.object_key
            FROM items i JOIN output_artifacts o ON o.item_id = i.item_id
            WHERE i.run_id = deleted.run_id AND i.ordinal >= deleted.next_ordinal
              AND i.termination_reason = 'SUCCEEDED' AND o.object_removed_at IS NULL
            ORDER BY i.ordinal LIMIT p_count_max - given
        LOOP
            first_ordinal := coalesce(first_ordinal, ordinal);
            given := given + 1;
            RETURN NEXT;
        END LOOP;
        IF first_ordinal IS NULL THEN
            DELETE FROM deleted_runs d WHERE d.run_id = deleted.run_id;
        ELSE
            UPDATE deleted_runs d SET next_ordinal = first_ordinal
            WHERE d.run_id = deleted.run_id AND d.next_ordinal < first_ordinal;
        END IF;
        EXIT WHEN given = p_count_max;
    END LOOP;
END
$$;

-- Which of these objects are nobody's: no artifact names them, and the attempt that their key names
-- does not run. Those that wait for another try to be removed are left out. Whoever writes objects has its
-- attempt in the table before. Objects of runs that the database does not know stay: it may be new or an old
-- copy, and then they are somebody's.
CREATE FUNCTION find_stray_objects(p_object_keys text[], p_run_ids uuid[], p_item_ids uuid[],
                                   p_attempt_ids uuid[])
RETURNS SETOF text
LANGUAGE sql STABLE
AS $$
    SELECT k.object_key
    FROM unnest(p_object_keys, p_run_ids, p_item_ids, p_attempt_ids) AS k (object_key, run_id, item_id, attempt_id)
    WHERE EXISTS (SELECT FROM runs r WHERE r.run_id = k.run_id)
      AND NOT EXISTS (SELECT FROM attempts a WHERE a.attempt_id = k.attempt_id AND a.outcome IS NULL)
      AND NOT EXISTS (SELECT FROM output_artifacts o
                      WHERE o.item_id = k.item_id AND o.object_key = k.object_key
                        AND o.object_removed_at IS NULL)
      AND NOT EXISTS (SELECT FROM refused_objects f WHERE f.object_key = k.object_key)
$$;

-- Writes down which of these artifacts the store has and which it has not; returns those that are
-- newly missing. An artifact that was deleted in between is none of them.
CREATE FUNCTION mark_objects(p_artifact_ids uuid[], p_found boolean[])
RETURNS TABLE (output_artifact_id uuid, object_key text)
LANGUAGE sql
AS $$
    WITH changed AS (
        UPDATE output_artifacts o SET object_missing_at = CASE WHEN NOT k.found THEN platform_now() END
        FROM unnest(p_artifact_ids, p_found) AS k (artifact_id, found)
        WHERE o.output_artifact_id = k.artifact_id
          AND EXISTS (SELECT FROM runs r WHERE r.run_id = o.run_id AND r.artifact_output = 'AVAILABLE')
          AND (o.object_missing_at IS NULL) <> k.found
        RETURNING o.*
    ),
    written AS (
        INSERT INTO audit (actor, action, run_id, item_id, detail)
        SELECT 'platform',
               CASE WHEN c.object_missing_at IS NULL THEN 'artifact.object_found' ELSE 'artifact.object_missing' END,
               c.run_id, c.item_id,
               jsonb_build_object('output_artifact_id', c.output_artifact_id, 'object_key', c.object_key)
        FROM changed c
    )
    SELECT c.output_artifact_id, c.object_key FROM changed c WHERE c.object_missing_at IS NOT NULL
$$;
