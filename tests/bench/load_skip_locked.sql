-- The smallest queue that there is, frozen: what claims are compared with.
\set ON_ERROR_STOP on
CREATE TABLE bare_queue (id bigint PRIMARY KEY, state text NOT NULL, payload uuid NOT NULL);
INSERT INTO bare_queue SELECT n, 'ready', gen_random_uuid() FROM generate_series(1, :items) AS n;
CREATE INDEX bare_queue_ready ON bare_queue (id) WHERE state = 'ready';
VACUUM (ANALYZE) bare_queue;
