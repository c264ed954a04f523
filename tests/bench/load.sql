-- Fills a freshly migrated database: :runs runs of 10 items by 100 users of 10 organisations.
--
-- Run number i (0 … :runs - 1) has the id 01900000-0000-7000-8000-00000 || (1000000 + i) and belongs to user i % 100. One run in
-- ten is waiting, its first item as if it had come back; the others have ended. The data is the same each time.
\set ON_ERROR_STOP on
SET session_replication_role = replica; -- no foreign key is checked row by row
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';

INSERT INTO organizations (organization_id, name)
SELECT 'org-' || n, 'Organisation ' || n FROM generate_series(0, 9) AS n;

INSERT INTO users (user_id, organization_id, email, name)
SELECT 'user-' || n, 'org-' || n % 10, 'user-' || n || '@example.org', 'User ' || n
FROM generate_series(0, 99) AS n;

INSERT INTO applications (application_id, name, description, regulatory_classes)
VALUES ('bench-app', 'Bench', 'Fills the lists', '{RUO}');

INSERT INTO application_versions (version_id, application_id, number, precedence, changelog,
                                  released_at, folder, manifest, input_artifacts, output_artifacts,
                                  input_names, for_everyone, cpus, memory_bytes, gpus)
VALUES ('01900000-0000-7000-8000-0000000000aa', 'bench-app', '1.0.0', '1', 'First', '2026-01-01Z',
        '/nowhere', '{}', '[{"name": "whole_slide_image", "mime_type": "image/tiff", "metadata_schema": {"type": "object", "required": ["checksum_base64_crc32c"], "properties": {"width_px": {"type": "integer", "minimum": 1}, "media_type": {"enum": ["image/tiff", "application/octet-stream"]}}}}]',
        '[]', '{"whole_slide_image": "whole_slide_image"}', true, 1, 1, 0);
INSERT INTO resource_classes (cpus, memory_bytes, gpus) VALUES (1, 1, 0);

INSERT INTO workers (worker_id, name, slots, lease_expires_at)
VALUES ('01900000-0000-7000-8000-0000000000bb', 'bench', 64, 'infinity');

CREATE TEMPORARY TABLE made AS
SELECT i, ('0190000000007000800000000' || 1000000 + i)::uuid AS run_id, i / 100 % 10 = 0 AS waiting,
       '2026-01-01T00:00:00Z'::timestamptz + i * interval '37 seconds' AS submitted_at,
       format('{"study": "study-%s", "case": %s, "site": "pathology %s"}', i % 37, i, i % 7) AS metadata
FROM generate_series(0, :runs - 1) AS i;

INSERT INTO runs (run_id, application_id, version_id, version_number, organization_id, submitted_by,
                  submitted_at, custom_metadata, custom_metadata_text, custom_metadata_checksum)
SELECT run_id, 'bench-app', '01900000-0000-7000-8000-0000000000aa', '1.0.0', 'org-' || i % 10,
       'user-' || i % 100, submitted_at, metadata::jsonb, metadata, md5(metadata)
FROM made;

INSERT INTO run_progress (run_id, state, termination_reason, terminated_at, item_count,
                          next_ordinal, pending_count, user_error_count, succeeded_count)
SELECT run_id,
       CASE WHEN waiting THEN 'PENDING' ELSE 'TERMINATED' END,
       CASE WHEN NOT waiting THEN 'ALL_ITEMS_PROCESSED' END,
       CASE WHEN NOT waiting THEN submitted_at + interval '1 hour' END,
       10, CASE WHEN waiting THEN 1 ELSE 10 END, waiting::integer * 10, (NOT waiting)::integer, (NOT waiting)::integer * 9
FROM made;

CREATE TEMPORARY TABLE made_items AS
SELECT m.run_id, m.waiting, m.submitted_at, n AS ordinal, m.i * 10 + n AS number,
       ('019000000001700080000000' || 10000000 + m.i * 10 + n)::uuid AS item_id,
       ('019000000002700080000000' || 10000000 + m.i * 10 + n)::uuid AS attempt_id
FROM made m, generate_series(0, 9) AS n;

INSERT INTO items (item_id, run_id, ordinal, external_id, state, termination_reason, error_code,
                   error_message, terminated_at, attempt_id, attempt_count)
SELECT item_id, run_id, ordinal, 'slide-' || ordinal,
       CASE WHEN waiting THEN 'PENDING' ELSE 'TERMINATED' END,
       CASE WHEN waiting THEN NULL WHEN ordinal = 9 THEN 'USER_ERROR' ELSE 'SUCCEEDED' END,
       NULL, CASE WHEN NOT waiting AND ordinal = 9 THEN 'The slide could not be read.' END,
       CASE WHEN NOT waiting THEN submitted_at + interval '1 hour' END,
       CASE WHEN NOT waiting THEN attempt_id END, (NOT waiting)::integer
FROM made_items;

INSERT INTO input_artifacts (input_artifact_id, item_id, ordinal, name, download_url, metadata)
SELECT ('019000000003700080000000' || 10000000 + number)::uuid, item_id, 0, 'whole_slide_image',
       'https://slides.example.org/' || number, '{"media_type": "image/tiff"}'
FROM made_items;

INSERT INTO attempts (attempt_id, item_id, run_id, number, worker_id, started_at, ended_at, outcome)
SELECT attempt_id, item_id, run_id, 1, '01900000-0000-7000-8000-0000000000bb', submitted_at,
       submitted_at + interval '1 hour', CASE WHEN ordinal = 9 THEN 'USER_ERROR' ELSE 'SUCCEEDED' END
