-- The queue: whose item is next. The rule and its reasons are in docs/scheduling.md.
--
-- All that decides is done under one lock, lock_queue, which only claims and the end of a worker
-- take; whoever brings work in adds a row to arrivals and waits for nobody. Locks in the one order:
-- the queue, the worker, run_progress (by run_id), items. A claim locks runs in another order and so
-- waits for one only while it has none.
--
-- Dead rows stay as long as an old snapshot is open (a dump, a long report), so nothing that is read
-- at every claim may be a row that every claim changes: a new row with a higher number takes its
-- place, and the look-up begins at the newest end or at a floor.

-- How many items of a run may be in work; the leader computes it once a second.
CREATE TABLE queue_limits (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    batch_limit integer NOT NULL CHECK (batch_limit >= 1)
);
INSERT INTO queue_limits (batch_limit) VALUES (4);

-- A run has something to claim from ready_at on: it is new, or an item came back. A claim lets it in.
CREATE TABLE arrivals (
    arrival_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id     uuid NOT NULL,
    ready_at   timestamptz NOT NULL
);
CREATE INDEX arrivals_in_order ON arrivals (ready_at);

-- What one item may need of a worker: one row for each that a version of an application has ever asked
-- for. Versions never change, and few differ in this.
CREATE TABLE resource_classes (
    resource_class integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cpus           integer NOT NULL,
    memory_bytes   bigint NOT NULL,
    gpus           integer NOT NULL,
    UNIQUE (cpus, memory_bytes, gpus)
);

CREATE FUNCTION add_resource_class() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO resource_classes (cpus, memory_bytes, gpus) VALUES (NEW.cpus, NEW.memory_bytes, NEW.gpus)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER versions_have_a_resource_class
    AFTER INSERT ON application_versions
    FOR EACH ROW EXECUTE FUNCTION add_resource_class();

-- Whether an item of the class fits into the worker; what it did not say is no limit.
CREATE FUNCTION worker_fits(worker workers, class resource_classes) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce(class.cpus <= worker.cpus, true)
       AND coalesce(class.memory_bytes <= worker.memory_bytes, true)
       AND coalesce(class.gpus <= worker.gpus, true)
$$;

-- Whether an item of the class fits into a worker that lives.
CREATE FUNCTION class_is_runnable(class resource_classes) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (SELECT FROM workers w
                   WHERE w.ended_at IS NULL AND w.lease_expires_at > platform_now() AND worker_fits(w, class))
$$;

-- Runs with an item whose time has come, in the order inside their organisation. Of a run's items
-- that were never tried only the first one's ordinal is kept, run_progress.next_ordinal.
CREATE TABLE waiting_runs (
    run_id          uuid PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    resource_class  integer NOT NULL,
    due_date        timestamptz NOT NULL, -- infinity: none
    submitted_at    timestamptz NOT NULL
);
CREATE INDEX waiting_runs_in_order ON waiting_runs (organization_id, due_date, submitted_at, run_id);
CREATE INDEX waiting_runs_by_class ON waiting_runs (resource_class, organization_id, due_date, submitted_at, run_id);

-- Waiting runs of classes that fit into no living worker: set aside, so that no claim looks at them again
-- and again. They are let in anew when there is such a worker. No run is in both tables.
CREATE TABLE stranded_runs (LIKE waiting_runs, PRIMARY KEY (run_id));
CREATE INDEX stranded_runs_by_class ON stranded_runs (resource_class);
CREATE INDEX stranded_runs_by_organization ON stranded_runs (organization_id);

-- Items that were tried and wait for another time.
CREATE TABLE requeued_items (
    item_id  uuid PRIMARY KEY,
    run_id   uuid NOT NULL,
    ordinal  integer NOT NULL,
    ready_at timestamptz NOT NULL
);
CREATE INDEX requeued_items_in_order ON requeued_items (run_id, ready_at, ordinal);

-- Where an organisation stands; its row with the greatest turn counts and is the only one that
-- lives. Virtual times are in millionths of an item. platform_virtual_time is that of the platform
-- when the row was made; no active organisation stands before the newest one. own_virtual_time is what
-- its last turn left it at: of those that the platform's has overtaken, the one that waits for longest
-- is next. active: it has waiting runs, none before the head_… key.
CREATE TABLE organization_turns (
    turn                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id       text COLLATE "C" NOT NULL,
    virtual_time          bigint NOT NULL,
    own_virtual_time      bigint NOT NULL,
    platform_virtual_time bigint NOT NULL,
    active                boolean NOT NULL,
    head_due_date         timestamptz NOT NULL,
    head_submitted_at     timestamptz NOT NULL,
    head_run_id           uuid NOT NULL
);
CREATE INDEX organization_turns_newest ON organization_turns (organization_id, turn);
CREATE INDEX organization_turns_in_order ON organization_turns (virtual_time, own_virtual_time, organization_id)
    WHERE active;

