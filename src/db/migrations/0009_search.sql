-- Serves every JSONPath filter on runs that holds an equality; the others are answered from the
-- caller's runs, newest first.
CREATE INDEX runs_by_custom_metadata ON runs USING gin (custom_metadata jsonb_path_ops);
