-- Upload buckets: each organisation has one, with an access key, and puts objects into it by S3's
-- protocol. A file of the object store belongs to an object, to a part of a multipart upload, or is
-- written down as nobody's, from before it is written; so none can be forgotten.

-- sealed_secret can be read with the installation's own secret alone; without an access key the next
-- caller who asks for it makes one. used_bytes is the size of all objects and parts.
CREATE TABLE buckets (
    bucket_name     text PRIMARY KEY CHECK (bucket_name ~ '^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$'),
    organization_id text NOT NULL UNIQUE REFERENCES organizations,
    access_key_id   text UNIQUE,
    sealed_secret   text,
    used_bytes      bigint NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    created_at      timestamptz NOT NULL DEFAULT platform_now(),
    CHECK ((access_key_id IS NULL) = (sealed_secret IS NULL))
);

-- Buckets of stores that are not ours, as the operator gave them to organisations: /v1/me tells of them.
CREATE TABLE assigned_buckets (
    organization_id text PRIMARY KEY REFERENCES organizations,
    bucket_name     text NOT NULL CHECK (length(bucket_name) BETWEEN 1 AND 255),
    protocol        text NOT NULL CHECK (protocol IN ('gs', 's3')),
    access_key_id   text NOT NULL CHECK (length(access_key_id) BETWEEN 1 AND 255),
    sealed_secret   text NOT NULL,
    assigned_at     timestamptz NOT NULL DEFAULT platform_now()
);

-- Keys are ordered by their bytes, as S3 lists them. headers are those that a download repeats, a line
-- each. upload_id: the multipart upload that the object was made of.
CREATE TABLE bucket_objects (
    bucket_name  text NOT NULL REFERENCES buckets,
    object_key   text COLLATE "C" NOT NULL CHECK (octet_length(object_key) BETWEEN 1 AND 1024),
    file_id      uuid NOT NULL,
    size_bytes   bigint NOT NULL CHECK (size_bytes >= 0),
    etag         text NOT NULL,
    content_type text NOT NULL,
    headers      text NOT NULL,
    upload_id    uuid,
    stored_at    timestamptz NOT NULL DEFAULT platform_now(),
    PRIMARY KEY (bucket_name, object_key)
);
CREATE INDEX bucket_objects_by_age ON bucket_objects (stored_at);

CREATE TABLE bucket_uploads (
    upload_id    uuid PRIMARY KEY,
    bucket_name  text NOT NULL REFERENCES buckets,
    object_key   text COLLATE "C" NOT NULL CHECK (octet_length(object_key) BETWEEN 1 AND 1024),
    content_type text NOT NULL,
    headers      text NOT NULL,
    begun_at     timestamptz NOT NULL DEFAULT platform_now()
);
CREATE INDEX bucket_uploads_by_key ON bucket_uploads (bucket_name, object_key, upload_id);
CREATE INDEX bucket_uploads_by_age ON bucket_uploads (begun_at);

CREATE TABLE bucket_parts (
    upload_id   uuid NOT NULL REFERENCES bucket_uploads ON DELETE CASCADE,
    part_number integer NOT NULL CHECK (part_number BETWEEN 1 AND 10000),
    file_id     uuid NOT NULL,
    size_bytes  bigint NOT NULL CHECK (size_bytes >= 0),
    etag        text NOT NULL,
    stored_at   timestamptz NOT NULL DEFAULT platform_now(),
    PRIMARY KEY (upload_id, part_number)
);

-- Files that are nobody's and are removed when their time has come: at once, or a day after they were
-- begun.
CREATE TABLE bucket_strays (
    file_id     uuid PRIMARY KEY,
    bucket_name text NOT NULL,
    due_at      timestamptz NOT NULL
);
CREATE INDEX bucket_strays_by_due ON bucket_strays (due_at);

-- The organisation's bucket, made when it has none, and its key: the given one when it has none, or
-- when nobody can read the secret of the one that is named.
CREATE FUNCTION provide_bucket(p_organization_id text, p_bucket_name text, p_access_key_id text,
                               p_sealed_secret text, p_unreadable_key_id text)
