-- Artifacts that the manifest calls INTERNAL are kept for the operator; no client sees them.

ALTER TABLE output_artifacts
    ADD COLUMN visibility text NOT NULL DEFAULT 'EXTERNAL'
    CHECK (visibility IN ('EXTERNAL', 'INTERNAL'));

-- As before, with the visibility.
CREATE OR REPLACE FUNCTION finish_attempt(
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
    UPDATE attempts SET ended_at = now(), outcome = p_outcome, error_code = p_error_code,
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
