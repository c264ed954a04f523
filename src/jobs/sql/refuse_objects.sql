-- $1 object_keys text[]
-- The wait doubles with each refusal, from a second to an hour.
INSERT INTO refused_objects AS f (object_key, retry_at)
SELECT DISTINCT k.object_key, platform_now() + interval '1 second' FROM unnest($1::text[]) AS k (object_key)
ON CONFLICT (object_key) DO UPDATE
SET refused_count = f.refused_count + 1,
    retry_at = platform_now() + least(2 ^ least(f.refused_count, 12), 3600) * interval '1 second'