RETURNS TABLE (bucket_name text, access_key_id text, sealed_secret text)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO organizations (organization_id) VALUES (p_organization_id) ON CONFLICT DO NOTHING;
    INSERT INTO buckets (bucket_name, organization_id) VALUES (p_bucket_name, p_organization_id)
    ON CONFLICT DO NOTHING;
    UPDATE buckets b SET access_key_id = p_access_key_id, sealed_secret = p_sealed_secret
    WHERE b.organization_id = p_organization_id
      AND (b.access_key_id IS NULL OR b.access_key_id = p_unreadable_key_id);
    IF FOUND THEN
        INSERT INTO audit (actor, action, organization_id, detail)
        VALUES ('platform', 'bucket.key_made', p_organization_id,
                jsonb_build_object('access_key_id', p_access_key_id));
    END IF;
    RETURN QUERY SELECT b.bucket_name, b.access_key_id, b.sealed_secret
    FROM buckets b WHERE b.organization_id = p_organization_id;
END
$$;

-- Ends the key of the organisation's bucket; null: it has no bucket.
CREATE FUNCTION rotate_bucket(p_organization_id text) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    bucket buckets;
BEGIN
    SELECT * INTO bucket FROM buckets b WHERE b.organization_id = p_organization_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE buckets b SET access_key_id = NULL, sealed_secret = NULL WHERE b.bucket_name = bucket.bucket_name;
    INSERT INTO audit (actor, action, organization_id, detail)
    VALUES ('operator', 'bucket.key_ended', p_organization_id,
            jsonb_build_object('access_key_id', bucket.access_key_id));
    RETURN bucket.bucket_name;
END
$$;

CREATE FUNCTION discard_bucket_file(p_file_id uuid, p_bucket_name text) RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO bucket_strays (file_id, bucket_name, due_at)
    VALUES (p_file_id, p_bucket_name, platform_now())
    ON CONFLICT (file_id) DO UPDATE SET due_at = excluded.due_at
$$;

-- Before a file is written: how many bytes it may have, or null when p_upload_id, of a part, is no
-- upload of the key. What it will replace is counted as free. p_size_bytes is null when it is not known; a
-- file that has no room is not written down, and must not be written.
CREATE FUNCTION begin_bucket_file(p_bucket_name text, p_object_key text, p_upload_id uuid,
                                  p_part_number integer, p_file_id uuid, p_size_bytes bigint,
                                  p_bytes_max bigint)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    replaced bigint;
    room bigint;
BEGIN
    IF p_upload_id IS NULL THEN
        SELECT o.size_bytes INTO replaced FROM bucket_objects o
        WHERE o.bucket_name = p_bucket_name AND o.object_key = p_object_key;
    ELSE
        PERFORM 1 FROM bucket_uploads u
        WHERE u.upload_id = p_upload_id AND u.bucket_name = p_bucket_name AND u.object_key = p_object_key;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        SELECT p.size_bytes INTO replaced FROM bucket_parts p
        WHERE p.upload_id = p_upload_id AND p.part_number = p_part_number;
    END IF;
    SELECT greatest(p_bytes_max - b.used_bytes + coalesce(replaced, 0), 0) INTO room
    FROM buckets b WHERE b.bucket_name = p_bucket_name;
    IF room >= coalesce(p_size_bytes, 1) THEN
        INSERT INTO bucket_strays (file_id, bucket_name, due_at)
        VALUES (p_file_id, p_bucket_name, platform_now() + interval '1 day');
    END IF;
    RETURN room;
END
$$;

-- Whoever stores a file takes it from the strays, under the lock of its bucket: false when it took too
-- long and the file may be gone.
CREATE FUNCTION take_bucket_file(p_file_id uuid) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM bucket_strays s WHERE s.file_id = p_file_id AND s.due_at > platform_now();
    RETURN FOUND;
END
$$;

-- Counts the bytes of a file that takes the place of a former one (NULL: of none), and discards that.
-- The caller holds the lock of the bucket.
CREATE FUNCTION replace_bucket_file(p_bucket_name text, p_former_file_id uuid, p_former_bytes bigint,
                                    p_size_bytes bigint) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE buckets b SET used_bytes = b.used_bytes - coalesce(p_former_bytes, 0) + p_size_bytes
    WHERE b.bucket_name = p_bucket_name;
    IF p_former_file_id IS NOT NULL THEN
        PERFORM discard_bucket_file(p_former_file_id, p_bucket_name);
    END IF;
