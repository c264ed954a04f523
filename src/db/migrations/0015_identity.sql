-- Local users' logins, the tokens of the embedded issuer, and API keys. Secrets (passwords, codes,
-- cookies, refresh tokens, keys) stand here by their hash alone: SHA-256 in hex, since they have 256
-- random bits; passwords by Argon2id. Whatever makes a row sweeps more rows that have expired.

CREATE DOMAIN secret_hash AS text CHECK (VALUE ~ '^[0-9a-f]{64}$');

CREATE TABLE local_passwords (
    user_id       text PRIMARY KEY REFERENCES users,
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    changed_at    timestamptz NOT NULL DEFAULT platform_now()
);

-- Guesses of passwords and user codes. subject is "user ada", "address 127.0.0.1", "codes of ada".
CREATE TABLE guesses (
    subject       text PRIMARY KEY,
    count         integer NOT NULL,
    blocked_until timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX guesses_by_expiry ON guesses (expires_at);

CREATE TABLE login_sessions (
    session_hash secret_hash PRIMARY KEY,
    user_id      text NOT NULL REFERENCES users,
    created_at   timestamptz NOT NULL DEFAULT platform_now(),
    expires_at   timestamptz NOT NULL
);
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at);
CREATE INDEX login_sessions_by_user ON login_sessions (user_id);

-- All refresh tokens that follow upon one login of one client.
CREATE TABLE token_families (
    family_id  uuid PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users,
    client_id  text NOT NULL,
    scope      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT platform_now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX token_families_by_expiry ON token_families (expires_at);
CREATE INDEX token_families_by_user ON token_families (user_id);

CREATE TABLE refresh_tokens (
    token_hash secret_hash PRIMARY KEY,
    family_id  uuid NOT NULL REFERENCES token_families ON DELETE CASCADE,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);

-- family_id: what was made of the code when it was used, once.
CREATE TABLE authorization_codes (
    code_hash    secret_hash PRIMARY KEY,
    user_id      text NOT NULL REFERENCES users,
    client_id    text NOT NULL,
    redirect_uri text NOT NULL,
    challenge    text NOT NULL,
    scope        text NOT NULL,
    nonce        text,
    family_id    uuid,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);

CREATE TABLE device_codes (
    device_hash    secret_hash PRIMARY KEY,
    user_code_hash secret_hash NOT NULL UNIQUE,
    client_id      text NOT NULL,
    scope          text NOT NULL,
    state          text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'ALLOWED', 'DENIED', 'USED')),
    user_id        text REFERENCES users,
    polled_at      timestamptz NOT NULL DEFAULT '-infinity',
    expires_at     timestamptz NOT NULL,
    CHECK ((state IN ('ALLOWED', 'USED')) <= (user_id IS NOT NULL))
);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);