CREATE FUNCTION lock_queue() RETURNS void
LANGUAGE sql
AS $$ SELECT pg_advisory_xact_lock(hashtext('slideway-queue')) $$;

-- Lets the runs in that have arrived since p_since, and their organisations with them: at the
-- platform's virtual time, so that idleness saves no credit up. The caller holds the queue. A claim
-- looks back a minute only and so meets few dead rows; the leader finds what was committed later.
CREATE FUNCTION admit_arrivals(p_since timestamptz) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    WITH arrived AS (
        DELETE FROM arrivals WHERE arrival_id IN
            (SELECT a.arrival_id FROM arrivals a
             WHERE a.ready_at > p_since AND a.ready_at <= platform_now() ORDER BY a.ready_at LIMIT 1000)
        RETURNING run_id
    ),
    entered AS (
        INSERT INTO waiting_runs (run_id, organization_id, resource_class, due_date, submitted_at)
        SELECT r.run_id, r.organization_id, c.resource_class, coalesce(r.due_date, 'infinity'), r.submitted_at
        FROM (SELECT DISTINCT run_id FROM arrived) AS a
        JOIN runs r ON r.run_id = a.run_id
        JOIN run_progress p ON p.run_id = a.run_id
        JOIN application_versions v ON v.version_id = r.version_id
        JOIN resource_classes c ON c.cpus = v.cpus AND c.memory_bytes = v.memory_bytes AND c.gpus = v.gpus
        WHERE p.pending_count > 0 AND NOT EXISTS (SELECT FROM stranded_runs s WHERE s.run_id = a.run_id)
        ON CONFLICT (run_id) DO NOTHING
        RETURNING *
    ),
    heads AS (
        SELECT DISTINCT ON (organization_id) * FROM entered
        ORDER BY organization_id, due_date, submitted_at, run_id
    ),
    known AS (
        SELECT h.organization_id, t.turn, t.virtual_time, t.own_virtual_time, coalesce(t.active, false) AS active,
               coalesce((h.due_date, h.submitted_at, h.run_id)
                        < (t.head_due_date, t.head_submitted_at, t.head_run_id), true) AS before_head
        FROM heads h
        LEFT JOIN LATERAL (SELECT * FROM organization_turns o WHERE o.organization_id = h.organization_id
                           ORDER BY o.turn DESC LIMIT 1) AS t ON true
    ),
    replaced AS (
        DELETE FROM organization_turns WHERE turn IN
            (SELECT k.turn FROM known k WHERE before_head OR NOT k.active)
    ),
    platform AS (
        SELECT coalesce((SELECT o.platform_virtual_time FROM organization_turns o
                         ORDER BY o.turn DESC LIMIT 1), 0) AS virtual_time
    )
    INSERT INTO organization_turns (organization_id, virtual_time, own_virtual_time, platform_virtual_time,
                                    active, head_due_date, head_submitted_at, head_run_id)
    SELECT h.organization_id, greatest(k.virtual_time, f.virtual_time),
           coalesce(k.own_virtual_time, f.virtual_time), f.virtual_time, true, h.due_date, h.submitted_at, h.run_id
    FROM heads h JOIN known k ON k.organization_id = h.organization_id, platform f
    WHERE k.before_head OR NOT k.active;
END
$$;

-- Takes up to p_wanted items of a run that has its turn, by their ordinals, which are null when another
-- transaction holds the run and the caller does not wait for it. A run that has just been cancelled
-- turns out to have nothing, leaves the queue and gives no ordinal.
CREATE FUNCTION take_items(p_run_id uuid, p_batch_limit integer, p_wanted integer, p_waits boolean,
                           OUT begins boolean, OUT ordinals integer[])
LANGUAGE plpgsql
AS $$
DECLARE
    run run_progress;
    room integer;
    untried integer;
    fresh integer;
    taken integer;
