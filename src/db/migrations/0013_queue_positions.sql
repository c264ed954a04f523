-- Where what waits stands in the queue, as the leader works it out once a second (docs/scheduling.md).
-- Only what has changed by some percent is written. Lost in a crash and made again a second later.

-- curve: knots of (place among the run's waiting items, items before it in the organisation, items
-- before it on the platform), straight between them.
CREATE UNLOGGED TABLE queue_positions (
    run_id uuid PRIMARY KEY,
    curve  integer[] NOT NULL CHECK (cardinality(curve) BETWEEN 3 AND 96 AND cardinality(curve) % 3 = 0)
) WITH (fillfactor = 50);

-- What a run would have before it that its organisation submits now; until the leader has seen it.
CREATE UNLOGGED TABLE queue_tails (
    organization_id    text COLLATE "C" PRIMARY KEY,
    organization_items integer NOT NULL,
    platform_items     integer NOT NULL
) WITH (fillfactor = 50);

-- The curve of a run in which something waits. Statements call it only for such a run: what has ended
-- pays nothing for it.
CREATE FUNCTION run_queue_curve(p_run_id uuid, p_organization_id text) RETURNS integer[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    found_curve integer[];
BEGIN
    SELECT q.curve INTO found_curve FROM queue_positions q WHERE q.run_id = p_run_id;
    IF NOT FOUND THEN
        SELECT ARRAY[0, t.organization_items, t.platform_items] INTO found_curve
        FROM queue_tails t WHERE t.organization_id = p_organization_id;
    END IF;
    RETURN coalesce(found_curve, '{0,0,0}');
END
$$;

-- The place of an item that came back among the waiting items of its run; those start first.
CREATE FUNCTION requeued_place(p_item_id uuid) RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT count(e.item_id)
            FROM requeued_items r
            LEFT JOIN requeued_items e ON e.run_id = r.run_id
                                      AND (e.ready_at, e.ordinal) < (r.ready_at, r.ordinal)
            WHERE r.item_id = p_item_id);
END
$$;

-- What follows is for the leader. Its plans are by index whatever the statistics say: these tables are
-- small at one time and full of dead rows at another.

-- Where the platform is, the slots of all living workers, and how many of them are taken.
CREATE FUNCTION queue_facts(OUT virtual_time bigint, OUT slot_count bigint, OUT processing_count bigint)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
BEGIN
    virtual_time := coalesce((SELECT o.platform_virtual_time FROM organization_turns o
                              ORDER BY o.turn DESC LIMIT 1), 0);
    SELECT coalesce(sum(w.slots), 0) INTO slot_count FROM workers w
    WHERE w.ended_at IS NULL AND w.lease_expires_at > platform_now();
    SELECT count(*) INTO processing_count
    FROM workers w JOIN attempts a ON a.worker_id = w.worker_id AND a.ended_at IS NULL
    WHERE w.ended_at IS NULL;
END
$$;

-- In the order of the array; one that was never served has no virtual time.
CREATE FUNCTION queued_organizations(p_organization_ids text[])
RETURNS TABLE (organization_id text, weight integer, virtual_time bigint, organization_items integer,
               platform_items integer)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT o.organization_id, o.weight, t.own_virtual_time, q.organization_items, q.platform_items
    FROM unnest(p_organization_ids) WITH ORDINALITY AS wanted (organization_id, place)
    JOIN organizations o ON o.organization_id = wanted.organization_id
    LEFT JOIN LATERAL (SELECT n.own_virtual_time FROM organization_turns n
                       WHERE n.organization_id = wanted.organization_id
                       ORDER BY n.turn DESC LIMIT 1) AS t ON true
    LEFT JOIN queue_tails q ON q.organization_id = wanted.organization_id
    ORDER BY wanted.place;
END
$$;

-- Of runs and organisations of which nothing waits any more.
CREATE FUNCTION forget_queue_positions() RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
BEGIN
    DELETE FROM queue_positions q
    WHERE coalesce((SELECT p.pending_count FROM run_progress p WHERE p.run_id = q.run_id), 0) = 0;
    DELETE FROM queue_tails t
    WHERE (SELECT w.run_id FROM waiting_runs w WHERE w.organization_id = t.organization_id LIMIT 1) IS NULL
      AND (SELECT s.run_id FROM stranded_runs s WHERE s.organization_id = t.organization_id LIMIT 1) IS NULL;
END
$$;
