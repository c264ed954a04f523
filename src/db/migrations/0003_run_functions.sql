-- What a client may do to a run. Each is one call and one transaction. All take the locks in one
-- order: runs, run_progress, items; what locks more than one run holds the queue (lock_queue) before.

-- The rule of access. Who changes a run: its submitter, an admin of its organisation, a platform
-- admin. It is cheap and becomes part of the statement that calls it.
CREATE FUNCTION may_change_run(submitted_by text, organization_id text,
                               caller text, caller_organization text, caller_role text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT submitted_by = caller
        OR caller_role = 'superadmin'
        OR (caller_role = 'admin' AND organization_id = caller_organization)
$$;

CREATE FUNCTION may_see_version(version application_versions, caller_organization text)
RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT version.for_everyone
        OR EXISTS (SELECT FROM version_assignments a
                   WHERE a.version_id = version.version_id AND a.organization_id = caller_organization)
$$;

-- Users and organisations come from the claims of verified tokens.
CREATE FUNCTION remember_caller(p_user_id text, p_organization_id text, p_email text, p_name text,
                                p_role text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM 1 FROM users
    WHERE user_id = p_user_id AND organization_id = p_organization_id AND role = p_role;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO organizations (organization_id) VALUES (p_organization_id) ON CONFLICT DO NOTHING;
    INSERT INTO users (user_id, organization_id, email, name, role)
    VALUES (p_user_id, p_organization_id, nullif(p_email, ''), nullif(p_name, ''), p_role)
    ON CONFLICT (user_id) DO UPDATE
        SET organization_id = excluded.organization_id, role = excluded.role,
            email = coalesce(excluded.email, users.email),
            name = coalesce(excluded.name, users.name), updated_at = platform_now();
END
$$;

-- Ends an attempt, whatever comes of its item. The caller holds the lock of the run's progress.
CREATE FUNCTION end_attempt(p_attempt_id uuid, p_outcome text, p_error_code text, p_error_message text,
                            p_log_tail text, p_peak_memory_bytes bigint)
RETURNS void
LANGUAGE sql
AS $$
    UPDATE attempts
    SET ended_at = platform_now(), outcome = p_outcome, error_code = p_error_code,
        error_message = p_error_message, log_tail = p_log_tail, peak_memory_bytes = p_peak_memory_bytes
    WHERE attempt_id = p_attempt_id AND outcome IS NULL
$$;

-- Keeps in mind that an ended run has artifacts, whose time will come.
CREATE FUNCTION retain_run(p_progress run_progress) RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO retained_runs (run_id, ended_at)
    SELECT p_progress.run_id, p_progress.terminated_at
    WHERE p_progress.state = 'TERMINATED' AND p_progress.succeeded_count > 0
$$;

-- Why a run was ended before its items were done, and what its skipped items say.
CREATE TYPE run_closing AS (
    termination_reason text,
    error_code         text,
    error_message      text,
    item_message       text,
    actor              text
);

-- Ends a run at once: what waits never starts, what is in work is told to stop. The caller holds the
-- lock of the run's progress and has seen that it is not TERMINATED.
CREATE FUNCTION close_run(p_run_id uuid, p_why run_closing) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    attempt uuid;
    skipped_count integer;
    progress run_progress;
BEGIN
    FOR attempt IN SELECT i.attempt_id FROM items i WHERE i.run_id = p_run_id AND i.state = 'PROCESSING' LOOP
        PERFORM end_attempt(attempt, 'CANCELLED', p_why.error_code,
                            coalesce(p_why.error_message, 'The run was cancelled by the user.'), NULL, NULL);
    END LOOP;
    WITH skipped AS (
        UPDATE items SET state = 'TERMINATED', termination_reason = 'SKIPPED',
                         terminated_at = platform_now(), error_message = p_why.item_message
        WHERE run_id = p_run_id AND state <> 'TERMINATED'
        RETURNING item_id
    )
    INSERT INTO audit (actor, action, run_id, item_id, detail)
    SELECT p_why.actor, 'item.terminated', p_run_id, s.item_id,
           jsonb_build_object('termination_reason', 'SKIPPED')
    FROM skipped s;
    GET DIAGNOSTICS skipped_count = ROW_COUNT;
    PERFORM release_quota(p_run_id, skipped_count, skipped_count);
    UPDATE run_progress p SET state = 'TERMINATED', termination_reason = p_why.termination_reason,
                            error_code = p_why.error_code, error_message = p_why.error_message,
                            terminated_at = platform_now(), next_ordinal = item_count,
                            pending_count = 0, processing_count = 0,
                            skipped_count = p.skipped_count + pending_count + processing_count
    WHERE run_id = p_run_id
    RETURNING * INTO progress;
    PERFORM leave_queue(p_run_id);
    PERFORM retain_run(progress);
    INSERT INTO audit (actor, action, organization_id, run_id, detail)
    SELECT p_why.actor, 'run.cancelled', r.organization_id, r.run_id,
           jsonb_strip_nulls(jsonb_build_object('termination_reason', p_why.termination_reason,
                                                'error_code', p_why.error_code))
    FROM runs r WHERE r.run_id = p_run_id;
    PERFORM pg_notify('slideway_cancel', p_run_id::text);
END
$$;

-- One transaction: after it nobody sees the run in another end state.
CREATE FUNCTION cancel_run(p_run_id uuid, p_user_id text, p_organization_id text, p_role text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    allowed boolean;
    run_state text;
BEGIN
    SELECT may_change_run(r.submitted_by, r.organization_id, p_user_id, p_organization_id, p_role)
    INTO allowed FROM runs r WHERE r.run_id = p_run_id;
    IF NOT FOUND THEN
        RETURN 'NOT_FOUND';
    ELSIF NOT allowed THEN
        RETURN 'FORBIDDEN';
    END IF;
    SELECT state INTO run_state FROM run_progress WHERE run_id = p_run_id FOR UPDATE;
    IF run_state = 'TERMINATED' THEN
        RETURN 'ALREADY_TERMINATED';
    END IF;
    PERFORM close_run(p_run_id, ROW('CANCELED_BY_USER', NULL, NULL,
        'The item was not processed because the run was cancelled by the user before the item was processed.',
        p_user_id)::run_closing);
    RETURN 'CANCELLED';
END
$$;

-- Deletes the artifacts of a run, for all who ask from now on; the leader removes the objects. One row
-- however many they are, so that it takes no longer for the largest run. The caller has locked the run.
CREATE FUNCTION delete_outputs(p_run_id uuid, p_output text, p_actor text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    succeeded integer;
BEGIN
    SELECT p.succeeded_count INTO succeeded FROM run_progress p WHERE p.run_id = p_run_id;
    UPDATE runs SET artifact_output = p_output, artifacts_deleted_at = platform_now() WHERE run_id = p_run_id;
    DELETE FROM retained_runs WHERE run_id = p_run_id;
    INSERT INTO deleted_runs (run_id, deleted_at) SELECT p_run_id, platform_now() WHERE succeeded > 0;
    INSERT INTO audit (actor, action, organization_id, run_id, detail)
    SELECT p_actor, 'run.artifacts_deleted', r.organization_id, r.run_id,
           jsonb_build_object('output', p_output, 'item_count', succeeded)
    FROM runs r WHERE r.run_id = p_run_id;
END
$$;

CREATE FUNCTION delete_artifacts(p_run_id uuid, p_user_id text, p_organization_id text, p_role text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    allowed boolean;
    deleted_at_before timestamptz;
    run_state text;
BEGIN
    SELECT may_change_run(r.submitted_by, r.organization_id, p_user_id, p_organization_id, p_role),
           r.artifacts_deleted_at
    INTO allowed, deleted_at_before FROM runs r WHERE r.run_id = p_run_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'NOT_FOUND';
    ELSIF NOT allowed THEN
        RETURN 'FORBIDDEN';
    END IF;
    SELECT state INTO run_state FROM run_progress WHERE run_id = p_run_id;
    IF run_state <> 'TERMINATED' THEN
        RETURN 'NOT_TERMINATED';
    ELSIF deleted_at_before IS NOT NULL THEN
        RETURN 'ALREADY_DELETED';
    END IF;
    PERFORM delete_outputs(p_run_id, 'DELETED_BY_USER', p_user_id);
    RETURN 'DELETED';
END
$$;

-- Compare-and-set: with p_expected_checksum the metadata changes only if it is still the known one.
CREATE FUNCTION put_run_metadata(p_run_id uuid, p_user_id text, p_organization_id text, p_role text,
                                 p_metadata text, p_checksum text, p_expected_checksum text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    allowed boolean;
    run_organization text;
    checksum_before text;
BEGIN
    SELECT may_change_run(r.submitted_by, r.organization_id, p_user_id, p_organization_id, p_role),
           r.organization_id, r.custom_metadata_checksum
    INTO allowed, run_organization, checksum_before FROM runs r WHERE r.run_id = p_run_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'NOT_FOUND';
    ELSIF NOT allowed THEN
        RETURN 'FORBIDDEN';
    ELSIF p_expected_checksum IS NOT NULL AND p_expected_checksum IS DISTINCT FROM checksum_before THEN
        RETURN 'CHECKSUM_MISMATCH';
    END IF;
    UPDATE runs SET custom_metadata = p_metadata::jsonb, custom_metadata_text = p_metadata,
                    custom_metadata_checksum = p_checksum
    WHERE run_id = p_run_id;
    INSERT INTO audit (actor, action, organization_id, run_id)
    VALUES (p_user_id, 'run.metadata_changed', run_organization, p_run_id);
    RETURN 'CHANGED';
END
$$;

CREATE FUNCTION put_item_metadata(p_run_id uuid, p_external_id text, p_user_id text,
                                  p_organization_id text, p_role text, p_metadata text,
                                  p_checksum text, p_expected_checksum text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    allowed boolean;
    run_organization text;
    item items;
BEGIN
    SELECT may_change_run(r.submitted_by, r.organization_id, p_user_id, p_organization_id, p_role),
           r.organization_id
    INTO allowed, run_organization FROM runs r WHERE r.run_id = p_run_id;
    IF NOT FOUND THEN
        RETURN 'RUN_NOT_FOUND';
    ELSIF NOT allowed THEN
        RETURN 'FORBIDDEN';
    END IF;
    SELECT * INTO item FROM items i
    WHERE i.run_id = p_run_id AND i.external_id = p_external_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'NOT_FOUND';
    ELSIF p_expected_checksum IS NOT NULL
          AND p_expected_checksum IS DISTINCT FROM item.custom_metadata_checksum THEN
        RETURN 'CHECKSUM_MISMATCH';
    END IF;
    UPDATE items SET custom_metadata = p_metadata::jsonb, custom_metadata_text = p_metadata,
                     custom_metadata_checksum = p_checksum
    WHERE item_id = item.item_id;
    INSERT INTO audit (actor, action, organization_id, run_id, item_id)
    VALUES (p_user_id, 'item.metadata_changed', run_organization, p_run_id, item.item_id);
    RETURN 'CHANGED';
END
$$;

-- A text whose byte order is the order of the field; NULL for a field that has no value.
CREATE FUNCTION run_sort_key(field text, r runs, p run_progress, precedence text) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE field
        WHEN 'run_id' THEN r.run_id::text
        WHEN 'application_id' THEN r.application_id
        WHEN 'version_number' THEN precedence
        WHEN 'application_version_id' THEN r.application_id || ' ' || precedence
        WHEN 'organization_id' THEN r.organization_id
        WHEN 'state' THEN p.state
        WHEN 'status' THEN p.state
        WHEN 'submitted_at' THEN to_char(r.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
        WHEN 'submitted_by' THEN r.submitted_by
        WHEN 'terminated_at' THEN to_char(p.terminated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
        WHEN 'termination_reason' THEN p.termination_reason
        WHEN 'custom_metadata' THEN r.custom_metadata::text
    END COLLATE "C"
$$;

CREATE FUNCTION item_sort_key(field text, i items) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE field
        WHEN 'item_id' THEN i.item_id::text
        WHEN 'run_id' THEN ''
        WHEN 'external_id' THEN i.external_id
        WHEN 'custom_metadata' THEN i.custom_metadata::text
        WHEN 'terminated_at' THEN to_char(i.terminated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
        WHEN 'termination_reason' THEN i.termination_reason
    END COLLATE "C"
$$;
