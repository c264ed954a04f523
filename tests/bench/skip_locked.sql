WITH claimed AS (
    UPDATE bare_queue SET state = 'running' WHERE id IN
        (SELECT id FROM bare_queue WHERE state = 'ready' ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED)
    RETURNING id)
SELECT array_agg(id)::text AS ids FROM claimed \gset
UPDATE bare_queue SET state = 'done' WHERE id = ANY (:ids::bigint[]);
