-- Creating a run: one call, one transaction. Items and artifacts come as one array a column, which
-- is the quickest way for thousands of them besides COPY.

-- The rows of a run. p_artifact_items is the place of an artifact's item, from 1, p_artifact_places
-- its own within the item, from 0.
CREATE FUNCTION insert_run(
    p_run_id uuid, p_user_id text, p_organization_id text, p_version application_versions,
    p_custom_metadata text, p_custom_metadata_checksum text, p_callback_context text,
    p_due_date timestamptz, p_deadline timestamptz, p_error_threshold integer,
    p_item_ids uuid[], p_external_ids text[], p_item_metadata text[], p_item_checksums text[],
    p_artifact_ids uuid[], p_artifact_items integer[], p_artifact_places integer[],
    p_artifact_names text[], p_artifact_urls text[], p_artifact_metadata text[])
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    item_total constant integer := cardinality(p_item_ids);
BEGIN
    INSERT INTO runs (run_id, application_id, version_id, version_number, organization_id, submitted_by,
                      submitted_at, custom_metadata, custom_metadata_text, custom_metadata_checksum,
                      callback_context, due_date, deadline)
    VALUES (p_run_id, p_version.application_id, p_version.version_id, p_version.number,
            p_organization_id, p_user_id, platform_now(), p_custom_metadata::jsonb, p_custom_metadata,
            p_custom_metadata_checksum, p_callback_context, p_due_date, p_deadline);
    INSERT INTO run_progress (run_id, item_count, pending_count, error_threshold)
    VALUES (p_run_id, item_total, item_total, p_error_threshold);
    INSERT INTO run_deadlines (run_id, deadline) SELECT p_run_id, p_deadline WHERE p_deadline IS NOT NULL;
    INSERT INTO items (item_id, run_id, ordinal, external_id, custom_metadata, custom_metadata_text,
                       custom_metadata_checksum)
    SELECT i.id, p_run_id, i.ordinality - 1, i.external_id, i.metadata::jsonb, i.metadata, i.checksum
    FROM unnest(p_item_ids, p_external_ids, p_item_metadata, p_item_checksums)
         WITH ORDINALITY AS i (id, external_id, metadata, checksum, ordinality);
    INSERT INTO input_artifacts (input_artifact_id, item_id, ordinal, name, download_url, metadata)
    SELECT a.id, p_item_ids[a.item], a.place, p_version.input_names ->> a.name, a.url, a.metadata
    FROM unnest(p_artifact_ids, p_artifact_items, p_artifact_places, p_artifact_names,
                p_artifact_urls, p_artifact_metadata) AS a (id, item, place, name, url, metadata);
    INSERT INTO arrivals (run_id, ready_at) VALUES (p_run_id, platform_now());
    INSERT INTO audit (actor, action, organization_id, run_id, detail)
    VALUES (p_user_id, 'run.created', p_organization_id, p_run_id,
            jsonb_build_object('application_id', p_version.application_id,
                               'version_number', p_version.number, 'item_count', item_total));
    PERFORM pg_notify('slideway_work', '');
END
$$;

-- The server has checked the items against the rules of p_checked_version_id, which it guesses from
-- earlier requests; p_rules_broken tells what it found. The outcomes:
--   VERSION_NOT_FOUND   there is none for the caller
--   VERSION_UNCHECKED   the run would get another version, whose rules come along; nothing was made
--   RULES_BROKEN        as p_rules_broken says, of the right version
--   NOT_FUTURE          past_fields are not in the future by the clock that will carry them out
--   DEADLINE_TOO_SHORT  the version wants deadline_seconds_min, the run leaves deadline_us
--   KEY_REUSED          the idempotency key is in force for another body
--   QUOTA_EXCEEDED      quota is the one that would be
--   VALID               of a dry run: the run could be created
--   CREATED             now, or earlier under the same key
CREATE FUNCTION create_run(
    p_run_id uuid, p_user_id text, p_organization_id text, p_role text, p_email text, p_name text,
    p_application_id text, p_version_number text,
    p_custom_metadata text, p_custom_metadata_checksum text, p_callback_context text,
    p_due_date timestamptz, p_deadline timestamptz,
    p_item_ids uuid[], p_external_ids text[], p_item_metadata text[], p_item_checksums text[],
    p_artifact_ids uuid[], p_artifact_items integer[], p_artifact_places integer[],
    p_artifact_names text[], p_artifact_urls text[], p_artifact_metadata text[],
    p_idempotency_key text, p_body_digest text, p_dry_run boolean,
    p_checked_version_id uuid, p_rules_broken boolean, p_error_threshold_default integer DEFAULT NULL,
    OUT outcome text, OUT quota jsonb, OUT made_run_id uuid, OUT made_version_number text,
    OUT version_id uuid, OUT input_artifacts text, OUT input_names text,
    OUT deadline_seconds_min integer, OUT deadline_us bigint, OUT past_fields text)
