-- What no statement may do, whoever wrote it: change the audit, or move a state as no table of moves
-- allows. The tables are those of src/runs/run.c and src/jobs/attempt_state.c;
-- tests/unit/state_moves.csv has every pair.

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

-- Runs and items. PENDING → PROCESSING: claim_items, and take_turn for the run; back: requeue_item, and
-- settle_run or succeed_attempts for the run; → TERMINATED: succeed_attempts, end_item, settle_run, close_run.
CREATE FUNCTION run_may_become(state_before text, state_after text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE state_before
        WHEN 'PENDING' THEN state_after IN ('PROCESSING', 'TERMINATED')
        WHEN 'PROCESSING' THEN state_after IN ('PENDING', 'TERMINATED')
        ELSE false
    END
$$;

-- Attempts: running (null) → an outcome: end_attempt, succeed_attempts.
CREATE FUNCTION attempt_may_become(outcome_before text, outcome_after text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT outcome_before IS NULL AND outcome_after IS NOT NULL $$;

-- Output artifacts: AVAILABLE → deleted by somebody: delete_outputs.
CREATE FUNCTION artifact_may_become(output_before text, output_after text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT output_before = 'AVAILABLE' AND output_after IN ('DELETED_BY_USER', 'DELETED_BY_SYSTEM') $$;

CREATE FUNCTION refuse_move() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% never changes its state', TG_ARGV[0]
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER item_moves_by_the_table
    BEFORE UPDATE ON items
    FOR EACH ROW
    WHEN ((OLD.state <> NEW.state AND NOT run_may_become(OLD.state, NEW.state))
          OR (OLD.state = 'TERMINATED'
              AND (NEW.termination_reason, NEW.terminated_at, NEW.attempt_id)
                  IS DISTINCT FROM (OLD.termination_reason, OLD.terminated_at, OLD.attempt_id)))
    EXECUTE FUNCTION refuse_move('a terminated item');

CREATE TRIGGER run_moves_by_the_table
    BEFORE UPDATE ON run_progress
    FOR EACH ROW
    WHEN ((OLD.state <> NEW.state AND NOT run_may_become(OLD.state, NEW.state))
          OR (OLD.state = 'TERMINATED' AND NEW IS DISTINCT FROM OLD))
    EXECUTE FUNCTION refuse_move('a terminated run');

CREATE TRIGGER attempt_moves_by_the_table
    BEFORE UPDATE ON attempts
    FOR EACH ROW
    WHEN (OLD.outcome IS DISTINCT FROM NEW.outcome AND NOT attempt_may_become(OLD.outcome, NEW.outcome))
    EXECUTE FUNCTION refuse_move('an attempt that has ended');

CREATE TRIGGER artifact_moves_by_the_table
    BEFORE UPDATE ON output_artifacts
    FOR EACH ROW
    WHEN (OLD.output <> NEW.output AND NOT artifact_may_become(OLD.output, NEW.output))
    EXECUTE FUNCTION refuse_move('a deleted artifact');
