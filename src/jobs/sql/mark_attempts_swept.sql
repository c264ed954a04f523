-- $1 attempt_ids uuid[]
UPDATE attempts SET objects_swept_at = platform_now() WHERE attempt_id = ANY ($1)