END
$$;

-- Makes a file that was taken from the strays the key's object, in the place of the former one. The
-- caller holds the lock of the bucket.
CREATE FUNCTION put_bucket_object(p_bucket_name text, p_object_key text, p_file_id uuid,
                                  p_size_bytes bigint, p_etag text, p_content_type text,
                                  p_headers text, p_upload_id uuid, p_former bucket_objects)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO bucket_objects AS o
        (bucket_name, object_key, file_id, size_bytes, etag, content_type, headers, upload_id)
    VALUES (p_bucket_name, p_object_key, p_file_id, p_size_bytes, p_etag, p_content_type, p_headers,
            p_upload_id)
    ON CONFLICT (bucket_name, object_key) DO UPDATE
        SET file_id = excluded.file_id, size_bytes = excluded.size_bytes, etag = excluded.etag,
            content_type = excluded.content_type, headers = excluded.headers,
            upload_id = excluded.upload_id, stored_at = excluded.stored_at;
    PERFORM replace_bucket_file(p_bucket_name, p_former.file_id, p_former.size_bytes, p_size_bytes);
END
$$;

-- Puts the file in the place of the key's object: STORED, QUOTA_EXCEEDED, EXISTS (and p_only_new
-- forbids to replace it) or TOO_LATE.
CREATE FUNCTION store_bucket_object(p_bucket_name text, p_object_key text, p_file_id uuid,
                                    p_size_bytes bigint, p_etag text, p_content_type text,
                                    p_headers text, p_only_new boolean, p_bytes_max bigint)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    bucket buckets;
    former bucket_objects;
BEGIN
    SELECT * INTO bucket FROM buckets b WHERE b.bucket_name = p_bucket_name FOR UPDATE;
    SELECT * INTO former FROM bucket_objects o
    WHERE o.bucket_name = p_bucket_name AND o.object_key = p_object_key;
    IF p_only_new AND former.file_id IS NOT NULL THEN
        PERFORM discard_bucket_file(p_file_id, p_bucket_name);
        RETURN 'EXISTS';
    END IF;
    IF bucket.used_bytes - coalesce(former.size_bytes, 0) + p_size_bytes > p_bytes_max THEN
        PERFORM discard_bucket_file(p_file_id, p_bucket_name);
        RETURN 'QUOTA_EXCEEDED';
    END IF;
    IF NOT take_bucket_file(p_file_id) THEN
        RETURN 'TOO_LATE';
    END IF;
    PERFORM put_bucket_object(p_bucket_name, p_object_key, p_file_id, p_size_bytes, p_etag,
                              p_content_type, p_headers, NULL, former);
    RETURN 'STORED';
END
$$;

-- Begins a multipart upload; false when so many are open already.
CREATE FUNCTION begin_bucket_upload(p_upload_id uuid, p_bucket_name text, p_object_key text,
                                    p_content_type text, p_headers text, p_open_max integer)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM 1 FROM buckets b WHERE b.bucket_name = p_bucket_name FOR UPDATE;
    IF (SELECT count(*) FROM bucket_uploads u WHERE u.bucket_name = p_bucket_name) >= p_open_max THEN
        RETURN false;
    END IF;
    INSERT INTO bucket_uploads (upload_id, bucket_name, object_key, content_type, headers)
    VALUES (p_upload_id, p_bucket_name, p_object_key, p_content_type, p_headers);
    RETURN true;
END
$$;

-- STORED, QUOTA_EXCEEDED, TOO_LATE or NO_SUCH_UPLOAD.
CREATE FUNCTION store_bucket_part(p_bucket_name text, p_object_key text, p_upload_id uuid,
                                  p_part_number integer, p_file_id uuid, p_size_bytes bigint,
                                  p_etag text, p_bytes_max bigint)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    bucket buckets;
    former bucket_parts;
