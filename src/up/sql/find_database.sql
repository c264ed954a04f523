-- (no parameters)
-- → found boolean
SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'slideway') AS found