BEGIN
    IF p_waits THEN
        SELECT * INTO run FROM run_progress p WHERE p.run_id = p_run_id FOR UPDATE;
    ELSE
        SELECT * INTO run FROM run_progress p WHERE p.run_id = p_run_id FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
    begins := run.state = 'PENDING';
    ordinals := '{}';
    room := least(p_wanted, p_batch_limit - run.processing_count);
    untried := run.item_count - run.next_ordinal;
    IF run.pending_count > untried THEN
        WITH first_ones AS (
            DELETE FROM requeued_items WHERE item_id IN
                (SELECT q.item_id FROM requeued_items q
                 WHERE q.run_id = p_run_id AND q.ready_at <= platform_now()
                 ORDER BY q.ready_at, q.ordinal LIMIT room)
            RETURNING ready_at, ordinal
        )
        SELECT coalesce(array_agg(f.ordinal ORDER BY f.ready_at, f.ordinal), '{}') INTO ordinals
        FROM first_ones f;
    END IF;
    fresh := least(room - cardinality(ordinals), untried);
    taken := cardinality(ordinals) + fresh;
    FOR ordinal IN run.next_ordinal .. run.next_ordinal + fresh - 1 LOOP
        ordinals := ordinals || ordinal;
    END LOOP;
    IF run.pending_count = taken OR (untried = fresh AND taken < room) THEN
        DELETE FROM waiting_runs w WHERE w.run_id = p_run_id;
        -- What still waits for its time has an arrival of its own, unless the clock went back.
        INSERT INTO arrivals (run_id, ready_at)
        SELECT q.run_id, min(q.ready_at) FROM requeued_items q
        WHERE q.run_id = p_run_id AND run.pending_count > taken GROUP BY q.run_id;
    END IF;
END
$$;

