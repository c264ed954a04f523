-- Fills a freshly migrated database with a queue: :runs runs of :items items, all waiting, by 100 users
-- of :organizations organisations; :manifest is the application's. The data is the same each time.
\set ON_ERROR_STOP on
SET session_replication_role = replica; -- no foreign key is checked row by row
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';

INSERT INTO organizations (organization_id, name)
SELECT 'org-' || n, 'Organisation ' || n FROM generate_series(0, :organizations - 1) AS n;
INSERT INTO users (user_id, organization_id)
SELECT 'user-' || n, 'org-' || n % :organizations FROM generate_series(0, 99) AS n;
INSERT INTO applications (application_id, name, description, regulatory_classes)
VALUES ('bench-app', 'Bench', 'Fills the queue', '{RUO}');
INSERT INTO application_versions (version_id, application_id, number, precedence, changelog,
                                  released_at, folder, manifest, input_artifacts, output_artifacts,
                                  input_names, for_everyone, cpus, memory_bytes, gpus)
VALUES ('01900000-0000-7000-8000-0000000000aa', 'bench-app', '1.0.0', '1', 'First', '2026-01-01Z',
        '/nowhere', :'manifest', '[]', '[]', '{"whole_slide_image": "whole_slide_image"}', true, 1, 1000000, 0);
-- One worker for each client of pgbench.
INSERT INTO workers (worker_id, name, slots, lease_expires_at)
SELECT ('01900000-0000-7000-8000-00000000bb0' || n)::uuid, 'bench-' || n, 64, 'infinity'
FROM generate_series(0, 7) AS n;

INSERT INTO resource_classes (cpus, memory_bytes, gpus) VALUES (1, 1000000, 0);
-- They begin with the time, as the ids do that the programs make.
CREATE FUNCTION new_ids(p_count integer) RETURNS uuid[] LANGUAGE sql AS $$
    SELECT array_agg((start || lpad(to_hex(n), 12, '0'))::uuid)
    FROM (SELECT '0' || to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint)
                 || substr(gen_random_uuid()::text, 15, 10)) AS made (start), generate_series(1, p_count) AS n
$$;

CREATE TEMPORARY TABLE made AS
SELECT i, ('0190000000007000800000000' || 1000000 + i)::uuid AS run_id, 'org-' || i % :organizations AS organization_id,
       'user-' || i % 100 AS user_id, '2026-01-01T00:00:00Z'::timestamptz + i * interval '37 seconds' AS submitted_at
FROM generate_series(0, :runs - 1) AS i;
INSERT INTO runs (run_id, application_id, version_id, version_number, organization_id, submitted_by,
                  submitted_at)
SELECT run_id, 'bench-app', '01900000-0000-7000-8000-0000000000aa', '1.0.0', organization_id, user_id,
       submitted_at
FROM made;
INSERT INTO run_progress (run_id, item_count, pending_count) SELECT run_id, :items, :items FROM made;

CREATE TEMPORARY TABLE made_items AS
SELECT m.run_id, n AS ordinal, m.i * :items + n AS number,
       ('01900000000170008000' || lpad((m.i * :items + n)::text, 12, '0'))::uuid AS item_id
FROM made m, generate_series(0, :items - 1) AS n;
INSERT INTO items (item_id, run_id, ordinal, external_id)
SELECT item_id, run_id, ordinal, 'slide-' || ordinal FROM made_items;
INSERT INTO input_artifacts (input_artifact_id, item_id, ordinal, name, download_url, metadata)
SELECT ('01900000000370008000' || lpad(number::text, 12, '0'))::uuid, item_id, 0, 'whole_slide_image',
       'https://slides.example.org/' || number, '{"media_type": "image/tiff"}'
FROM made_items;

INSERT INTO waiting_runs (run_id, organization_id, resource_class, due_date, submitted_at)
SELECT run_id, organization_id, 1, 'infinity', submitted_at FROM made;
INSERT INTO organization_turns (organization_id, virtual_time, own_virtual_time, platform_virtual_time, active,
                                head_due_date, head_submitted_at, head_run_id)
SELECT DISTINCT ON (organization_id) organization_id, 0, 0, 0, true, due_date, submitted_at, run_id
FROM waiting_runs ORDER BY organization_id, due_date, submitted_at, run_id;
INSERT INTO quota_usage (scope, subject_id, open_items, month, month_items)
SELECT 'organization', organization_id, count(*) * :items, '2026-01-01Z'::timestamptz, 0 FROM made GROUP BY 2
UNION ALL
SELECT 'user', user_id, count(*) * :items, '2026-01-01Z'::timestamptz, 0 FROM made GROUP BY 2;

VACUUM (ANALYZE);