LANGUAGE plpgsql
AS $$
DECLARE
    v application_versions;
BEGIN
    -- A key that is in force gives its run whatever the rules are now.
    IF p_idempotency_key IS NOT NULL AND NOT p_dry_run THEN
        SELECT t.outcome, t.known_run_id INTO outcome, made_run_id
        FROM take_idempotency_key(p_user_id, p_idempotency_key, p_body_digest, p_run_id) t;
        IF outcome IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    -- What is refused from here on is undone as a whole: a dry run is the real thing undone, so it
    -- finds whatever a run would be refused for. The variables keep their values.
    BEGIN
        SELECT * INTO v FROM application_versions av
        WHERE av.application_id = p_application_id
          AND (p_version_number IS NULL OR av.number = p_version_number)
          AND may_see_version(av, p_organization_id)
        ORDER BY av.precedence DESC LIMIT 1;
        IF NOT FOUND THEN
            outcome := 'VERSION_NOT_FOUND';
        ELSIF v.version_id IS DISTINCT FROM p_checked_version_id THEN
            outcome := 'VERSION_UNCHECKED';
            version_id := v.version_id;
            input_artifacts := v.input_artifacts;
            input_names := v.input_names::text;
        ELSIF p_rules_broken THEN
            outcome := 'RULES_BROKEN';
        ELSIF least(p_due_date, p_deadline) <= platform_now() THEN
            outcome := 'NOT_FUTURE';
            past_fields := concat_ws(' ', CASE WHEN p_due_date <= platform_now() THEN 'due_date' END,
                                     CASE WHEN p_deadline <= platform_now() THEN 'deadline' END);
        ELSIF p_deadline < platform_now() + v.deadline_seconds_min * interval '1 second' THEN
            outcome := 'DEADLINE_TOO_SHORT';
            deadline_seconds_min := v.deadline_seconds_min;
            deadline_us := extract(epoch FROM p_deadline - platform_now()) * 1000000;
        ELSE
            made_version_number := v.number;
            PERFORM remember_caller(p_user_id, p_organization_id, p_email, p_name, p_role);
            PERFORM insert_run(p_run_id, p_user_id, p_organization_id, v, p_custom_metadata,
                               p_custom_metadata_checksum, p_callback_context, p_due_date, p_deadline,
                               coalesce(v.error_threshold, p_error_threshold_default),
                               p_item_ids, p_external_ids, p_item_metadata, p_item_checksums,
                               p_artifact_ids, p_artifact_items, p_artifact_places, p_artifact_names,
                               p_artifact_urls, p_artifact_metadata);
            -- Last: only a run that could be made uses it, and its rows are locked for a moment.
            quota := take_quota(p_organization_id, p_user_id, cardinality(p_item_ids));
            outcome := CASE WHEN quota IS NOT NULL THEN 'QUOTA_EXCEEDED'
                            WHEN p_dry_run THEN 'VALID'
                            ELSE 'CREATED' END;
        END IF;
        IF outcome <> 'CREATED' THEN
            RAISE EXCEPTION 'nothing of it remains' USING ERRCODE = 'SWUND';
        END IF;
        made_run_id := p_run_id;
    EXCEPTION WHEN SQLSTATE 'SWUND' THEN
        IF p_idempotency_key IS NOT NULL AND NOT p_dry_run THEN
            DELETE FROM idempotency_keys k WHERE k.user_id = p_user_id AND k.key = p_idempotency_key;
        END IF;
    END;
END
$$;
