-- Who may see and who may change a run; grants and share tokens; the documents of a version.

-- The secret of a share token is shown once and never stored: token_hash is its SHA-256 in hex.
CREATE TABLE share_tokens (
    share_token_id  uuid PRIMARY KEY,
    token_hash      text NOT NULL UNIQUE CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    created_by      text NOT NULL,
    organization_id text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT platform_now(),
    expires_at      timestamptz,
    revoked_at      timestamptz
);
CREATE INDEX share_tokens_by_creator ON share_tokens (created_by, created_at DESC, share_token_id DESC);
CREATE INDEX share_tokens_newest ON share_tokens (created_at DESC, share_token_id DESC);

-- A grant lets a subject see one run. subject is what callers are compared with, see
-- caller_subjects; subject_id is what the API shows of it. The run's submitter and organisation,
-- which never change, stand here too, so that a list needs no other table.
CREATE TABLE grants (
    grant_id            uuid PRIMARY KEY,
    run_id              uuid NOT NULL REFERENCES runs,
    run_submitted_by    text NOT NULL,
    run_organization_id text NOT NULL,
    subject_type        text NOT NULL
                        CHECK (subject_type IN ('user', 'organization_admin', 'organization_user', 'share_token')),
    subject_id          text NOT NULL CHECK (length(subject_id) BETWEEN 1 AND 255),
    subject             text NOT NULL,
    relation            text NOT NULL DEFAULT 'viewer' CHECK (relation = 'viewer'),
    created_by          text NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT platform_now(),
    revoked_by          text,
    revoked_at          timestamptz,
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
);
-- No subject has the same run twice, so that one revocation ends what it sees.
CREATE UNIQUE INDEX grants_in_force ON grants (run_id, subject) WHERE revoked_at IS NULL;
CREATE INDEX grants_by_subject ON grants (subject, run_id) WHERE revoked_at IS NULL;
CREATE INDEX grants_by_run ON grants (run_id, created_at DESC, grant_id DESC);
CREATE INDEX grants_by_submitter ON grants (run_submitted_by, created_at DESC, grant_id DESC);
CREATE INDEX grants_by_organization ON grants (run_organization_id, created_at DESC, grant_id DESC);
CREATE INDEX grants_newest ON grants (created_at DESC, grant_id DESC);

CREATE INDEX users_by_email ON users (lower(email));

-- A file that explains a version; only public ones are shown.
CREATE TABLE version_documents (
    document_id            uuid PRIMARY KEY,
    version_id             uuid NOT NULL REFERENCES application_versions,
    name                   text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    mime_type              text NOT NULL,
    visibility             text NOT NULL CHECK (visibility IN ('public', 'internal')),
    object_key             text NOT NULL,
    size_bytes             bigint NOT NULL,
    checksum_base64_crc32c text NOT NULL,
    created_at             timestamptz NOT NULL DEFAULT platform_now(),
    updated_at             timestamptz NOT NULL DEFAULT platform_now(),
    UNIQUE (version_id, name)
);

-- All subjects that a caller is. A caller without a token of its own has empty texts, which no
-- grant names; no share token has a hash that is null.
CREATE FUNCTION caller_subjects(caller text, caller_organization text, caller_role text,
                                caller_email text, share_token_hash text)
RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    subjects text[] := ARRAY['user:' || caller, 'email:' || lower(caller_email),
                             'organization_user:' || caller_organization];
BEGIN
    IF caller_role = 'admin' THEN
        subjects := subjects || ('organization_admin:' || caller_organization);
    END IF;
    IF share_token_hash IS NOT NULL THEN
        subjects := subjects || (
            SELECT 'share_token:' || t.share_token_id FROM share_tokens t
            WHERE t.token_hash = share_token_hash AND t.revoked_at IS NULL
              AND (t.expires_at IS NULL OR t.expires_at > platform_now()));
    END IF;
    RETURN subjects;
END
$$;

CREATE FUNCTION run_is_shared(p_run_id uuid, caller text, caller_organization text, caller_role text,
                              caller_email text, share_token_hash text)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM grants g
        WHERE g.run_id = p_run_id AND g.revoked_at IS NULL
          AND g.subject = ANY (caller_subjects(caller, caller_organization, caller_role,
                                               caller_email, share_token_hash)));
END
$$;