BEGIN
    SELECT * INTO bucket FROM buckets b WHERE b.bucket_name = p_bucket_name FOR UPDATE;
    PERFORM 1 FROM bucket_uploads u
    WHERE u.upload_id = p_upload_id AND u.bucket_name = p_bucket_name AND u.object_key = p_object_key;
    IF NOT FOUND THEN
        PERFORM discard_bucket_file(p_file_id, p_bucket_name);
        RETURN 'NO_SUCH_UPLOAD';
    END IF;
    SELECT * INTO former FROM bucket_parts p
    WHERE p.upload_id = p_upload_id AND p.part_number = p_part_number;
    IF bucket.used_bytes - coalesce(former.size_bytes, 0) + p_size_bytes > p_bytes_max THEN
        PERFORM discard_bucket_file(p_file_id, p_bucket_name);
        RETURN 'QUOTA_EXCEEDED';
    END IF;
    IF NOT take_bucket_file(p_file_id) THEN
        RETURN 'TOO_LATE';
    END IF;
    INSERT INTO bucket_parts (upload_id, part_number, file_id, size_bytes, etag)
    VALUES (p_upload_id, p_part_number, p_file_id, p_size_bytes, p_etag)
    ON CONFLICT (upload_id, part_number) DO UPDATE
        SET file_id = excluded.file_id, size_bytes = excluded.size_bytes, etag = excluded.etag,
            stored_at = excluded.stored_at;
    PERFORM replace_bucket_file(p_bucket_name, former.file_id, former.size_bytes, p_size_bytes);
    RETURN 'STORED';
END
$$;

-- Ends a multipart upload and discards its parts. The caller holds the lock of its bucket.
CREATE FUNCTION end_bucket_upload(p_upload_id uuid, p_bucket_name text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    freed bigint;
BEGIN
    PERFORM discard_bucket_file(p.file_id, p_bucket_name) FROM bucket_parts p WHERE p.upload_id = p_upload_id;
    SELECT coalesce(sum(p.size_bytes), 0) INTO freed FROM bucket_parts p WHERE p.upload_id = p_upload_id;
    DELETE FROM bucket_uploads u WHERE u.upload_id = p_upload_id;
    UPDATE buckets b SET used_bytes = b.used_bytes - freed WHERE b.bucket_name = p_bucket_name;
END
$$;

-- Makes the file that was put together of its parts the key's object: STORED, DONE (another call
-- did it before, with this ETag), TOO_LATE or NO_SUCH_UPLOAD. It is not larger than its parts, which it
-- replaces, so no quota can be exceeded.
CREATE FUNCTION complete_bucket_upload(p_bucket_name text, p_object_key text, p_upload_id uuid,
                                       p_file_id uuid, p_size_bytes bigint, p_etag text)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    upload bucket_uploads;
    former bucket_objects;
BEGIN
    PERFORM 1 FROM buckets b WHERE b.bucket_name = p_bucket_name FOR UPDATE;
    SELECT * INTO upload FROM bucket_uploads u
    WHERE u.upload_id = p_upload_id AND u.bucket_name = p_bucket_name AND u.object_key = p_object_key;
    SELECT * INTO former FROM bucket_objects o
    WHERE o.bucket_name = p_bucket_name AND o.object_key = p_object_key;
    IF upload.upload_id IS NULL THEN
        PERFORM discard_bucket_file(p_file_id, p_bucket_name);
        RETURN CASE WHEN former.upload_id = p_upload_id AND former.etag = p_etag THEN 'DONE'
                    ELSE 'NO_SUCH_UPLOAD' END;
    END IF;
    IF NOT take_bucket_file(p_file_id) THEN
        RETURN 'TOO_LATE';
    END IF;
    PERFORM end_bucket_upload(p_upload_id, p_bucket_name);
    PERFORM put_bucket_object(p_bucket_name, p_object_key, p_file_id, p_size_bytes, p_etag,
                              upload.content_type, upload.headers, p_upload_id, former);
    RETURN 'STORED';
END
$$;

-- False: there is no such upload.
CREATE FUNCTION abort_bucket_upload(p_bucket_name text, p_object_key text, p_upload_id uuid)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM 1 FROM buckets b WHERE b.bucket_name = p_bucket_name FOR UPDATE;
    PERFORM 1 FROM bucket_uploads u
    WHERE u.upload_id = p_upload_id AND u.bucket_name = p_bucket_name AND u.object_key = p_object_key;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM end_bucket_upload(p_upload_id, p_bucket_name);
    RETURN true;
END
$$;

-- Returns how many of the keys had an object.
CREATE FUNCTION delete_bucket_objects(p_bucket_name text, p_object_keys text[]) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    deleted integer;
    freed bigint;
