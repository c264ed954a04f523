-- The inputs of a run are checked by the server, against the rules of the version that it gets. The
-- server guesses the version from earlier requests; here it is found out whether it guessed right.

-- As before, without a look at the artifacts.
CREATE OR REPLACE FUNCTION create_run(
    p_run_id uuid, p_user_id text, p_organization_id text, p_role text, p_email text, p_name text,
    p_application_id text, p_version_number text,
    p_custom_metadata text, p_custom_metadata_checksum text, p_callback_context text,
    p_due_date timestamptz, p_deadline timestamptz, p_items json,
    OUT outcome text, OUT problems jsonb)
LANGUAGE plpgsql
AS $$
DECLARE
    v application_versions;
    item_total integer := json_array_length(p_items);
BEGIN
    SELECT * INTO v FROM application_versions av
    WHERE av.application_id = p_application_id
      AND (p_version_number IS NULL OR av.number = p_version_number)
      AND may_see_version(av, p_organization_id)
    ORDER BY av.precedence DESC LIMIT 1;
    IF NOT FOUND THEN
        outcome := 'VERSION_NOT_FOUND';
        RETURN;
    END IF;
    PERFORM remember_caller(p_user_id, p_organization_id, p_email, p_name, p_role);

    INSERT INTO runs (run_id, application_id, version_id, version_number, organization_id, submitted_by,
                      submitted_at, custom_metadata, custom_metadata_text, custom_metadata_checksum,
                      callback_context, due_date, deadline)
    VALUES (p_run_id, p_application_id, v.version_id, v.number, p_organization_id, p_user_id,
            now(), p_custom_metadata::jsonb, p_custom_metadata, p_custom_metadata_checksum,
            p_callback_context, p_due_date, p_deadline);
    INSERT INTO run_progress (run_id, item_count, pending_count) VALUES (p_run_id, item_total, item_total);

    WITH new_items AS MATERIALIZED (
        SELECT uuid_v7() AS item_id, (i.ordinality - 1)::integer AS ordinal, i.value
        FROM json_array_elements(p_items) WITH ORDINALITY AS i
    ),
    stored_items AS (
        INSERT INTO items (item_id, run_id, ordinal, external_id, custom_metadata,
                           custom_metadata_text, custom_metadata_checksum)
        SELECT item_id, p_run_id, ordinal, value ->> 'external_id',
               (value ->> 'custom_metadata')::jsonb, value ->> 'custom_metadata',
               value ->> 'custom_metadata_checksum'
        FROM new_items
    ),
    stored_artifacts AS (
        INSERT INTO input_artifacts (input_artifact_id, item_id, ordinal, name, download_url, metadata)
        SELECT uuid_v7(), n.item_id, (a.ordinality - 1)::integer, v.input_names ->> (a.value ->> 'name'),
               a.value ->> 'download_url', a.value ->> 'metadata'
        FROM new_items n, json_array_elements(n.value -> 'input_artifacts') WITH ORDINALITY AS a
    )
    INSERT INTO ready_items (item_id, run_id, ready_at)
    SELECT item_id, p_run_id, now() + ordinal * interval '1 microsecond' FROM new_items;

    INSERT INTO audit (actor, action, organization_id, run_id, detail)
    VALUES (p_user_id, 'run.created', p_organization_id, p_run_id,
            jsonb_build_object('application_id', p_application_id, 'version_number', v.number,
                               'item_count', item_total));
    PERFORM pg_notify('slideway_work', '');
    outcome := 'CREATED';
END
$$;

DROP FUNCTION artifact_problems(json, jsonb);

-- create_run_once for inputs that were checked against the rules of p_checked_version_id, and
-- broke them if p_rules_broken. VERSION_UNCHECKED: the run would get another version; then its
-- rules come along. A key that is in force gives its run whatever the rules are now.
CREATE FUNCTION create_checked_run(
    p_run_id uuid, p_user_id text, p_organization_id text, p_role text, p_email text, p_name text,
    p_application_id text, p_version_number text,
    p_custom_metadata text, p_custom_metadata_checksum text, p_callback_context text,
    p_due_date timestamptz, p_deadline timestamptz, p_items json,
    p_idempotency_key text, p_body_digest text, p_dry_run boolean,
    p_checked_version_id uuid, p_rules_broken boolean,
    OUT outcome text, OUT problems jsonb, OUT made_run_id uuid, OUT made_version_number text,
    OUT version_id uuid, OUT input_artifacts text, OUT input_names text)
LANGUAGE plpgsql
AS $$
DECLARE
    v application_versions;
    checked boolean := false;
BEGIN
    IF p_dry_run OR NOT EXISTS (SELECT FROM idempotency_keys k
                                WHERE k.user_id = p_user_id AND k.key = p_idempotency_key
                                  AND k.expires_at > now()) THEN
        SELECT * INTO v FROM application_versions av
        WHERE av.application_id = p_application_id
          AND (p_version_number IS NULL OR av.number = p_version_number)
          AND may_see_version(av, p_organization_id)
        ORDER BY av.precedence DESC LIMIT 1;
        IF NOT FOUND THEN
            outcome := 'VERSION_NOT_FOUND';
            RETURN;
        ELSIF v.version_id IS DISTINCT FROM p_checked_version_id THEN
            outcome := 'VERSION_UNCHECKED';
            version_id := v.version_id;
            input_artifacts := v.input_artifacts;
            input_names := v.input_names::text;
            RETURN;
        ELSIF p_rules_broken THEN
            outcome := 'RULES_BROKEN';
            RETURN;
        END IF;
        checked := true;
    END IF;
    SELECT c.outcome, c.problems, c.made_run_id, c.made_version_number
    INTO outcome, problems, made_run_id, made_version_number
    FROM create_run_once(p_run_id, p_user_id, p_organization_id, p_role, p_email, p_name,
                         p_application_id, coalesce(v.number, p_version_number), p_custom_metadata,
                         p_custom_metadata_checksum, p_callback_context, p_due_date, p_deadline,
                         p_items, p_idempotency_key, p_body_digest, p_dry_run) c;
    IF made_run_id = p_run_id AND NOT checked THEN
        RAISE EXCEPTION 'the key has just expired' USING ERRCODE = 'serialization_failure';
    END IF;
END
$$;