-- Who sees a run: who may change it, and who holds a grant. Grants are looked up only when the
-- cheap rule says no.
CREATE FUNCTION may_see_run(run_id uuid, submitted_by text, organization_id text,
                            caller text, caller_organization text, caller_role text,
                            caller_email text, share_token_hash text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT may_change_run(submitted_by, organization_id, caller, caller_organization, caller_role)
        OR run_is_shared(run_id, caller, caller_organization, caller_role, caller_email,
                         share_token_hash)
$$;

-- Grants and share tokens.

CREATE FUNCTION create_grant(
    p_grant_id uuid, p_run_id uuid, p_subject_type text, p_subject_id text, p_subject_email text,
    p_user_id text, p_organization_id text, p_role text, OUT outcome text, OUT made grants)
LANGUAGE plpgsql
AS $$
DECLARE
    run runs;
    token share_tokens;
    shown_id text := coalesce(p_subject_id, lower(p_subject_email));
    key text := p_subject_type || ':' || p_subject_id;
BEGIN
    SELECT * INTO run FROM runs r WHERE r.run_id = p_run_id;
    IF NOT FOUND THEN
        outcome := 'NOT_FOUND';
        RETURN;
    ELSIF NOT may_change_run(run.submitted_by, run.organization_id, p_user_id, p_organization_id, p_role) THEN
        outcome := 'FORBIDDEN';
        RETURN;
    END IF;
    IF p_subject_type = 'share_token' THEN
        SELECT * INTO token FROM share_tokens t WHERE t.share_token_id = p_subject_id::uuid FOR SHARE;
        IF NOT FOUND THEN
            outcome := 'SHARE_TOKEN_NOT_FOUND';
            RETURN;
        ELSIF NOT (token.created_by = p_user_id OR p_role = 'superadmin') THEN
            outcome := 'SHARE_TOKEN_FORBIDDEN';
            RETURN;
        ELSIF token.revoked_at IS NOT NULL OR token.expires_at <= platform_now() THEN
            outcome := 'SHARE_TOKEN_ENDED';
            RETURN;
        END IF;
    ELSIF p_subject_id IS NULL THEN
        -- The one user with that address; while none is known, whoever comes with it.
        SELECT min(u.user_id) INTO shown_id FROM users u
        WHERE lower(u.email) = lower(p_subject_email) HAVING count(*) = 1;
        key := coalesce('user:' || shown_id, 'email:' || lower(p_subject_email));
        shown_id := coalesce(shown_id, lower(p_subject_email));
    END IF;
    -- The same grant again is the one that is in force.
    INSERT INTO grants (grant_id, run_id, run_submitted_by, run_organization_id, subject_type,
                        subject_id, subject, created_by)
    VALUES (p_grant_id, p_run_id, run.submitted_by, run.organization_id, p_subject_type,
            shown_id, key, p_user_id)
    ON CONFLICT (run_id, subject) WHERE revoked_at IS NULL DO UPDATE SET relation = excluded.relation
    RETURNING * INTO made;
    IF made.grant_id = p_grant_id THEN
        INSERT INTO audit (actor, action, organization_id, run_id, detail)
        VALUES (p_user_id, 'grant.created', run.organization_id, p_run_id,
                jsonb_build_object('grant_id', p_grant_id, 'subject_type', p_subject_type,
                                   'subject_id', shown_id));
    END IF;
    outcome := 'CREATED';
END
$$;

CREATE FUNCTION revoke_grant(
    p_grant_id uuid, p_user_id text, p_organization_id text, p_role text,
    OUT outcome text, OUT revoked grants)
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT * INTO revoked FROM grants g WHERE g.grant_id = p_grant_id FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'NOT_FOUND';
    ELSIF NOT may_change_run(revoked.run_submitted_by, revoked.run_organization_id,
                             p_user_id, p_organization_id, p_role) THEN
        outcome := 'FORBIDDEN';
    ELSIF revoked.revoked_at IS NOT NULL THEN
        outcome := 'ALREADY_REVOKED';
    ELSE
        UPDATE grants g SET revoked_at = platform_now(), revoked_by = p_user_id
        WHERE g.grant_id = p_grant_id RETURNING * INTO revoked;
        INSERT INTO audit (actor, action, organization_id, run_id, detail)
        VALUES (p_user_id, 'grant.revoked', revoked.run_organization_id, revoked.run_id,
                jsonb_build_object('grant_id', p_grant_id));
        outcome := 'REVOKED';
    END IF;
END
$$;

CREATE FUNCTION create_share_token(p_share_token_id uuid, p_token_hash text, p_expires_at timestamptz,
                                   p_user_id text, p_organization_id text)
RETURNS share_tokens
LANGUAGE plpgsql
AS $$
DECLARE
    made share_tokens;
BEGIN
    INSERT INTO share_tokens (share_token_id, token_hash, created_by, organization_id, expires_at)
    VALUES (p_share_token_id, p_token_hash, p_user_id, p_organization_id, p_expires_at)
    RETURNING * INTO made;
    INSERT INTO audit (actor, action, organization_id, detail)
    VALUES (p_user_id, 'share_token.created', p_organization_id,
            jsonb_build_object('share_token_id', p_share_token_id, 'expires_at', p_expires_at));
    RETURN made;
END
$$;

-- A share token is its creator's own; besides, only a platform admin sees it.
CREATE FUNCTION may_see_share_token(created_by text, caller text, caller_role text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT created_by = caller OR caller_role = 'superadmin'
$$;

CREATE FUNCTION revoke_share_token(p_share_token_id uuid, p_user_id text, p_role text,
                                   OUT outcome text, OUT revoked share_tokens)
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT * INTO revoked FROM share_tokens t WHERE t.share_token_id = p_share_token_id FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'NOT_FOUND';
    ELSIF NOT may_see_share_token(revoked.created_by, p_user_id, p_role) THEN
        outcome := 'FORBIDDEN';
    ELSIF revoked.revoked_at IS NOT NULL THEN
        outcome := 'ALREADY_REVOKED';
    ELSE
        UPDATE share_tokens t SET revoked_at = platform_now()
        WHERE t.share_token_id = p_share_token_id RETURNING * INTO revoked;
        INSERT INTO audit (actor, action, organization_id, detail)
        VALUES (p_user_id, 'share_token.revoked', revoked.organization_id,
                jsonb_build_object('share_token_id', p_share_token_id));
        outcome := 'REVOKED';
    END IF;
END
$$;

CREATE FUNCTION grant_sort_key(field text, g grants) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE field
        WHEN 'grant_id' THEN g.grant_id::text
        WHEN 'resource_type' THEN 'run'
        WHEN 'resource_id' THEN g.run_id::text
        WHEN 'subject_type' THEN g.subject_type
        WHEN 'subject_id' THEN g.subject_id
        WHEN 'relation' THEN g.relation
        WHEN 'created_by' THEN g.created_by
        WHEN 'created_at' THEN to_char(g.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
        WHEN 'revoked' THEN (g.revoked_at IS NOT NULL)::text
    END COLLATE "C"
$$;

CREATE FUNCTION share_token_sort_key(field text, t share_tokens) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE field
        WHEN 'share_token_id' THEN t.share_token_id::text
        WHEN 'created_at' THEN to_char(t.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
        WHEN 'expires_at' THEN to_char(t.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
        WHEN 'revoked' THEN (t.revoked_at IS NOT NULL)::text
    END COLLATE "C"
$$;

-- The documents of a version are those of its manifest. One whose file is another than before
-- counts as changed. p_documents: [{"document_id", "name", "mime_type", "visibility",
-- "object_key", "size_bytes", "checksum_base64_crc32c"}], the id for a new one.
CREATE FUNCTION store_documents(p_application_id text, p_number text, p_documents jsonb) RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO version_documents AS known (document_id, version_id, name, mime_type, visibility,
                                            object_key, size_bytes, checksum_base64_crc32c)
    SELECT d.document_id, v.version_id, d.name, d.mime_type, d.visibility, d.object_key, d.size_bytes,
           d.checksum_base64_crc32c
    FROM application_versions v,
         jsonb_to_recordset(p_documents) AS d(document_id uuid, name text, mime_type text,
                                              visibility text, object_key text, size_bytes bigint,
                                              checksum_base64_crc32c text)
    WHERE v.application_id = p_application_id AND v.number = p_number
    ON CONFLICT (version_id, name) DO UPDATE
        SET size_bytes = excluded.size_bytes,
            checksum_base64_crc32c = excluded.checksum_base64_crc32c, updated_at = platform_now()
        WHERE known.checksum_base64_crc32c <> excluded.checksum_base64_crc32c
$$;
