-- What no statement may do, whoever wrote it: change the audit, or leave a terminal state.

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'the audit table is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER audit_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- PENDING and PROCESSING go to and fro, both go to TERMINATED, nothing leaves TERMINATED.
CREATE FUNCTION refuse_leaving_terminated() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'a terminated % never changes its state', TG_ARGV[0]
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER item_terminated_is_final
    BEFORE UPDATE ON items
    FOR EACH ROW
    WHEN (OLD.state = 'TERMINATED'
          AND (NEW.state, NEW.termination_reason, NEW.terminated_at)
              IS DISTINCT FROM (OLD.state, OLD.termination_reason, OLD.terminated_at))
    EXECUTE FUNCTION refuse_leaving_terminated('item');

CREATE TRIGGER run_terminated_is_final
    BEFORE UPDATE ON run_progress
    FOR EACH ROW
    WHEN (OLD.state = 'TERMINATED' AND NEW IS DISTINCT FROM OLD)
    EXECUTE FUNCTION refuse_leaving_terminated('run');
