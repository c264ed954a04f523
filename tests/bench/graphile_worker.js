/* Works off all jobs that do nothing, and prints how many it did and the seconds that it took:
 * JOBS SECONDS. Its own settings as they come: no local queue, each job is completed by itself.
 *
 * usage: node graphile_worker.js FOLDER CONCURRENCY JOBS     the database is that of PGHOST, PGDATABASE… */
"use strict";
const [folder, concurrency, jobs] = process.argv.slice(2);
const { createRequire } = require("module");
const load = createRequire(`${folder}/`);
const { Pool } = load("pg");
const { Logger, runMigrations, runOnce } = load("graphile-worker");

async function main() {
  const pool = new Pool({ max: Number(concurrency) + 2 });
  const quiet = new Logger(() => () => {});
  await runMigrations({ pgPool: pool, logger: quiet });
  await pool.query(
    "SELECT graphile_worker.add_job('noop', '{}'::json) FROM generate_series(1, $1::integer)", [jobs]);
  await pool.query("ANALYZE");
  let done = 0;
  const started = process.hrtime.bigint();
  await runOnce({
    pgPool: pool, logger: quiet, noHandleSignals: true, concurrency: Number(concurrency),
    taskList: { noop: async () => { done += 1; } },
  });
  console.log(done, Number(process.hrtime.bigint() - started) / 1e9);
  await pool.end();
}
main().catch((error) => { console.error(error); process.exit(1); });
