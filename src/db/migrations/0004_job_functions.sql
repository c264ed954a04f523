-- What becomes of claimed items. Locks in the one order: the queue, the worker, run_progress (by
-- run_id), items. The end of a worker holds the queue (lock_queue), as a claim does.

-- The state of a run that still has open items, from its counters; ends it when none is open.
CREATE FUNCTION settle_run(p_run_id uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    progress run_progress;
BEGIN
    UPDATE run_progress
    SET state = CASE WHEN pending_count + processing_count = 0 THEN 'TERMINATED'
                     WHEN processing_count > 0 THEN 'PROCESSING'
                     ELSE 'PENDING' END,
        termination_reason = CASE WHEN pending_count + processing_count = 0 THEN 'ALL_ITEMS_PROCESSED' END,
        terminated_at = CASE WHEN pending_count + processing_count = 0 THEN platform_now() END
    WHERE run_id = p_run_id
      AND (pending_count + processing_count = 0
           OR (state = 'PROCESSING') IS DISTINCT FROM (processing_count > 0))
    RETURNING * INTO progress;
    IF FOUND THEN
        PERFORM retain_run(progress);
        INSERT INTO audit (actor, action, run_id)
        VALUES ('platform', 'run.' || lower(progress.state), p_run_id);
    END IF;
END
$$;

-- Whether so many of the run's items failed that the rest of it is in vain; then cancels it. With the
-- last item there is nothing left to cancel.
CREATE FUNCTION close_failing_run(p_progress run_progress) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    IF coalesce(p_progress.user_error_count + p_progress.system_error_count <= p_progress.error_threshold, true)
       OR p_progress.pending_count + p_progress.processing_count = 0 THEN
        RETURN false;
    END IF;
    PERFORM close_run(p_progress.run_id, ROW('CANCELED_BY_SYSTEM',
        'SCHEDULER.ITEMS_WITH_ERROR_THRESHOLD_REACHED',
        format('Run canceled given errors on more than %s items.', p_progress.error_threshold),
        format('This item was not processed because the threshold of %s items finishing in error state '
               '(user or system error) was reached before the item was processed.',
               p_progress.error_threshold),
        'platform')::run_closing);
    RETURN true;
END
$$;

-- Ends the item of an attempt that failed. The caller has locked run_progress and the item.
CREATE FUNCTION end_item(p_item items, p_reason text, p_error_code text, p_error_message text,
                         p_actor text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    progress run_progress;
BEGIN
    UPDATE items SET state = 'TERMINATED', termination_reason = p_reason, terminated_at = platform_now(),
                     error_code = p_error_code, error_message = p_error_message
    WHERE item_id = p_item.item_id AND state = 'PROCESSING';
    UPDATE run_progress
    SET processing_count = processing_count - 1,
        user_error_count = user_error_count + (p_reason = 'USER_ERROR')::integer,
        system_error_count = system_error_count + (p_reason = 'SYSTEM_ERROR')::integer
    WHERE run_id = p_item.run_id
    RETURNING * INTO progress;
    PERFORM release_quota(p_item.run_id, 1, (p_reason = 'SYSTEM_ERROR')::integer);
    INSERT INTO audit (actor, action, run_id, item_id, attempt_id, detail)
    VALUES (p_actor, 'item.terminated', p_item.run_id, p_item.item_id, p_item.attempt_id,
            jsonb_build_object('termination_reason', p_reason));
    IF NOT close_failing_run(progress) THEN
        PERFORM settle_run(p_item.run_id);
    END IF;
END
$$;

-- Locks the run's progress and the item of a running attempt, in this order; no row when the
-- attempt no longer holds its item.
CREATE FUNCTION lock_attempt(p_attempt_id uuid) RETURNS SETOF items
LANGUAGE plpgsql
AS $$
DECLARE
    attempt attempts;
BEGIN
    SELECT * INTO attempt FROM attempts a WHERE a.attempt_id = p_attempt_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM 1 FROM run_progress p WHERE p.run_id = attempt.run_id FOR UPDATE;
    RETURN QUERY SELECT i.* FROM items i
    WHERE i.item_id = attempt.item_id AND i.attempt_id = p_attempt_id AND i.state = 'PROCESSING'
    FOR UPDATE;
END
$$;

-- How long an item waits after so many tries that failed through no fault of its owner.
CREATE FUNCTION retry_delay(p_attempt_count integer) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT (2 ^ least(p_attempt_count, 8)) * interval '1 second' $$;

-- Ends the items of attempts that did their work, each with an entry of every array; the ids of those
-- attempts that still held their items, for only their results count. It is one statement, whatever
-- the number: nearly every attempt ends here. The rows are locked in the one order, and what an item
-- of the same run has just changed is waited for.
CREATE FUNCTION succeed_attempts(p_attempt_ids uuid[], p_log_tails text[], p_peak_memory_bytes bigint[],
                                 p_output_artifacts json[])
RETURNS uuid[]
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    committed uuid[];
    ended_runs uuid[];
    run_id uuid;
BEGIN
    WITH reported AS (
        SELECT n.*, a.item_id, a.run_id, 'worker ' || a.worker_id AS actor
        FROM unnest(p_attempt_ids, p_log_tails, p_peak_memory_bytes, p_output_artifacts)
             AS n (attempt_id, log_tail, peak_memory_bytes, output_artifacts)
        JOIN attempts a ON a.attempt_id = n.attempt_id
        JOIN run_progress p ON p.run_id = a.run_id
        ORDER BY p.run_id
        FOR UPDATE OF p
    ),
    held AS (
        UPDATE items i SET state = 'TERMINATED', termination_reason = 'SUCCEEDED',
                           terminated_at = platform_now()
        FROM reported n
        WHERE i.item_id = n.item_id AND i.attempt_id = n.attempt_id AND i.state = 'PROCESSING'
        RETURNING n.*
    ),
    told AS (
        UPDATE attempts a SET ended_at = platform_now(), outcome = 'SUCCEEDED', log_tail = h.log_tail,
                              peak_memory_bytes = h.peak_memory_bytes
        FROM held h WHERE a.attempt_id = h.attempt_id
    ),
    stored AS (
        INSERT INTO output_artifacts (output_artifact_id, item_id, run_id, attempt_id, ordinal, name, mime_type, metadata,
                                      visibility, object_key, size_bytes, checksum_base64_crc32c)
        SELECT o.output_artifact_id, h.item_id, h.run_id, h.attempt_id, (o.place - 1)::integer, o.name,
               o.mime_type, o.metadata, coalesce(o.visibility, 'EXTERNAL'), o.object_key, o.size_bytes,
               o.checksum_base64_crc32c
        FROM held h, ROWS FROM (json_to_recordset(h.output_artifacts)
                                AS (output_artifact_id uuid, name text, mime_type text, metadata text,
                                    visibility text, object_key text, size_bytes bigint,
                                    checksum_base64_crc32c text))
                     WITH ORDINALITY AS o (output_artifact_id, name, mime_type, metadata, visibility,
                                           object_key, size_bytes, checksum_base64_crc32c, place)
    ),
    counted AS (
        UPDATE run_progress p
        SET processing_count = p.processing_count - n.count, succeeded_count = p.succeeded_count + n.count,
            state = CASE WHEN p.processing_count = n.count AND p.pending_count > 0 THEN 'PENDING'
                         ELSE 'PROCESSING' END
        FROM (SELECT h.run_id, count(*)::integer AS count FROM held h GROUP BY h.run_id) AS n
        WHERE p.run_id = n.run_id
        RETURNING p.run_id, p.state, p.pending_count + p.processing_count AS open_count, n.count
    ),
    released AS (
        INSERT INTO quota_releases (organization_id, user_id, month, open_items, month_items)
        SELECT r.organization_id, r.submitted_by, month_of(r.submitted_at), c.count, 0
        FROM counted c JOIN runs r ON r.run_id = c.run_id
    ),
    written AS (
        INSERT INTO audit (actor, action, run_id, item_id, attempt_id, detail)
        SELECT h.actor, 'item.terminated', h.run_id, h.item_id, h.attempt_id,
               '{"termination_reason": "SUCCEEDED"}'::jsonb
        FROM held h
        UNION ALL
        SELECT 'platform', 'run.pending', c.run_id, NULL, NULL, NULL
        FROM counted c WHERE c.state = 'PENDING'
    )
    SELECT (SELECT array_agg(h.attempt_id) FROM held h),
           (SELECT array_agg(c.run_id) FROM counted c WHERE c.open_count = 0)
    INTO committed, ended_runs;
    FOREACH run_id IN ARRAY coalesce(ended_runs, '{}') LOOP
        PERFORM settle_run(run_id);
    END LOOP;
    RETURN committed;
END
$$;

-- The fencing: results count only while the attempt holds its item. What a late one tells of itself
-- (its log, its memory) is kept for the operator, unless it told before.
CREATE FUNCTION finish_attempt(
    p_attempt_id uuid, p_outcome text, p_error_code text, p_error_message text, p_log_tail text,
    p_peak_memory_bytes bigint, p_output_artifacts json, p_attempts_max integer)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    item items;
    actor text;
BEGIN
    IF p_outcome = 'SUCCEEDED'
       AND p_attempt_id = ANY (succeed_attempts(ARRAY[p_attempt_id], ARRAY[p_log_tail],
                                                ARRAY[p_peak_memory_bytes],
                                                ARRAY[coalesce(p_output_artifacts, '[]')])) THEN
        RETURN 'COMMITTED';
    END IF;
    SELECT * INTO item FROM lock_attempt(p_attempt_id);
    IF NOT FOUND THEN
        UPDATE attempts SET log_tail = p_log_tail, peak_memory_bytes = p_peak_memory_bytes
        WHERE attempt_id = p_attempt_id AND outcome IN ('LOST', 'CANCELLED')
          AND peak_memory_bytes IS NULL AND log_tail IS NULL;
        RETURN 'LEASE_LOST';
    ELSIF p_outcome = 'SUCCEEDED' THEN
        RAISE EXCEPTION 'an attempt that holds its item did not succeed' USING ERRCODE = 'serialization_failure';
    END IF;
    PERFORM end_attempt(p_attempt_id, p_outcome, p_error_code, p_error_message, p_log_tail,
                        p_peak_memory_bytes);
    SELECT 'worker ' || worker_id INTO actor FROM attempts WHERE attempt_id = p_attempt_id;
    IF p_outcome = 'HANDED_BACK' OR (p_outcome = 'RETRY' AND item.attempt_count < p_attempts_max) THEN
        PERFORM requeue_item(item,
            CASE p_outcome WHEN 'RETRY' THEN retry_delay(item.attempt_count) ELSE interval '0' END,
            p_outcome = 'RETRY', actor);
    ELSE
        PERFORM end_item(item, CASE p_outcome WHEN 'RETRY' THEN 'SYSTEM_ERROR' ELSE p_outcome END,
                         p_error_code, p_error_message, actor);
    END IF;
    RETURN 'COMMITTED';
END
$$;

-- The attempts of a worker that is gone: their items go back to the queue, or end after too many.
CREATE FUNCTION end_worker(p_worker_id uuid, p_attempts_max integer, p_reason text) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    lost uuid;
    item items;
    returned integer := 0;
BEGIN
    PERFORM lock_queue();
    UPDATE workers SET ended_at = platform_now() WHERE worker_id = p_worker_id AND ended_at IS NULL;
    FOR lost IN
        SELECT a.attempt_id FROM attempts a
        WHERE a.worker_id = p_worker_id AND a.ended_at IS NULL ORDER BY a.run_id, a.attempt_id
    LOOP
        SELECT * INTO item FROM lock_attempt(lost);
        CONTINUE WHEN NOT FOUND;
        PERFORM end_attempt(lost, 'LOST', NULL, p_reason, NULL, NULL);
        IF item.attempt_count < p_attempts_max THEN
            PERFORM requeue_item(item, retry_delay(item.attempt_count), true, 'platform');
            returned := returned + 1;
        ELSE
            PERFORM end_item(item, 'SYSTEM_ERROR', NULL,
                             'An unknown system error occurred during the item execution', 'platform');
        END IF;
    END LOOP;
    RETURN returned;
END
$$;

-- Attempts that a living worker does not know: the answer to its claim was lost on the way. Their
-- items go back to the queue, as if they had never been claimed. Only the worker says so, when no
-- claim of its session is under way; one of an earlier session that commits late is found next time.
CREATE FUNCTION hand_back_unknown(p_worker_id uuid, p_known uuid[]) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    unknown uuid[];
    item items;
    returned integer := 0;
BEGIN
    SELECT array_agg(a.attempt_id ORDER BY a.run_id, a.attempt_id) INTO unknown FROM attempts a
    WHERE a.worker_id = p_worker_id AND a.ended_at IS NULL AND a.attempt_id <> ALL (p_known);
    IF unknown IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM lock_queue();
    FOR i IN 1 .. cardinality(unknown) LOOP
        SELECT * INTO item FROM lock_attempt(unknown[i]);
        CONTINUE WHEN NOT FOUND;
        PERFORM end_attempt(unknown[i], 'HANDED_BACK', NULL,
                            'The worker never learned that it had claimed the item.', NULL, NULL);
        PERFORM requeue_item(item, interval '0', false, 'platform');
        returned := returned + 1;
    END LOOP;
    RETURN returned;
END
$$;

-- The most that one item may need of the worker is null where it did not say.
CREATE FUNCTION register_worker(p_worker_id uuid, p_name text, p_slots integer,
                                p_lease_seconds integer, p_attempts_max integer,
                                p_cpus integer DEFAULT NULL, p_memory_bytes bigint DEFAULT NULL,
                                p_gpus integer DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    namesake uuid;
    returned integer := 0;
BEGIN
    PERFORM lock_queue();
    FOR namesake IN
        SELECT worker_id FROM workers WHERE name = p_name AND ended_at IS NULL
        ORDER BY worker_id FOR UPDATE
    LOOP
        returned := returned + end_worker(namesake, p_attempts_max,
                                          'The worker was started anew while the attempt ran.');
    END LOOP;
    INSERT INTO workers (worker_id, name, slots, cpus, memory_bytes, gpus, lease_expires_at)
    VALUES (p_worker_id, p_name, p_slots, p_cpus, p_memory_bytes, p_gpus,
            platform_now() + p_lease_seconds * interval '1 second');
    PERFORM return_stranded_runs();
    RETURN returned;
END
$$;

-- A worker leaves of its own will, with nothing in work but what it could not stop.
CREATE FUNCTION leave_worker(p_worker_id uuid, p_attempts_max integer) RETURNS integer
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM lock_queue();
    PERFORM 1 FROM workers WHERE worker_id = p_worker_id AND ended_at IS NULL FOR UPDATE;
    RETURN CASE WHEN FOUND THEN end_worker(p_worker_id, p_attempts_max,
                                           'The worker left while the attempt ran.') ELSE 0 END;
END
$$;

-- Workers whose lease is over, a few a call.
CREATE FUNCTION expire_leases(p_attempts_max integer, OUT leases integer, OUT returned_items integer)
LANGUAGE plpgsql
AS $$
DECLARE
    expired uuid;
BEGIN
    leases := 0;
    returned_items := 0;
    PERFORM 1 FROM workers WHERE ended_at IS NULL AND lease_expires_at < platform_now() LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM lock_queue();
    FOR expired IN
        SELECT worker_id FROM workers WHERE ended_at IS NULL AND lease_expires_at < platform_now()
        ORDER BY lease_expires_at LIMIT 8 FOR UPDATE SKIP LOCKED
    LOOP
        leases := leases + 1;
        returned_items := returned_items + end_worker(expired, p_attempts_max,
                                                      'The worker was silent for longer than its lease.');
    END LOOP;
END
$$;
