-- What no statement may do, whoever wrote it: change the audit, or move a state as no table of moves
-- allows. The tables are those of src/runs/run.c and src/jobs/attempt_state.c;
-- tests/unit/state_moves.csv has every pair. The conditions are written out, short and without
-- functions: PostgreSQL reads and plans them anew for every statement that changes such a row. And
-- the triggers come AFTER: before an update, each row would be locked for them one by one.

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

CREATE FUNCTION refuse_move() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% never changes its state', TG_ARGV[0]
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

-- Items: PENDING and PROCESSING become each other and TERMINATED, which stays as it is. To PROCESSING:
-- claim_items; back: requeue_item; to TERMINATED: succeed_attempts, end_item, close_run.
CREATE TRIGGER item_moves_by_the_table
    AFTER UPDATE ON items
    FOR EACH ROW
    WHEN (OLD.state = 'TERMINATED'
          AND (NEW.state, NEW.termination_reason, NEW.terminated_at, NEW.attempt_id)
              IS DISTINCT FROM (OLD.state, OLD.termination_reason, OLD.terminated_at, OLD.attempt_id))
    EXECUTE FUNCTION refuse_move('a terminated item');

-- Runs: likewise. To PROCESSING: claim_items; back: settle_run, succeed_attempts; to TERMINATED:
-- settle_run, close_run.
CREATE TRIGGER run_moves_by_the_table
    AFTER UPDATE ON run_progress
    FOR EACH ROW
    WHEN (OLD.state = 'TERMINATED' AND NEW IS DISTINCT FROM OLD)
    EXECUTE FUNCTION refuse_move('a terminated run');

-- Attempts: running (null) becomes an outcome: end_attempt, succeed_attempts.
CREATE TRIGGER attempt_moves_by_the_table
    AFTER UPDATE ON attempts
    FOR EACH ROW
    WHEN (OLD.outcome IS NOT NULL AND NEW.outcome IS DISTINCT FROM OLD.outcome)
    EXECUTE FUNCTION refuse_move('an attempt that has ended');

-- Output artifacts of a run: AVAILABLE becomes deleted by somebody: delete_outputs.
CREATE TRIGGER artifact_moves_by_the_table
    AFTER UPDATE ON runs
    FOR EACH ROW
    WHEN (OLD.artifact_output <> 'AVAILABLE' AND NEW.artifact_output <> OLD.artifact_output)
    EXECUTE FUNCTION refuse_move('a deleted artifact');
