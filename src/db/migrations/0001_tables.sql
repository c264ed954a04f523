-- The tables. Keys are UUID version 7, made by the programs; nothing is ordered by one. Times are
-- timestamptz.
-- States are text with a CHECK, so that a row can be read without a list of numbers.

-- The platform's clock: all SQL takes the time from here, so that a test can shift it as a whole. One
-- time a transaction.
CREATE FUNCTION platform_now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT now() $$; -- tidy: allow the one place that reads the clock

CREATE TABLE organizations (
    organization_id text PRIMARY KEY CHECK (length(organization_id) BETWEEN 1 AND 255),
    name            text,
    display_name    text,
    weight          integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    created_at      timestamptz NOT NULL DEFAULT platform_now()
);

CREATE TABLE users (
    user_id         text PRIMARY KEY CHECK (length(user_id) BETWEEN 1 AND 255),
    organization_id text NOT NULL REFERENCES organizations,
    email           text,
    name            text,
    role            text NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin', 'superadmin')),
    created_at      timestamptz NOT NULL DEFAULT platform_now(),
    updated_at      timestamptz NOT NULL DEFAULT platform_now()
);
CREATE INDEX users_by_organization ON users (organization_id);

CREATE TABLE applications (
    application_id     text PRIMARY KEY CHECK (application_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name               text NOT NULL,
    description        text NOT NULL,
    regulatory_classes text[] NOT NULL,
    created_at         timestamptz NOT NULL DEFAULT platform_now()
);

-- One row a registered version. precedence is a text whose byte order is the precedence of
-- semantic versions. input_names maps every accepted name of an input artifact to the declared one.
-- cpus, memory_bytes and gpus are what one item needs. error_threshold is how many items of a run may
-- end in error before the platform cancels it, null is any number; deadline_seconds_min the shortest
-- time from submission to deadline.
CREATE TABLE application_versions (
    version_id       uuid PRIMARY KEY,
    application_id   text NOT NULL REFERENCES applications,
    number           text NOT NULL,
    precedence       text COLLATE "C" NOT NULL,
    changelog        text NOT NULL,
    released_at      timestamptz NOT NULL,
    folder           text NOT NULL,
    manifest         text NOT NULL,
    input_artifacts  text NOT NULL,
    output_artifacts text NOT NULL,
    input_names      jsonb NOT NULL,
    for_everyone     boolean NOT NULL,
    cpus             integer NOT NULL CHECK (cpus > 0),
    memory_bytes     bigint NOT NULL CHECK (memory_bytes > 0),
    gpus             integer NOT NULL CHECK (gpus >= 0),
    error_threshold  integer CHECK (error_threshold >= 0),
    deadline_seconds_min integer CHECK (deadline_seconds_min > 0),
    created_at       timestamptz NOT NULL DEFAULT platform_now(),
    UNIQUE (application_id, number)
);
CREATE INDEX application_versions_newest ON application_versions (application_id, precedence DESC);

CREATE TABLE version_assignments (
    organization_id text NOT NULL REFERENCES organizations,
    version_id      uuid NOT NULL REFERENCES application_versions,
    PRIMARY KEY (organization_id, version_id)
);
CREATE INDEX version_assignments_by_version ON version_assignments (version_id);

-- What a run was asked for; changes only with its custom metadata and with the deletion of its
-- artifacts. custom_metadata is searched, custom_metadata_text is what the client sent and gets back.
-- artifact_output is the state of all its output artifacts: they are deleted together, in one step
-- however many there are.
CREATE TABLE runs (
    run_id                   uuid PRIMARY KEY,
    application_id           text NOT NULL REFERENCES applications,
    version_id               uuid NOT NULL REFERENCES application_versions,
    version_number           text NOT NULL,
    organization_id          text NOT NULL REFERENCES organizations,
    submitted_by             text NOT NULL REFERENCES users,
    submitted_at             timestamptz NOT NULL,
    custom_metadata          jsonb,
    custom_metadata_text     text,
    custom_metadata_checksum text,
    callback_context         text,
    due_date                 timestamptz,
    deadline                 timestamptz,
    artifact_output          text NOT NULL DEFAULT 'AVAILABLE'
                             CHECK (artifact_output IN ('AVAILABLE', 'DELETED_BY_USER', 'DELETED_BY_SYSTEM')),
    artifacts_deleted_at     timestamptz,
    CHECK ((artifact_output = 'AVAILABLE') = (artifacts_deleted_at IS NULL))
);
CREATE INDEX runs_by_user ON runs (submitted_by, submitted_at DESC, run_id DESC);
CREATE INDEX runs_by_organization ON runs (organization_id, submitted_at DESC, run_id DESC);
CREATE INDEX runs_by_version ON runs (version_id);
CREATE INDEX runs_by_application ON runs (application_id);

-- How far a run is: narrow, and changed in the transaction that changes an item. The items from
-- next_ordinal on were never tried; pending_count has those and the ones that were put back. More
-- errors than error_threshold cancel the run; null is any number.
CREATE TABLE run_progress (
    run_id             uuid PRIMARY KEY REFERENCES runs,
    state              text NOT NULL DEFAULT 'PENDING'
                       CHECK (state IN ('PENDING', 'PROCESSING', 'TERMINATED')),
    termination_reason text
                       CHECK (termination_reason IN ('ALL_ITEMS_PROCESSED', 'CANCELED_BY_SYSTEM', 'CANCELED_BY_USER')),
    error_code         text,
    error_message      text,
    terminated_at      timestamptz,
    item_count         integer NOT NULL,
    next_ordinal       integer NOT NULL DEFAULT 0,
    pending_count      integer NOT NULL CHECK (pending_count >= 0),
    processing_count   integer NOT NULL DEFAULT 0 CHECK (processing_count >= 0),
    user_error_count   integer NOT NULL DEFAULT 0,
    system_error_count integer NOT NULL DEFAULT 0,
    skipped_count      integer NOT NULL DEFAULT 0,
    succeeded_count    integer NOT NULL DEFAULT 0,
    error_threshold    integer CHECK (error_threshold >= 0),
    CHECK (item_count = pending_count + processing_count + user_error_count + system_error_count
                        + skipped_count + succeeded_count),
    CHECK (item_count - next_ordinal BETWEEN 0 AND pending_count),
    CHECK ((state = 'TERMINATED') = (termination_reason IS NOT NULL)),
    CHECK ((state = 'TERMINATED') = (terminated_at IS NOT NULL)),
    CHECK (state <> 'TERMINATED' OR pending_count + processing_count = 0)
) WITH (fillfactor = 50);

-- Deadlines that have not passed yet, also of runs that ended before.
CREATE TABLE run_deadlines (
    run_id   uuid PRIMARY KEY REFERENCES runs,
    deadline timestamptz NOT NULL
);
CREATE INDEX run_deadlines_in_order ON run_deadlines (deadline);

-- Ended runs whose artifacts are there: they are deleted when their time has come.
CREATE TABLE retained_runs (
    run_id   uuid PRIMARY KEY REFERENCES runs,
    ended_at timestamptz NOT NULL
);
CREATE INDEX retained_runs_in_order ON retained_runs (ended_at);

-- Runs whose artifacts are deleted and some of whose objects are still there; none of the items before
-- next_ordinal.
CREATE TABLE deleted_runs (
    run_id       uuid PRIMARY KEY REFERENCES runs,
    deleted_at   timestamptz NOT NULL,
    next_ordinal integer NOT NULL DEFAULT 0
);
CREATE INDEX deleted_runs_in_order ON deleted_runs (deleted_at);

-- Objects that the store would not remove. They are tried again, ever less often and apart from all
-- others; what had them to remove counts them as removed. A key that ends in "/" is all below it.
CREATE TABLE refused_objects (
    object_key    text PRIMARY KEY,
    refused_since timestamptz NOT NULL DEFAULT platform_now(),
    refused_count integer NOT NULL DEFAULT 1,
    retry_at      timestamptz NOT NULL
);
CREATE INDEX refused_objects_in_order ON refused_objects (retry_at);

CREATE TABLE items (
    item_id                  uuid PRIMARY KEY,
    run_id                   uuid NOT NULL REFERENCES runs,
    ordinal                  integer NOT NULL,
    external_id              text NOT NULL CHECK (length(external_id) BETWEEN 1 AND 255),
    custom_metadata          jsonb,
    custom_metadata_text     text,
    custom_metadata_checksum text,
    state                    text NOT NULL DEFAULT 'PENDING'
                             CHECK (state IN ('PENDING', 'PROCESSING', 'TERMINATED')),
    termination_reason       text
                             CHECK (termination_reason IN ('SUCCEEDED', 'USER_ERROR', 'SYSTEM_ERROR', 'SKIPPED')),
    error_code               text,
    error_message            text,
    terminated_at            timestamptz,
    attempt_id               uuid,
    attempt_count            integer NOT NULL DEFAULT 0,
    UNIQUE (run_id, ordinal),
    UNIQUE (run_id, external_id),
    CHECK ((state = 'TERMINATED') = (termination_reason IS NOT NULL)),
    CHECK ((state = 'TERMINATED') = (terminated_at IS NOT NULL)),
    CHECK ((state = 'PROCESSING') <= (attempt_id IS NOT NULL))
) WITH (fillfactor = 80);

CREATE TABLE input_artifacts (
    input_artifact_id uuid NOT NULL,
    item_id           uuid NOT NULL REFERENCES items,
    ordinal           integer NOT NULL,
    name              text NOT NULL,
    download_url      text NOT NULL,
    metadata          text NOT NULL,
    PRIMARY KEY (item_id, ordinal),
    UNIQUE (item_id, name)
);

-- UNIQUE (item_id, name) is the last guard against a doubled result. INTERNAL ones are kept for the
-- operator; no client sees them. A deletion is three steps, of which each may be done again: the run
-- says it (artifact_output), the object goes (or is among the refused_objects), the row says
-- object_removed_at. object_missing_at: the store has no such object though nobody deleted it. Here and in
-- attempts no foreign key is checked: the rows are made of an item that the same statement holds locked, and
-- cost a tenth less.
CREATE TABLE output_artifacts (
    output_artifact_id     uuid PRIMARY KEY,
    item_id                uuid NOT NULL,
    run_id                 uuid NOT NULL,
    attempt_id             uuid NOT NULL,
    ordinal                integer NOT NULL,
    name                   text NOT NULL,
    mime_type              text NOT NULL,
    metadata               text NOT NULL,
    visibility             text NOT NULL DEFAULT 'EXTERNAL' CHECK (visibility IN ('EXTERNAL', 'INTERNAL')),
    object_key             text NOT NULL,
    size_bytes             bigint NOT NULL,
    checksum_base64_crc32c text NOT NULL,
    created_at             timestamptz NOT NULL DEFAULT platform_now(),
    object_removed_at      timestamptz,
    object_missing_at      timestamptz,
    UNIQUE (item_id, name)
);
CREATE INDEX output_artifacts_missing ON output_artifacts (object_missing_at)
    WHERE object_missing_at IS NOT NULL;

-- A worker holds its attempts as long as its lease lives. cpus, memory_bytes and gpus are the most
-- that one item may need; null is anything. One that drains finishes its items and takes no more.
CREATE TABLE workers (
    worker_id        uuid PRIMARY KEY,
    name             text NOT NULL,
    slots            integer NOT NULL,
    cpus             integer,
    memory_bytes     bigint,
    gpus             integer,
    draining         boolean NOT NULL DEFAULT false,
    started_at       timestamptz NOT NULL DEFAULT platform_now(),
    heartbeat_at     timestamptz NOT NULL DEFAULT platform_now(),
    lease_expires_at timestamptz NOT NULL,
    ended_at         timestamptz
);
CREATE INDEX workers_alive ON workers (lease_expires_at) WHERE ended_at IS NULL;
CREATE INDEX workers_alive_by_name ON workers (name) WHERE ended_at IS NULL;

-- Who does what one worker does for all; see take_lead.
CREATE TABLE leadership (
    only_row         boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    worker_name      text,
    backend_pid      integer,
    term             bigint NOT NULL DEFAULT 0,
    lease_expires_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO leadership DEFAULT VALUES;

-- attempt_id is the fencing token: only the item's current attempt may end it. Those of a run are found
-- by what its audit says was claimed: an index of their own would be two writes more for each item.
CREATE TABLE attempts (
    attempt_id        uuid PRIMARY KEY,
    item_id           uuid NOT NULL,
    run_id            uuid NOT NULL,
    number            integer NOT NULL,
    worker_id         uuid NOT NULL,
    started_at        timestamptz NOT NULL DEFAULT platform_now(),
    ended_at          timestamptz,
    outcome           text CHECK (outcome IN ('SUCCEEDED', 'USER_ERROR', 'SYSTEM_ERROR', 'RETRY',
                                              'HANDED_BACK', 'LOST', 'CANCELLED')),
    error_code        text,
    error_message     text,
    log_tail          text,
    peak_memory_bytes bigint,
    objects_swept_at  timestamptz,
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);
CREATE INDEX attempts_running ON attempts (worker_id) WHERE ended_at IS NULL;
CREATE INDEX attempts_taken_away ON attempts (worker_id, ended_at) WHERE outcome IN ('LOST', 'CANCELLED');
CREATE INDEX attempts_to_sweep ON attempts (ended_at)
    WHERE ended_at IS NOT NULL AND outcome <> 'SUCCEEDED' AND objects_swept_at IS NULL;

-- Who did what; rows are only ever added. attempt_id: by which attempt an item moved. No key is declared:
-- nothing looks for an audit_id, and each index is a write more for each move of an item.
CREATE TABLE audit (
    audit_id        bigint GENERATED ALWAYS AS IDENTITY,
    at              timestamptz NOT NULL DEFAULT platform_now(),
    actor           text NOT NULL,
    action          text NOT NULL,
    organization_id text,
    run_id          uuid,
    item_id         uuid,
    attempt_id      uuid,
    detail          jsonb
);
CREATE INDEX audit_by_run ON audit (run_id, audit_id);
