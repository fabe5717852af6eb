/**
 * `npm run conformance [-- scenario…]`: runs the official conformance suite of MCP against Latchkey's client side.
 * Prints a line for each scenario, and last the counts. Ends with 1 unless everything went as expected.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import { bundleClient } from './bundle-client.ts';
import { type ConformanceSuite, createConformanceSuite } from './conformance-suite.ts';
import { openDatabase } from './open-database.ts';
import { type Expectations, type ScenarioResult, type Verdict, verdictOf } from './verdict.ts';

/** Milliseconds after which the scenarios that are left count as failed. */
const TIME_LIMIT_MS = 400_000;
/** A scenario is two processes, which wait for each other most of the time. */
const MAX_AT_ONCE = Math.min(availableParallelism(), 4);

async function main(chosen: readonly string[]): Promise<number> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-conformance-'));
  const [database, client] = await Promise.all([openDatabase(), bundleClient()]);
  const suite = createConformanceSuite({ client: client.path, databaseUrl: database.url, folder });
  process.on('exit', () => suite.stop());
  setTimeout(() => suite.stop(), TIME_LIMIT_MS).unref();
  try {
    const { problems, summary } = await runAll(suite, chosen);
    if (problems.length > 0) console.log(`What the suite has seen is in ${folder}.`);
    else rmSync(folder, { recursive: true });
    for (const problem of problems) console.log(`problem: ${problem}`);
    console.log(summary);
    return problems.length === 0 ? 0 : 1;
  } finally {
    await Promise.all([database.close(), client.remove()]);
  }
}

async function runAll(suite: ConformanceSuite, chosen: readonly string[]): Promise<Verdict> {
  const expectations = await expectationsOf(suite);
  const { required, auth } = expectations;
  const scenarios = chosen.length > 0 ? chosen : [...new Set([...required, ...auth])];
  const results = await mapConcurrently(scenarios, (name) => runOne(suite, name, expectations), MAX_AT_ONCE);
  return verdictOf(results, only(expectations, chosen));
}

async function expectationsOf(suite: ConformanceSuite): Promise<Expectations> {
  const file = new URL('./expected-failures.json', import.meta.url);
  // The cast: the file is this program's own.
  const expectedFailures = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  return { ...(await suite.scenarios()), expectedFailures };
}

/** The expectations of the chosen scenarios, or all. */
function only(all: Expectations, chosen: readonly string[]): Expectations {
  if (chosen.length === 0) return all;
  const isChosen = (name: string) => chosen.includes(name);
  return {
    required: all.required.filter(isChosen),
    auth: all.auth.filter(isChosen),
    expectedFailures: Object.fromEntries(
      Object.entries(all.expectedFailures).filter(([name]) => isChosen(name)),
    ),
  };
}

async function runOne(
  suite: ConformanceSuite,
  scenario: string,
  { expectedFailures }: Expectations,
): Promise<ScenarioResult> {
  const result = await suite.run(scenario);
  for (const line of reportOf(result, expectedFailures[scenario])) console.log(line);
  return result;
}

/** @param reason why the scenario is expected to fail */
function reportOf({ scenario, passed, findings }: ScenarioResult, reason?: string): string[] {
  if (passed) return [`passed: ${scenario}`];
  if (reason !== undefined) return [`failed as expected: ${scenario}`, `    ${reason}`];
  return [`FAILED: ${scenario}`, ...findings.map((finding) => `    ${finding}`)];
}

process.exitCode = await main(process.argv.slice(2));
