-- $1 attempt_id uuid
UPDATE attempts SET objects_swept_at = platform_now() WHERE attempt_id = $1
