-- Quotas: how many items a user or an organisation may bring in. What is in use is reserved with the
-- run, under a row lock, so that no number of requests at the same time passes a limit.

-- subject_id '*' stands for all that have no row of their own; maximum null is no limit.
CREATE TABLE quotas (
    scope      text NOT NULL CHECK (scope IN ('organization', 'user')),
    subject_id text NOT NULL,
    name       text NOT NULL CHECK (name IN ('items_per_run', 'open_items', 'items_per_month')),
    maximum    integer CHECK (maximum >= 0),
    PRIMARY KEY (scope, subject_id, name)
);

-- open_items wait or are in work. month_items were submitted in this month (UTC) and are paid for.
CREATE TABLE quota_usage (
    scope       text NOT NULL CHECK (scope IN ('organization', 'user')),
    subject_id  text NOT NULL,
    open_items  integer NOT NULL CHECK (open_items >= 0),
    month       timestamptz NOT NULL,
    month_items integer NOT NULL CHECK (month_items >= 0),
    PRIMARY KEY (scope, subject_id)
) WITH (fillfactor = 50);

-- The first moment of the month, in UTC.
CREATE FUNCTION month_of(p_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$ SELECT date_trunc('month', p_at, 'UTC') $$;

-- Items of runs that are already there.
INSERT INTO quota_usage (scope, subject_id, open_items, month, month_items)
SELECT s.scope, s.subject_id, sum(p.pending_count + p.processing_count), month_of(platform_now()),
       sum(CASE WHEN month_of(r.submitted_at) = month_of(platform_now())
                THEN p.item_count - p.skipped_count - p.system_error_count ELSE 0 END)
FROM runs r
JOIN run_progress p ON p.run_id = r.run_id
CROSS JOIN LATERAL (VALUES ('organization', r.organization_id), ('user', r.submitted_by)) AS s (scope, subject_id)
GROUP BY s.scope, s.subject_id;

CREATE FUNCTION quota_maximum(p_scope text, p_subject_id text, p_name text) RETURNS integer
LANGUAGE sql STABLE
AS $$
    SELECT q.maximum FROM quotas q
    WHERE q.scope = p_scope AND q.subject_id IN (p_subject_id, '*') AND q.name = p_name
    ORDER BY q.subject_id = '*' LIMIT 1
$$;

-- What the subject's runs of the month count, with what is not taken off the use yet. Of a month that
-- begins there are none; of one to which the clock went back it must not be counted anew. It sees what
-- was committed while its caller waited for the subject's row.
CREATE FUNCTION month_use(p_scope text, p_subject_id text, p_month timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
    RETURN (
        SELECT coalesce(sum(p.item_count - p.skipped_count - p.system_error_count), 0)
        FROM (SELECT o.run_id, o.submitted_at FROM runs o
              WHERE p_scope = 'organization' AND o.organization_id = p_subject_id AND o.submitted_at >= p_month
              UNION ALL
              SELECT u.run_id, u.submitted_at FROM runs u
              WHERE p_scope = 'user' AND u.submitted_by = p_subject_id AND u.submitted_at >= p_month) AS r
        JOIN run_progress p ON p.run_id = r.run_id
        WHERE month_of(r.submitted_at) = p_month
    ) + (
        SELECT coalesce(sum(q.month_items), 0) FROM quota_releases q
        WHERE q.month = p_month
          AND p_subject_id = CASE p_scope WHEN 'user' THEN q.user_id ELSE q.organization_id END
    );
END
$$;

-- Adds the items of a run that has its rows already to what is in use: null, or the quota that this would
-- exceed; then the caller undoes it all. The rows are locked in one order: organisation, user.
CREATE FUNCTION take_quota(p_organization_id text, p_user_id text, p_items integer) RETURNS jsonb
LANGUAGE plpgsql
AS $$
DECLARE
    subject record;
    usage quota_usage;
    excess jsonb;
BEGIN
    IF EXISTS (SELECT FROM quotas q WHERE q.maximum IS NOT NULL
               AND (q.scope, q.subject_id) IN (('organization', p_organization_id), ('organization', '*'),
                                               ('user', p_user_id), ('user', '*'))) THEN
        PERFORM apply_releases(p_organization_id, p_user_id);
    END IF;
    FOR subject IN
        SELECT * FROM (VALUES ('organization', p_organization_id), ('user', p_user_id)) AS s (scope, id)
    LOOP
        INSERT INTO quota_usage AS u (scope, subject_id, open_items, month, month_items)
        VALUES (subject.scope, subject.id, p_items, month_of(platform_now()), p_items)
        ON CONFLICT (scope, subject_id) DO UPDATE
            SET open_items = u.open_items + excluded.open_items,
                month_items = CASE WHEN u.month = excluded.month THEN u.month_items + excluded.month_items
                                   ELSE month_use(subject.scope, subject.id, excluded.month) END,
                month = excluded.month
        RETURNING * INTO usage;
        SELECT jsonb_build_object('scope', subject.scope, 'name', n.name, 'maximum', n.maximum,
                                  'used', n.used, 'requested', p_items)
        INTO excess
        FROM (SELECT name, used, quota_maximum(subject.scope, subject.id, name) AS maximum
              FROM (VALUES ('items_per_run', 0), ('open_items', usage.open_items - p_items),
                           ('items_per_month', usage.month_items - p_items)) AS m (name, used)) AS n
        WHERE n.used + p_items > n.maximum
        LIMIT 1;
        IF excess IS NOT NULL THEN
            RETURN excess;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- Whatever ends items frees their places, and gives back what was not processed through no fault of
-- its owner. Written down here, and taken off the use later: an update of the owner's one row at the
-- end of every item would let all of them wait for each other, and grow a chain of dead rows.
CREATE TABLE quota_releases (
    organization_id text NOT NULL,
    user_id         text NOT NULL,
    month           timestamptz NOT NULL,
    open_items      integer NOT NULL,
    month_items     integer NOT NULL
);
CREATE INDEX quota_releases_by_organization ON quota_releases (organization_id);

-- Items of the run are open no more, and some count no more for their month. Who ends items calls it,
-- or writes such rows itself for many runs at once (succeed_attempts).
CREATE FUNCTION release_quota(p_run_id uuid, p_open_items integer, p_month_items integer) RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO quota_releases (organization_id, user_id, month, open_items, month_items)
    SELECT r.organization_id, r.submitted_by, month_of(r.submitted_at), p_open_items, p_month_items
    FROM runs r WHERE r.run_id = p_run_id
$$;

-- Takes an organisation's releases off its use and its users'. Locks the organisation's row, then those
-- of these users and of p_user_id in one order, as take_quota does.
CREATE FUNCTION apply_releases(p_organization_id text, p_user_id text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    subject record;
BEGIN
    PERFORM 1 FROM quota_usage u
    WHERE u.scope = 'organization' AND u.subject_id = p_organization_id FOR UPDATE;
    PERFORM 1 FROM quota_usage u
    WHERE u.scope = 'user' AND u.subject_id IN
        (SELECT q.user_id FROM quota_releases q WHERE q.organization_id = p_organization_id
         UNION SELECT p_user_id)
    ORDER BY u.subject_id FOR UPDATE;
    FOR subject IN
        WITH released AS (
            DELETE FROM quota_releases q WHERE q.organization_id = p_organization_id RETURNING *
        )
        SELECT s.scope, s.id, q.month, sum(q.open_items) AS open_items, sum(q.month_items) AS month_items
        FROM released q
        CROSS JOIN LATERAL (VALUES ('organization', q.organization_id), ('user', q.user_id)) AS s (scope, id)
        GROUP BY s.scope, s.id, q.month ORDER BY s.scope, s.id
    LOOP
        UPDATE quota_usage u
        SET open_items = greatest(u.open_items - subject.open_items, 0),
            month_items = greatest(u.month_items - CASE WHEN u.month = subject.month
                                                        THEN subject.month_items ELSE 0 END, 0)
        WHERE u.scope = subject.scope AND u.subject_id = subject.id;
    END LOOP;
END
$$;
