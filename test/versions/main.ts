/**
 * `npm run test:versions [-- --node 22 --postgres 14]`: runs chosen tests on other versions of Node and of Postgres, one
 * version after another. Prints a line for each, and the output of those that fail. Ends with 1 if one does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ensurePostgres } from '../../scripts/setup/postgres.mjs';
import { startPostgres } from '../../src/dev/embedded/postgres.ts';
import { cacheFolder } from '../../src/dev/embedded/server-binaries.ts';
import { asAdmin } from '../support/database-template.ts';
import { majorOf, nodeProgram } from '../support/node-program.ts';
import { readOptions, USAGE } from './options.ts';
import { ON_EACH_NODE, ON_EACH_POSTGRES } from './selection.ts';
import { OLDER_POSTGRES } from './tested-versions.ts';

const VITEST = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
/** A worker more imports everything once more. */
const VITEST_FLAGS = ['run', '--project', 'core', '--project', 'integration', '--maxWorkers', '2'];

interface Outcome {
  version: string;
  passed: boolean;
}

async function main(args: string[]): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  const { nodes, postgres } = readOptions(args, majorOf(process.version));
  const failed: string[] = [];
  const note = ({ version, passed }: Outcome) => void (passed || failed.push(version));
  for (const major of nodes) note(await testOnNode(major));
  for (const major of postgres) note(await testOnPostgres(major));
  console.log(failed.length === 0 ? 'all versions passed' : `failed on ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

/** With the embedded servers, which that Node starts, unless the environment names others. */
async function testOnNode(major: number): Promise<Outcome> {
  const program = await nodeProgram(major, 'exactly');
  if (program.kind === 'missing') throw new Error(program.what);
  return runTests(`Node ${program.version}`, program.path, ON_EACH_NODE, {});
}

/** With this process's Node. */
async function testOnPostgres(major: number): Promise<Outcome> {
  const version = OLDER_POSTGRES.get(major);
  const programs = version === undefined ? {} : { programs: await programsOf(version) };
  const dataDir = await mkdtemp(join(tmpdir(), `latchkey-postgres-${major}-`));
  const postgres = await startPostgres({ dataDir, persistent: false, ...programs });
  try {
    const name = await nameOf(postgres.url, major);
    return await runTests(name, process.execPath, ON_EACH_POSTGRES, { DATABASE_URL: postgres.url });
  } finally {
    await postgres.stop();
  }
}

/** @throws if it is of another major: the tests would show nothing */
async function nameOf(url: string, major: number): Promise<string> {
  const { rows } = await asAdmin(url, (admin) => admin.query('SHOW server_version'));
  const version = String(rows[0]?.server_version);
  if (Number.parseInt(version, 10) !== major) throw new Error(`Postgres ${major} is Postgres ${version}`);
  return `Postgres ${version}`;
}

function programsOf(version: string): Promise<string> {
  return ensurePostgres(version, cacheFolder(process.env));
}

async function runTests(
  version: string,
  node: string,
  filters: readonly string[],
  environment: Record<string, string>,
): Promise<Outcome> {
  const startedAt = performance.now();
  const child = spawn(node, [VITEST, ...VITEST_FLAGS, ...filters], {
    env: { ...process.env, NO_COLOR: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = () => void child.kill();
  process.once('exit', stop);
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  process.off('exit', stop);
  const passed = child.exitCode === 0;
  if (!passed) console.log(`${output}${errors}`);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(`${passed ? 'passed' : 'FAILED'}: ${version}, ${countsIn(output)} (${seconds} s)`);
  return { version, passed };
}

/** Vitest's own words about how many tests ran. */
function countsIn(output: string): string {
  return /Tests\s+(.*)/.exec(output)?.[1]?.trim() ?? 'no test ran';
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error, `\n${USAGE}`);
    process.exit(1);
  },
);