-- The organisations of p_turns, in this order, pay for what they took. Others that stand before the last
-- of them had nothing to give: they go on from where the platform is now. The newest row is the last
-- one's or says the same.
CREATE FUNCTION charge_turns(p_platform_time bigint, p_turns bigint[], p_charges bigint[],
                             p_last_time bigint, p_last_own_time bigint, p_last_organization_id text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    WITH replaced AS (
        DELETE FROM organization_turns t
        WHERE t.active AND t.virtual_time >= p_platform_time
          AND (t.virtual_time, t.own_virtual_time, t.organization_id)
              <= (p_last_time, p_last_own_time, p_last_organization_id COLLATE "C")
          AND (t.virtual_time < p_last_time OR t.turn = ANY (p_turns))
        RETURNING t.*
    )
    INSERT INTO organization_turns (organization_id, virtual_time, own_virtual_time, platform_virtual_time,
                                    active, head_due_date, head_submitted_at, head_run_id)
    SELECT r.organization_id, coalesce(r.virtual_time + n.charge, p_last_time),
           coalesce(r.virtual_time + n.charge, r.own_virtual_time),
           CASE WHEN n.turn IS NULL THEN p_last_time ELSE r.virtual_time END, head.run_id IS NOT NULL,
           coalesce(head.due_date, r.head_due_date),
           coalesce(head.submitted_at, r.head_submitted_at), coalesce(head.run_id, r.head_run_id)
    FROM replaced r
    LEFT JOIN unnest(p_turns, p_charges) WITH ORDINALITY AS n (turn, charge, place) ON n.turn = r.turn
    LEFT JOIN LATERAL (
        SELECT w.* FROM waiting_runs w
        WHERE w.organization_id = r.organization_id
          AND (w.due_date, w.submitted_at, w.run_id)
              >= (r.head_due_date, r.head_submitted_at, r.head_run_id)
        ORDER BY w.due_date, w.submitted_at, w.run_id LIMIT 1) AS head ON true
    ORDER BY n.place;
END
$$;

-- Turns that follow each other: of the organisations that have had the least, each one's first run with
-- room gives items, until there are p_wanted or one that has had its turn would be next again. Each
-- item's run and ordinal are returned, and whether the caller may look for more. Only runs of p_classes
-- are looked at. p_served are the runs of the claim's earlier turns: each has given what it can, and
-- waits for the claim to count that. Only a claim without such a run waits for one of which an item is
-- just ending; who holds other runs must not.
CREATE FUNCTION take_turns(p_batch_limit integer, p_wanted integer, p_classes integer[], p_served uuid[],
                           OUT more boolean, OUT run_ids uuid[], OUT ordinals integer[],
                           OUT begun_run_ids uuid[])
LANGUAGE plpgsql
AS $$
DECLARE
    turn record;
    items record;
    charge bigint;
    turns bigint[] := '{}';
    charges bigint[] := '{}';
    next_time bigint; -- of those that have had their turns, the first one's
    next_organization_id text;
    last record;
BEGIN
    more := false;
    run_ids := '{}';
    ordinals := '{}';
    begun_run_ids := '{}';
    FOR turn IN
        WITH platform AS MATERIALIZED (
            SELECT o.platform_virtual_time AS now FROM organization_turns o ORDER BY o.turn DESC LIMIT 1
        )
        SELECT t.turn, t.organization_id, t.virtual_time, t.own_virtual_time, (SELECT now FROM platform) AS platform_time,
               (SELECT o.weight FROM organizations o
                WHERE o.organization_id = t.organization_id COLLATE "default"),
               r.run_id
        FROM organization_turns t
        CROSS JOIN LATERAL (
            SELECT f.run_id
            FROM unnest(p_classes) AS c (resource_class)
            CROSS JOIN LATERAL (
                SELECT w.run_id, w.due_date, w.submitted_at
                FROM waiting_runs w JOIN run_progress p ON p.run_id = w.run_id
                WHERE w.organization_id = t.organization_id AND w.resource_class = c.resource_class
                  AND p.processing_count < p_batch_limit AND w.run_id <> ALL (p_served)
                  AND (w.due_date, w.submitted_at, w.run_id)
                      >= (t.head_due_date, t.head_submitted_at, t.head_run_id)
                ORDER BY w.due_date, w.submitted_at, w.run_id LIMIT 1) AS f
            ORDER BY f.due_date, f.submitted_at, f.run_id LIMIT 1) AS r
        WHERE t.active AND t.virtual_time >= (SELECT now FROM platform)
        ORDER BY t.virtual_time, t.own_virtual_time, t.organization_id
        LIMIT (p_wanted + p_batch_limit - 1) / p_batch_limit
    LOOP
        more := true;
        EXIT WHEN (next_time, next_time, next_organization_id COLLATE "C")
                  < (turn.virtual_time, turn.own_virtual_time, turn.organization_id);
        items := take_items(turn.run_id, p_batch_limit, p_wanted - cardinality(ordinals),
                            p_served = '{}' AND ordinals = '{}');
        more := items.ordinals IS NOT NULL;
        EXIT WHEN items.ordinals = '{}' IS NOT FALSE;
        run_ids := run_ids || array_fill(turn.run_id, ARRAY[cardinality(items.ordinals)]);
        ordinals := ordinals || items.ordinals;
        IF items.begins THEN
            begun_run_ids := begun_run_ids || turn.run_id;
        END IF;
        charge := cardinality(items.ordinals) * 1000000::bigint / turn.weight;
        turns := turns || turn.turn;
        charges := charges || charge;
        IF next_time IS NULL OR (turn.virtual_time + charge, turn.organization_id COLLATE "C")
                                < (next_time, next_organization_id) THEN
            next_time := turn.virtual_time + charge;
            next_organization_id := turn.organization_id;
        END IF;
        last := turn;
        EXIT WHEN cardinality(ordinals) = p_wanted;
    END LOOP;
    IF turns <> '{}' THEN
        PERFORM charge_turns(last.platform_time, turns, charges, last.virtual_time, last.own_virtual_time,
                             last.organization_id);
    END IF;
END
$$;

-- Gives the worker up to p_count items, each with the next one of p_attempt_ids as its attempt. All
-- of a claim's attempts are of the worker's making, so that it knows them even when the answer is
-- lost. The plans are by index whatever the statistics say: these tables are small at one time and
-- full of dead rows at another.
CREATE FUNCTION claim_items(p_worker_id uuid, p_count integer, p_attempt_ids uuid[])
RETURNS TABLE (attempt_id uuid, attempt_number integer, item_id uuid, run_id uuid, external_id text,
               organization_id text, application_id text, version_number text, folder text,
               manifest text, input_artifacts text)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    wanted constant integer := least(p_count, cardinality(p_attempt_ids));
    batch_limit integer;
    something_arrived boolean;
    classes integer[];
    turns record;
    taken_runs uuid[] := '{}'; -- of each taken item its run and its ordinal
    taken_ordinals integer[] := '{}';
    begun_runs uuid[] := '{}';
    handed_out integer;
BEGIN
    PERFORM lock_queue();
    -- The lock goes with the commit: it must not be held until the disk has it. See confirm_attempt.sql.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT l.batch_limit,
           EXISTS (SELECT FROM arrivals a
                   WHERE a.ready_at > platform_now() - interval '1 minute' AND a.ready_at <= platform_now()),
           ARRAY(SELECT c.resource_class FROM resource_classes c WHERE worker_fits(w, c))
    INTO batch_limit, something_arrived, classes
    FROM workers w, queue_limits l
    WHERE w.worker_id = p_worker_id AND w.ended_at IS NULL AND w.lease_expires_at > platform_now()
      AND l.only_row
    FOR SHARE OF w;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF something_arrived THEN
        PERFORM admit_arrivals(platform_now() - interval '1 minute');
    END IF;
    -- Every look takes an item, or a run that has none any more out of the queue. One that cannot have
    -- a run at once is the last: the worker gets what there is and asks again.
    WHILE cardinality(taken_ordinals) < wanted LOOP
        turns := take_turns(batch_limit, wanted - cardinality(taken_ordinals), classes, taken_runs);
        taken_runs := taken_runs || turns.run_ids;
        taken_ordinals := taken_ordinals || turns.ordinals;
        begun_runs := begun_runs || turns.begun_run_ids;
        EXIT WHEN NOT turns.more;
    END LOOP;
    IF taken_ordinals = '{}' THEN
        RETURN;
    END IF;

    RETURN QUERY
    WITH claimed AS (
        UPDATE items i
        SET state = 'PROCESSING', attempt_id = n.attempt_id, attempt_count = i.attempt_count + 1
        FROM unnest(taken_runs, taken_ordinals, p_attempt_ids[:cardinality(taken_ordinals)])
             WITH ORDINALITY AS n (run_id, ordinal, attempt_id, place)
        WHERE i.run_id = n.run_id AND i.ordinal = n.ordinal AND i.state = 'PENDING'
        RETURNING n.place, i.item_id, i.run_id, i.external_id, i.attempt_id, i.attempt_count
    ),
    counted AS (
        UPDATE run_progress p
        SET pending_count = p.pending_count - n.count, processing_count = p.processing_count + n.count,
            next_ordinal = greatest(p.next_ordinal, n.last_ordinal + 1), state = 'PROCESSING'
        FROM (SELECT t.run_id, count(*)::integer AS count, max(t.ordinal) AS last_ordinal
              FROM unnest(taken_runs, taken_ordinals) AS t (run_id, ordinal) GROUP BY t.run_id) AS n
        WHERE p.run_id = n.run_id
    ),
    begun AS (
        INSERT INTO attempts (attempt_id, item_id, run_id, number, worker_id)
        SELECT c.attempt_id, c.item_id, c.run_id, c.attempt_count, p_worker_id FROM claimed c
    ),
    written AS (
        INSERT INTO audit (actor, action, run_id, item_id, attempt_id)
        SELECT 'platform', 'run.processing', s.run_id, NULL, NULL FROM unnest(begun_runs) AS s (run_id)
        UNION ALL
        SELECT 'worker ' || p_worker_id, 'item.claimed', c.run_id, c.item_id, c.attempt_id FROM claimed c
    )
    SELECT c.attempt_id, c.attempt_count, c.item_id, c.run_id, c.external_id, r.organization_id,
           r.application_id, r.version_number, v.folder, v.manifest,
           (SELECT json_agg(json_build_object('input_artifact_id', a.input_artifact_id, 'name', a.name,
                                              'download_url', a.download_url,
                                              'metadata', a.metadata::json))::text
            FROM (SELECT * FROM input_artifacts n WHERE n.item_id = c.item_id ORDER BY n.ordinal) AS a)
    FROM claimed c
    JOIN runs r ON r.run_id = c.run_id
    JOIN application_versions v ON v.version_id = r.version_id
    ORDER BY c.place;
    GET DIAGNOSTICS handed_out = ROW_COUNT;
    IF handed_out <> cardinality(taken_ordinals) THEN
        RAISE EXCEPTION 'the queue holds an item that does not wait' USING ERRCODE = 'data_corrupted';
    END IF;
END
$$;

-- Puts the item of an attempt back into the queue. The caller has locked its run and it.
CREATE FUNCTION requeue_item(p_item items, p_delay interval, p_counts boolean, p_actor text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE items SET state = 'PENDING', attempt_id = NULL,
                     attempt_count = attempt_count - (NOT p_counts)::integer
    WHERE item_id = p_item.item_id AND state = 'PROCESSING';
    UPDATE run_progress SET processing_count = processing_count - 1, pending_count = pending_count + 1
    WHERE run_id = p_item.run_id;
    INSERT INTO requeued_items (item_id, run_id, ordinal, ready_at)
    VALUES (p_item.item_id, p_item.run_id, p_item.ordinal, platform_now() + p_delay);
    INSERT INTO arrivals (run_id, ready_at) VALUES (p_item.run_id, platform_now() + p_delay);
    INSERT INTO audit (actor, action, run_id, item_id, attempt_id)
    VALUES (p_actor, 'item.requeued', p_item.run_id, p_item.item_id, p_item.attempt_id);
    PERFORM settle_run(p_item.run_id);
END
$$;

-- Takes all that waits of a run out of the queue. The caller has locked the run and ends its items;
-- it sets next_ordinal to item_count.
CREATE FUNCTION leave_queue(p_run_id uuid) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
    -- In the order in which strand_runs moves it.
    DELETE FROM waiting_runs WHERE run_id = p_run_id;
    DELETE FROM stranded_runs WHERE run_id = p_run_id;
    DELETE FROM requeued_items WHERE run_id = p_run_id;
END
$$;

-- Sets runs aside that fit into no living worker, some a call. The caller holds the queue; a run that is
-- just being cancelled is not waited for.
CREATE FUNCTION strand_runs() RETURNS void
LANGUAGE sql
SET enable_seqscan = off SET jit = off
AS $$
    WITH stranded AS (
        DELETE FROM waiting_runs WHERE run_id = ANY (ARRAY(
            SELECT r.run_id FROM resource_classes c
            CROSS JOIN LATERAL (SELECT w.run_id FROM waiting_runs w WHERE w.resource_class = c.resource_class
                                LIMIT 1000 FOR UPDATE SKIP LOCKED) AS r
            WHERE NOT class_is_runnable(c) LIMIT 1000))
        RETURNING *
    )
    INSERT INTO stranded_runs SELECT * FROM stranded
$$;

-- Lets them in again, some a call, when there is a worker for them. The caller holds the queue.
CREATE FUNCTION return_stranded_runs() RETURNS void
LANGUAGE sql
SET enable_seqscan = off SET jit = off
AS $$
    WITH returned AS (
        DELETE FROM stranded_runs WHERE run_id = ANY (ARRAY(
            SELECT r.run_id FROM resource_classes c
            CROSS JOIN LATERAL (SELECT s.run_id FROM stranded_runs s WHERE s.resource_class = c.resource_class
                                LIMIT 1000 FOR UPDATE SKIP LOCKED) AS r
            WHERE class_is_runnable(c) LIMIT 1000))
        RETURNING run_id
    )
    INSERT INTO arrivals (run_id, ready_at) SELECT run_id, platform_now() FROM returned
$$;

-- The leader's part, once a second. Demand is high when there are more runs that wait than places:
-- then each gets one place at a time, whatever p_batch_size allows.
CREATE FUNCTION tend_queue(p_batch_size integer) RETURNS integer
LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    slot_count bigint;
    run_count bigint;
    new_limit integer;
BEGIN
    PERFORM lock_queue();
    PERFORM return_stranded_runs();
    PERFORM admit_arrivals('-infinity');
    -- Without any worker nothing is to be gained by it, and they are soon back.
    PERFORM strand_runs() FROM workers w WHERE w.ended_at IS NULL AND w.lease_expires_at > platform_now() LIMIT 1;
    SELECT coalesce(sum(w.slots), 0) INTO slot_count FROM workers w
    WHERE w.ended_at IS NULL AND NOT w.draining AND w.lease_expires_at > platform_now();
    SELECT count(*) INTO run_count FROM (SELECT FROM waiting_runs LIMIT slot_count + 1) AS some_runs;
    new_limit := greatest(least(slot_count / greatest(run_count, 1), p_batch_size), 1);
    UPDATE queue_limits SET batch_limit = new_limit WHERE only_row AND batch_limit <> new_limit;
    IF FOUND THEN
        INSERT INTO audit (actor, action, detail)
        VALUES ('platform', 'queue.batch_limit_changed', jsonb_build_object('batch_limit', new_limit));
    END IF;
    RETURN new_limit;
END
$$;