BEGIN
    PERFORM 1 FROM buckets b WHERE b.bucket_name = p_bucket_name FOR UPDATE;
    WITH gone AS (
        DELETE FROM bucket_objects o
        WHERE o.bucket_name = p_bucket_name AND o.object_key = ANY (p_object_keys)
        RETURNING o.file_id, o.size_bytes
    ),
    discarded AS (
        INSERT INTO bucket_strays (file_id, bucket_name, due_at)
        SELECT g.file_id, p_bucket_name, platform_now() FROM gone g
    )
    SELECT count(*), coalesce(sum(g.size_bytes), 0) INTO deleted, freed FROM gone g;
    UPDATE buckets b SET used_bytes = b.used_bytes - freed WHERE b.bucket_name = p_bucket_name;
    RETURN deleted;
END
$$;

-- Behind every key that begins with the text and has at most 1,024 bytes.
CREATE FUNCTION behind_prefix(p_prefix text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT p_prefix || repeat(chr(1114111), 256) $$;

-- The keys behind p_after that begin with p_prefix, in order, at most p_limit entries. With a delimiter,
-- keys that have it behind the prefix are one entry for all that are the same up to it.
CREATE FUNCTION list_bucket_objects(p_bucket_name text, p_prefix text, p_delimiter text, p_after text,
                                    p_limit integer)
RETURNS TABLE (entry text, is_prefix boolean, size_bytes bigint, etag text, stored_at timestamptz)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    place text COLLATE "C" := p_after;
    found_key bucket_objects;
    split integer;
    entries integer := 0;
BEGIN
    IF p_delimiter = '' THEN
        RETURN QUERY
        SELECT o.object_key::text, false, o.size_bytes, o.etag, o.stored_at FROM bucket_objects o
        WHERE o.bucket_name = p_bucket_name AND o.object_key > place AND o.object_key >= p_prefix
          AND o.object_key <= behind_prefix(p_prefix)
        ORDER BY o.object_key LIMIT p_limit;
        RETURN;
    END IF;
    WHILE entries < p_limit LOOP
        SELECT * INTO found_key FROM bucket_objects o
        WHERE o.bucket_name = p_bucket_name AND o.object_key > place AND o.object_key >= p_prefix
          AND o.object_key <= behind_prefix(p_prefix)
        ORDER BY o.object_key LIMIT 1;
        EXIT WHEN NOT FOUND;
        split := strpos(substr(found_key.object_key, length(p_prefix) + 1), p_delimiter);
        is_prefix := split > 0;
        entry := found_key.object_key;
        IF is_prefix THEN
            entry := left(entry, length(p_prefix) + split - 1 + length(p_delimiter));
        END IF;
        place := CASE WHEN is_prefix THEN behind_prefix(entry) ELSE entry END;
        size_bytes := found_key.size_bytes;
        etag := found_key.etag;
        stored_at := found_key.stored_at;
        entries := entries + 1;
        RETURN NEXT;
    END LOOP;
END
$$;

-- What has been kept for long enough goes: some objects, and one multipart upload that nobody ended. A
-- number of days of null is for ever. Returns how many went.
CREATE FUNCTION expire_bucket_objects(p_object_days integer, p_upload_days integer) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    old record;
    gone integer := 0;
BEGIN
    FOR old IN
        SELECT o.bucket_name, array_agg(o.object_key::text) AS object_keys
        FROM (SELECT * FROM bucket_objects k
              WHERE k.stored_at <= platform_now() - p_object_days * interval '1 day'
              ORDER BY k.stored_at LIMIT 100) AS o
        GROUP BY o.bucket_name ORDER BY o.bucket_name
    LOOP
        gone := gone + delete_bucket_objects(old.bucket_name, old.object_keys);
    END LOOP;
    FOR old IN
        SELECT u.* FROM bucket_uploads u
        WHERE u.begun_at <= platform_now() - p_upload_days * interval '1 day'
        ORDER BY u.begun_at LIMIT 1
    LOOP
        IF abort_bucket_upload(old.bucket_name, old.object_key, old.upload_id) THEN
            gone := gone + 1;
        END IF;
    END LOOP;
    RETURN gone;
END
$$;
