-- Where the objects are that the rows name: an object store is not told by its keys, so a program that was
-- started with another one would report what it deletes as gone, and store new results beside the old ones.

-- One row, made by the first program that is given a store. place: a folder, or s3://bucket/prefix.
CREATE TABLE object_place (
    is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    place      text NOT NULL CHECK (length(place) BETWEEN 1 AND 4096),
    settled_at timestamptz NOT NULL DEFAULT platform_now()
);

-- The same folder may be mounted elsewhere on each machine, so that its name tells nothing.
CREATE FUNCTION is_same_place(p_one text, p_other text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT rtrim(p_one, '/') = rtrim(p_other, '/')
        OR (p_one NOT LIKE 's3://%' AND p_other NOT LIKE 's3://%')
$$;

-- Whether the objects are in this place, and where they were until now. p_moves: from now on they are; so
-- it is behind a folder, since another folder is the same place and nobody names a bucket by forgetting a
-- setting, and as long as nothing is stored.
CREATE FUNCTION settle_object_place(p_place text, p_moves boolean, OUT known_place text, OUT is_settled boolean)
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO object_place (place) VALUES (p_place) ON CONFLICT DO NOTHING;
    SELECT o.place INTO known_place FROM object_place o FOR UPDATE;
    is_settled := p_moves OR known_place NOT LIKE 's3://%' OR is_same_place(known_place, p_place)
        OR NOT (EXISTS (SELECT FROM version_documents)
                OR EXISTS (SELECT FROM (SELECT FROM runs r ORDER BY r.run_id LIMIT 1) AS a_run)
                OR EXISTS (SELECT FROM (SELECT FROM bucket_objects o ORDER BY o.bucket_name, o.object_key
                                        LIMIT 1) AS an_object));
    IF is_settled AND known_place <> p_place THEN
        UPDATE object_place SET place = p_place, settled_at = platform_now();
        INSERT INTO audit (actor, action, detail)
        SELECT 'operator', 'object_place.changed', jsonb_build_object('from', known_place, 'to', p_place)
        WHERE NOT is_same_place(known_place, p_place);
    END IF;
END
$$;
