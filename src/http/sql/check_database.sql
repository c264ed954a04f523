-- → up int
SELECT 1 AS up
