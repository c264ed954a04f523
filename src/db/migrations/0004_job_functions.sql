-- What becomes of claimed items. Locks in the one order: the queue, the worker, run_progress, items;
-- what locks more than one run holds the queue (lock_queue), as claims do.

-- The state of a run that still has open items, from its counters; ends it when none is open.
CREATE FUNCTION settle_run(p_run_id uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE run_progress
    SET state = CASE WHEN pending_count + processing_count = 0 THEN 'TERMINATED'
                     WHEN processing_count > 0 THEN 'PROCESSING'
                     ELSE 'PENDING' END,
        termination_reason = CASE WHEN pending_count + processing_count = 0 THEN 'ALL_ITEMS_PROCESSED' END,
        terminated_at = CASE WHEN pending_count + processing_count = 0 THEN platform_now() END
    WHERE run_id = p_run_id
      AND (pending_count + processing_count = 0
           OR (state = 'PROCESSING') IS DISTINCT FROM (processing_count > 0));
    IF FOUND THEN
        INSERT INTO audit (actor, action, run_id)
        SELECT 'platform', 'run.' || lower(state), run_id FROM run_progress WHERE run_id = p_run_id;
    END IF;
END
$$;

-- Ends the item of an attempt that still holds it. The caller has locked run_progress and the item.
CREATE FUNCTION end_item(p_item items, p_reason text, p_error_code text, p_error_message text,
                         p_actor text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE items SET state = 'TERMINATED', termination_reason = p_reason, terminated_at = platform_now(),
                     error_code = p_error_code, error_message = p_error_message
    WHERE item_id = p_item.item_id AND state = 'PROCESSING';
    UPDATE run_progress
    SET processing_count = processing_count - 1,
        succeeded_count = succeeded_count + (p_reason = 'SUCCEEDED')::integer,
        user_error_count = user_error_count + (p_reason = 'USER_ERROR')::integer,
        system_error_count = system_error_count + (p_reason = 'SYSTEM_ERROR')::integer
    WHERE run_id = p_item.run_id;
    INSERT INTO audit (actor, action, run_id, item_id, detail)
    VALUES (p_actor, 'item.terminated', p_item.run_id, p_item.item_id,
            jsonb_build_object('termination_reason', p_reason, 'attempt_id', p_item.attempt_id));
    PERFORM settle_run(p_item.run_id);
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

-- The fencing: results count only while the attempt holds its item.
CREATE FUNCTION finish_attempt(
    p_attempt_id uuid, p_outcome text, p_error_code text, p_error_message text, p_log_tail text,
    p_peak_memory_bytes bigint, p_output_artifacts json, p_attempts_max integer)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    item items;
    actor text;
    again boolean;
BEGIN
    SELECT * INTO item FROM lock_attempt(p_attempt_id);
    IF NOT FOUND THEN
        RETURN 'LEASE_LOST';
    END IF;
    UPDATE attempts SET ended_at = platform_now(), outcome = p_outcome, error_code = p_error_code,
                        error_message = p_error_message, log_tail = p_log_tail,
                        peak_memory_bytes = p_peak_memory_bytes
    WHERE attempt_id = p_attempt_id
    RETURNING 'worker ' || worker_id INTO actor;

    again := p_outcome = 'HANDED_BACK' OR (p_outcome = 'RETRY' AND item.attempt_count < p_attempts_max);
    IF again THEN
        PERFORM requeue_item(item,
            CASE p_outcome WHEN 'RETRY' THEN (2 ^ least(item.attempt_count, 8)) * interval '1 second'
                           ELSE interval '0' END,
            p_outcome = 'RETRY', actor);
        RETURN 'COMMITTED';
    END IF;
    INSERT INTO output_artifacts (item_id, run_id, attempt_id, ordinal, name, mime_type, metadata,
                                  visibility, object_key, size_bytes, checksum_base64_crc32c)
    SELECT item.item_id, item.run_id, p_attempt_id, (a.ordinality - 1)::integer, a.value ->> 'name',
           a.value ->> 'mime_type', a.value ->> 'metadata',
           coalesce(a.value ->> 'visibility', 'EXTERNAL'), a.value ->> 'object_key',
           (a.value ->> 'size_bytes')::bigint, a.value ->> 'checksum_base64_crc32c'
    FROM json_array_elements(coalesce(p_output_artifacts, '[]')) WITH ORDINALITY AS a
    WHERE p_outcome = 'SUCCEEDED';
    PERFORM end_item(item, CASE p_outcome WHEN 'RETRY' THEN 'SYSTEM_ERROR' ELSE p_outcome END,
                     p_error_code, p_error_message, actor);
    RETURN 'COMMITTED';
END
$$;

-- The attempts of a worker that is gone: their items go back to the queue, or end after too many.
CREATE FUNCTION end_worker(p_worker_id uuid, p_attempts_max integer) RETURNS integer
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
        UPDATE attempts SET ended_at = platform_now(), outcome = 'LOST' WHERE attempt_id = lost;
        IF item.attempt_count < p_attempts_max THEN
            PERFORM requeue_item(item, interval '0', true, 'platform');
            returned := returned + 1;
        ELSE
            PERFORM end_item(item, 'SYSTEM_ERROR', NULL,
                             'An unknown system error occurred during the item execution', 'platform');
        END IF;
    END LOOP;
    RETURN returned;
END
$$;

CREATE FUNCTION register_worker(p_worker_id uuid, p_name text, p_slots integer,
                                p_lease_seconds integer, p_attempts_max integer)
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
        returned := returned + end_worker(namesake, p_attempts_max);
    END LOOP;
    INSERT INTO workers (worker_id, name, slots, lease_expires_at)
    VALUES (p_worker_id, p_name, p_slots, platform_now() + p_lease_seconds * interval '1 second');
    RETURN returned;
END
$$;

CREATE FUNCTION expire_leases(p_attempts_max integer, OUT leases integer, OUT returned_items integer)
LANGUAGE plpgsql
AS $$
DECLARE
    expired uuid;
BEGIN
    PERFORM lock_queue();
    leases := 0;
    returned_items := 0;
    FOR expired IN
        SELECT worker_id FROM workers WHERE ended_at IS NULL AND lease_expires_at < platform_now()
        ORDER BY worker_id LIMIT 100 FOR UPDATE SKIP LOCKED
    LOOP
        leases := leases + 1;
        returned_items := returned_items + end_worker(expired, p_attempts_max);
    END LOOP;
END
$$;