FROM made_items WHERE NOT waiting;
UPDATE attempts SET objects_swept_at = ended_at WHERE outcome <> 'SUCCEEDED' AND number = 1
    AND run_id <> '01900000-0000-7000-8000-000001000100';

INSERT INTO output_artifacts (output_artifact_id, item_id, run_id, attempt_id, ordinal, name, mime_type,
                              metadata, object_key, size_bytes, checksum_base64_crc32c, created_at)
SELECT ('019000000004700080000000' || 10000000 + number)::uuid, item_id, run_id, attempt_id, 0,
       'tissue_qc:csv', 'text/csv', '{"media_type": "text/csv"}',
       'artifacts/' || run_id || '/' || item_id || '/' || attempt_id || '/tissue_qc_csv', 1000,
       'AAAAAA==', submitted_at + interval '1 hour'
FROM made_items WHERE NOT waiting AND ordinal < 9;

INSERT INTO requeued_items (item_id, run_id, ordinal, ready_at)
SELECT item_id, run_id, ordinal, submitted_at FROM made_items WHERE waiting AND ordinal = 0;
INSERT INTO waiting_runs (run_id, organization_id, resource_class, due_date, submitted_at)
SELECT run_id, 'org-' || i % 10, 1, 'infinity', submitted_at FROM made WHERE waiting;
INSERT INTO organization_turns (organization_id, virtual_time, own_virtual_time, platform_virtual_time, active,
                                head_due_date, head_submitted_at, head_run_id)
SELECT DISTINCT ON (organization_id) organization_id, 0, 0, 0, true, due_date, submitted_at, run_id
FROM waiting_runs ORDER BY organization_id, due_date, submitted_at, run_id;

-- Of the ended runs, and of each waiting one a deadline that nobody meets.
INSERT INTO retained_runs (run_id, ended_at)
SELECT run_id, submitted_at + interval '1 hour' FROM made WHERE NOT waiting;
INSERT INTO run_deadlines (run_id, deadline)
SELECT run_id, submitted_at + interval '100 years' FROM made WHERE waiting;

INSERT INTO audit (at, actor, action, organization_id, run_id)
SELECT submitted_at, 'user-' || i % 100, 'run.created', 'org-' || i % 10, run_id FROM made;

-- A share token for each run, and a grant that gives it to the token's holder; besides, each run is
-- shared with a user of another organisation.
INSERT INTO share_tokens (share_token_id, token_hash, created_by, organization_id, created_at)
SELECT ('019000000005700080000000' || 10000000 + i)::uuid, encode(sha256(i::text::bytea), 'hex'),
       'user-' || i % 100, 'org-' || i % 10, submitted_at
FROM made;
INSERT INTO grants (grant_id, run_id, run_submitted_by, run_organization_id, subject_type, subject_id,
                    subject, created_by, created_at)
SELECT ('019000000006700080000000' || 10000000 + i)::uuid, run_id, 'user-' || i % 100,
       'org-' || i % 10, 'share_token', '01900000-0005-7000-8000-0000' || 10000000 + i,
       'share_token:01900000-0005-7000-8000-0000' || 10000000 + i, 'user-' || i % 100, submitted_at
FROM made
UNION ALL
SELECT ('019000000007700080000000' || 10000000 + i)::uuid, run_id, 'user-' || i % 100,
       'org-' || i % 10, 'user', 'user-' || (i + 1) % 100, 'user:user-' || (i + 1) % 100,
       'user-' || i % 100, submitted_at
FROM made;

VACUUM (ANALYZE);

-- Upload buckets: 200,000 objects of three organisations, and multipart uploads that are under way.
INSERT INTO buckets (bucket_name, organization_id, access_key_id, sealed_secret, used_bytes)
SELECT 'bucket-' || n, 'org-' || n, 'SLDWAAAAAAAAAAAAAAA' || n, 'sealed', 1000000000 FROM generate_series(1, 3) AS n;
INSERT INTO bucket_objects (bucket_name, object_key, file_id, size_bytes, etag, content_type, headers, stored_at)
SELECT 'bucket-' || n % 3 + 1, format('folder-%s/slide-%s.tiff', n % 100, n),
       ('01900000-000a-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 1000, repeat('0', 32), 'image/tiff', '',
       now() - n * interval '10 seconds'
FROM generate_series(1, 200000) AS n;
INSERT INTO bucket_uploads (upload_id, bucket_name, object_key, content_type, headers, begun_at)
SELECT ('01900000-0009-7000-8000-' || lpad(n::text, 12, '0'))::uuid, CASE n % 100 WHEN 21 THEN 'bucket-1' ELSE 'bucket-2' END,
       CASE n WHEN 321 THEN 'folder-7/slide-321.tiff' ELSE format('folder-%s/slide-%s.tiff', n % 100, n) END,
       'image/tiff', '', now() - n * interval '10 seconds'
FROM generate_series(1, 10000) AS n;
INSERT INTO bucket_parts (upload_id, part_number, file_id, size_bytes, etag)
SELECT u.upload_id, p, gen_random_uuid(), 1000, repeat('0', 32) FROM bucket_uploads u, generate_series(1, 10) AS p;
INSERT INTO bucket_strays (file_id, bucket_name, due_at)
SELECT ('01900000-000c-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'bucket-1', now() + n * interval '1 second'
FROM generate_series(1, 50000) AS n;
INSERT INTO refused_objects (object_key, retry_at)
SELECT 'artifacts/' || n, now() + n * interval '1 second' FROM generate_series(1, 50000) AS n;
ANALYZE buckets, bucket_objects, bucket_uploads, bucket_parts, bucket_strays, refused_objects;