-- A key acts for its user with the user's own rights; can_write false: it may only read.
CREATE TABLE api_keys (
    key_id     uuid PRIMARY KEY,
    key_hash   secret_hash NOT NULL UNIQUE,
    user_id    text NOT NULL REFERENCES users,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    can_write  boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT platform_now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE FUNCTION add_audit(p_actor text, p_action text, p_detail jsonb) RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO audit (actor, action, organization_id, detail)
    SELECT p_actor, p_action, (SELECT u.organization_id FROM users u WHERE u.user_id = p_actor), p_detail
$$;

-- What has expired goes, ten rows of each table a call; a device code an hour later, so that who asks
-- with it learns why.
CREATE FUNCTION sweep_logins() RETURNS void
LANGUAGE sql
AS $$
    DELETE FROM guesses WHERE subject IN
        (SELECT g.subject FROM guesses g WHERE g.expires_at <= platform_now()
         ORDER BY g.expires_at LIMIT 10 FOR UPDATE SKIP LOCKED);
    DELETE FROM login_sessions WHERE session_hash IN
        (SELECT s.session_hash FROM login_sessions s WHERE s.expires_at <= platform_now()
         ORDER BY s.expires_at LIMIT 10 FOR UPDATE SKIP LOCKED);
    DELETE FROM token_families WHERE family_id IN
        (SELECT f.family_id FROM token_families f WHERE f.expires_at <= platform_now()
         ORDER BY f.expires_at LIMIT 10 FOR UPDATE SKIP LOCKED);
    DELETE FROM authorization_codes WHERE code_hash IN
        (SELECT c.code_hash FROM authorization_codes c WHERE c.expires_at <= platform_now()
         ORDER BY c.expires_at LIMIT 10 FOR UPDATE SKIP LOCKED);
    DELETE FROM device_codes WHERE device_hash IN
        (SELECT d.device_hash FROM device_codes d WHERE d.expires_at <= platform_now() - interval '1 hour'
         ORDER BY d.expires_at LIMIT 10 FOR UPDATE SKIP LOCKED);
$$;

-- Counts a guess before it is judged, so that many at once cannot pass: the seconds to wait, or 0 for
-- one that may be made. After p_free guesses each doubles the wait, up to p_wait_max; an hour without
-- one forgets them all.
CREATE FUNCTION take_guess(p_subject text, p_free integer, p_wait_max integer) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    instant timestamptz := platform_now();
    blocked timestamptz;
BEGIN
    INSERT INTO guesses AS g (subject, count, blocked_until, expires_at)
    VALUES (p_subject, 1, '-infinity', instant + interval '1 hour')
    ON CONFLICT (subject) DO UPDATE
        SET count = CASE WHEN g.expires_at <= instant THEN 1 ELSE g.count + 1 END,
            blocked_until = CASE
                WHEN g.expires_at <= instant OR g.count + 1 < p_free THEN '-infinity'
                ELSE instant + make_interval(secs => least(p_wait_max, 2 ^ least(g.count + 1 - p_free, 20)))
            END,
            expires_at = instant + interval '1 hour'
        WHERE g.blocked_until <= instant;
    IF FOUND THEN
        RETURN 0;
    END IF;
    SELECT g.blocked_until INTO blocked FROM guesses g WHERE g.subject = p_subject;
    RETURN greatest(1, ceil(extract(epoch FROM blocked - instant)))::integer;
END
$$;

-- The hash to compare a password with (null: no such user, or no password), unless a wait is due.
CREATE FUNCTION begin_login(p_user_id text, p_address text, OUT wait_seconds integer, OUT password_hash text)
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM sweep_logins();
    wait_seconds := greatest(take_guess('user ' || p_user_id, 5, 900),
                             take_guess('address ' || p_address, 20, 60));
    IF wait_seconds = 0 THEN
        SELECT p.password_hash INTO password_hash FROM local_passwords p WHERE p.user_id = p_user_id;
    END IF;
END
$$;

-- A right password opens a session, and only takes back its own guess from the address: who has an
-- account has no more guesses at others. A password that was changed meanwhile is not right any more; one
-- that is being changed is waited for, since what ends the sessions would not see this one.
CREATE FUNCTION finish_login(p_user_id text, p_address text, p_password_hash text, p_is_right boolean,
                             p_session_hash text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM local_passwords p
    WHERE p_is_right AND p.user_id = p_user_id AND p.password_hash = p_password_hash FOR SHARE;
    IF NOT FOUND THEN
        PERFORM add_audit(p_user_id, 'login.failed', jsonb_build_object('address', p_address));
        RETURN false;
    END IF;
    DELETE FROM guesses WHERE subject = 'user ' || p_user_id;
    UPDATE guesses SET count = count - 1, blocked_until = '-infinity'
    WHERE subject = 'address ' || p_address AND count > 0;
    INSERT INTO login_sessions (session_hash, user_id, expires_at)
    VALUES (p_session_hash, p_user_id, platform_now() + interval '12 hours');
    PERFORM add_audit(p_user_id, 'login.succeeded', jsonb_build_object('address', p_address));
    RETURN true;
END
$$;

CREATE FUNCTION user_of_session(p_session_hash text) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT s.user_id FROM login_sessions s
    WHERE s.session_hash = p_session_hash AND s.expires_at > platform_now()
$$;

-- For a consent: who ends the session waits until the consent is there and ends it too, or has ended the
-- session before.
CREATE FUNCTION hold_session(p_session_hash text) RETURNS text
LANGUAGE sql
AS $$
    SELECT s.user_id FROM login_sessions s
    WHERE s.session_hash = p_session_hash AND s.expires_at > platform_now() FOR SHARE
$$;

-- false: there was none.
CREATE FUNCTION end_session(p_session_hash text) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    whose text := user_of_session(p_session_hash);
BEGIN
    IF whose IS NULL THEN
        RETURN false;
    END IF;
    DELETE FROM login_sessions WHERE session_hash = p_session_hash;
    PERFORM add_audit(whose, 'logout', NULL);
    RETURN true;
END
$$;

-- A new password ends sessions and refresh tokens that the old one opened, and what has been allowed but
-- not fetched yet. Codes come before families: one that is being redeemed has its family by then.
CREATE FUNCTION set_password(p_user_id text, p_password_hash text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO local_passwords (user_id, password_hash) VALUES (p_user_id, p_password_hash)
    ON CONFLICT (user_id) DO UPDATE
        SET password_hash = excluded.password_hash, changed_at = platform_now();
    DELETE FROM login_sessions WHERE user_id = p_user_id;
    DELETE FROM authorization_codes WHERE user_id = p_user_id AND family_id IS NULL;
    UPDATE device_codes SET state = 'DENIED' WHERE user_id = p_user_id AND state = 'ALLOWED';
    UPDATE token_families SET revoked_at = platform_now() WHERE user_id = p_user_id AND revoked_at IS NULL;
    DELETE FROM guesses WHERE subject = 'user ' || p_user_id;
    PERFORM add_audit(p_user_id, 'password.set', NULL);
END
$$;

CREATE FUNCTION allow_client(p_session_hash text, p_code_hash text, p_client_id text, p_redirect_uri text,
                             p_challenge text, p_scope text, p_nonce text) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    whose text := hold_session(p_session_hash);
BEGIN
    IF whose IS NULL THEN
        RETURN false;
    END IF;
    PERFORM sweep_logins();
    INSERT INTO authorization_codes (code_hash, user_id, client_id, redirect_uri, challenge, scope, nonce,
                                     expires_at)
    VALUES (p_code_hash, whose, p_client_id, p_redirect_uri, p_challenge, p_scope, p_nonce,
            platform_now() + interval '1 minute');
    PERFORM add_audit(whose, 'client.allowed', jsonb_build_object('client_id', p_client_id));
    RETURN true;
END
$$;

CREATE FUNCTION create_device_code(p_device_hash text, p_user_code_hash text, p_client_id text, p_scope text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM sweep_logins();
    INSERT INTO device_codes (device_hash, user_code_hash, client_id, scope, expires_at)
    VALUES (p_device_hash, p_user_code_hash, p_client_id, p_scope, platform_now() + interval '10 minutes');
END
$$;

-- outcome: NO_SESSION, WAIT, UNKNOWN, ALLOWED or DENIED.
CREATE FUNCTION decide_device(p_session_hash text, p_user_code_hash text, p_allow boolean,
                              OUT outcome text, OUT client_id text, OUT wait_seconds integer)
LANGUAGE plpgsql
AS $$
DECLARE
    whose text := hold_session(p_session_hash);
BEGIN
    outcome := 'NO_SESSION';
    IF whose IS NULL THEN
        RETURN;
    END IF;
    wait_seconds := take_guess('codes of ' || whose, 10, 900);
    IF wait_seconds > 0 THEN
        outcome := 'WAIT';
        RETURN;
    END IF;
    UPDATE device_codes d
    SET state = CASE WHEN p_allow THEN 'ALLOWED' ELSE 'DENIED' END, user_id = whose
    WHERE d.user_code_hash = p_user_code_hash AND d.state = 'PENDING' AND d.expires_at > platform_now()
    RETURNING d.state, d.client_id INTO outcome, client_id;
    IF NOT FOUND THEN
        outcome := 'UNKNOWN';
        RETURN;
    END IF;
    DELETE FROM guesses WHERE subject = 'codes of ' || whose;
    PERFORM add_audit(whose, CASE WHEN p_allow THEN 'client.allowed' ELSE 'client.denied' END,
                      jsonb_build_object('client_id', client_id, 'by', 'device code'));
END
$$;

-- What the token endpoint answers with: outcome OK, or the error code of RFC 6749 and RFC 8628.
CREATE TYPE login_grant AS (
    outcome text, user_id text, organization_id text, role text, email text, name text, scope text, nonce text
);

CREATE FUNCTION grant_of(p_user_id text, p_scope text, p_nonce text) RETURNS login_grant
LANGUAGE sql STABLE
AS $$
    SELECT 'OK', u.user_id, u.organization_id, u.role, u.email, u.name, p_scope, p_nonce
    FROM users u WHERE u.user_id = p_user_id
$$;

CREATE FUNCTION refuse_grant(p_error text) RETURNS login_grant
LANGUAGE sql IMMUTABLE
AS $$
    SELECT p_error, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text
$$;

-- A refresh token only for who asked for offline_access.
CREATE FUNCTION start_family(p_family_id uuid, p_user_id text, p_client_id text, p_scope text,
                             p_refresh_hash text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO token_families (family_id, user_id, client_id, scope, expires_at)
    VALUES (p_family_id, p_user_id, p_client_id, p_scope, platform_now() + interval '30 days');
    IF 'offline_access' = ANY (string_to_array(p_scope, ' ')) THEN
        INSERT INTO refresh_tokens (token_hash, family_id) VALUES (p_refresh_hash, p_family_id);
    END IF;
END
$$;

CREATE FUNCTION revoke_family(p_family_id uuid, p_why text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    revoked token_families;
BEGIN
    UPDATE token_families f SET revoked_at = platform_now()
    WHERE f.family_id = p_family_id AND f.revoked_at IS NULL RETURNING * INTO revoked;
    IF FOUND THEN
        PERFORM add_audit(revoked.user_id, 'tokens.revoked',
                          jsonb_build_object('client_id', revoked.client_id, 'why', p_why));
    END IF;
END
$$;

-- A code is used once (RFC 6749, 4.1.2); a second use revokes what the first one gave. A wrong client,
-- redirect or verifier uses the code up as well.
CREATE FUNCTION redeem_code(p_code_hash text, p_client_id text, p_redirect_uri text, p_challenge text,
                            p_family_id uuid, p_refresh_hash text) RETURNS login_grant
LANGUAGE plpgsql
AS $$
DECLARE
    code authorization_codes;
BEGIN
    SELECT * INTO code FROM authorization_codes c WHERE c.code_hash = p_code_hash FOR UPDATE;
    IF NOT FOUND THEN
        RETURN refuse_grant('invalid_grant');
    END IF;
    IF code.family_id IS NOT NULL THEN
        PERFORM revoke_family(code.family_id, 'an authorization code came twice');
        RETURN refuse_grant('invalid_grant');
    END IF;
    UPDATE authorization_codes c SET family_id = p_family_id, expires_at = platform_now() + interval '30 days'
    WHERE c.code_hash = p_code_hash;
    IF code.expires_at <= platform_now() OR code.client_id <> p_client_id
       OR code.redirect_uri <> p_redirect_uri OR code.challenge <> p_challenge THEN
        RETURN refuse_grant('invalid_grant');
    END IF;
    PERFORM start_family(p_family_id, code.user_id, code.client_id, code.scope, p_refresh_hash);
    RETURN grant_of(code.user_id, code.scope, code.nonce);
END
$$;

-- A refresh token is used once (RFC 9700, 4.14.2): who comes with a used one, or the client whose
-- token was stolen, ends the family.
CREATE FUNCTION rotate_refresh_token(p_refresh_hash text, p_client_id text, p_new_hash text)
RETURNS login_grant
LANGUAGE plpgsql
AS $$
DECLARE
    token refresh_tokens;
    family token_families;
BEGIN
    SELECT f.* INTO family FROM refresh_tokens t JOIN token_families f USING (family_id)
    WHERE t.token_hash = p_refresh_hash FOR UPDATE OF f;
    IF NOT FOUND OR family.client_id <> p_client_id THEN
        RETURN refuse_grant('invalid_grant');
    END IF;
    SELECT * INTO token FROM refresh_tokens t WHERE t.token_hash = p_refresh_hash;
    IF token.used_at IS NOT NULL THEN
        PERFORM revoke_family(family.family_id, 'a refresh token came twice');
        RETURN refuse_grant('invalid_grant');
    END IF;
    IF family.revoked_at IS NOT NULL OR family.expires_at <= platform_now() THEN
        RETURN refuse_grant('invalid_grant');
    END IF;
    UPDATE refresh_tokens t SET used_at = platform_now() WHERE t.token_hash = p_refresh_hash;
    INSERT INTO refresh_tokens (token_hash, family_id) VALUES (p_new_hash, family.family_id);
    RETURN grant_of(family.user_id, family.scope, NULL);
END
$$;

-- RFC 8628, 3.5: a device that asks more often than every 5 s is told to slow down.
CREATE FUNCTION poll_device_code(p_device_hash text, p_client_id text, p_family_id uuid, p_refresh_hash text)
RETURNS login_grant
LANGUAGE plpgsql
AS $$
DECLARE
    device device_codes;
BEGIN
    SELECT * INTO device FROM device_codes d WHERE d.device_hash = p_device_hash FOR UPDATE;
    IF NOT FOUND OR device.client_id <> p_client_id OR device.state = 'USED' THEN
        RETURN refuse_grant('invalid_grant');
    END IF;
    IF device.expires_at <= platform_now() THEN
        RETURN refuse_grant('expired_token');
    END IF;
    IF device.state = 'DENIED' THEN
        RETURN refuse_grant('access_denied');
    END IF;
    IF device.state = 'PENDING' THEN
        UPDATE device_codes d SET polled_at = platform_now() WHERE d.device_hash = p_device_hash;
        RETURN refuse_grant(CASE WHEN device.polled_at > platform_now() - interval '4 seconds'
                                 THEN 'slow_down' ELSE 'authorization_pending' END);
    END IF;
    UPDATE device_codes d SET state = 'USED' WHERE d.device_hash = p_device_hash;
    PERFORM start_family(p_family_id, device.user_id, device.client_id, device.scope, p_refresh_hash);
    RETURN grant_of(device.user_id, device.scope, NULL);
END
$$;

CREATE FUNCTION revoke_refresh_token(p_refresh_hash text, p_client_id text) RETURNS void
LANGUAGE sql
AS $$
    SELECT revoke_family(f.family_id, 'the client logged out')
    FROM refresh_tokens t JOIN token_families f USING (family_id)
    WHERE t.token_hash = p_refresh_hash AND f.client_id = p_client_id
$$;

CREATE FUNCTION create_api_key(p_key_id uuid, p_key_hash text, p_user_id text, p_name text,
                               p_can_write boolean, p_expires_at timestamptz) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO api_keys (key_id, key_hash, user_id, name, can_write, expires_at)
    SELECT p_key_id, p_key_hash, u.user_id, p_name, p_can_write, p_expires_at
    FROM users u WHERE u.user_id = p_user_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM add_audit(p_user_id, 'api_key.created',
                      jsonb_build_object('key_id', p_key_id, 'can_write', p_can_write,
                                         'expires_at', p_expires_at));
    RETURN true;
END
$$;

-- outcome: REVOKED, ALREADY_REVOKED or NOT_FOUND.
CREATE FUNCTION revoke_api_key(p_key_id uuid) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    key api_keys;
BEGIN
    SELECT * INTO key FROM api_keys k WHERE k.key_id = p_key_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'NOT_FOUND';
    END IF;
    IF key.revoked_at IS NOT NULL THEN
        RETURN 'ALREADY_REVOKED';
    END IF;
    UPDATE api_keys k SET revoked_at = platform_now() WHERE k.key_id = p_key_id;
    PERFORM add_audit(key.user_id, 'api_key.revoked', jsonb_build_object('key_id', p_key_id));
    RETURN 'REVOKED';
END
$$;
