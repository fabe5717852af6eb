/**
 * `npm run conformance [-- scenario…]`: runs the official conformance suite of MCP against Latchkey's client side.
 * Prints a line for each scenario, and last the counts. Ends with 1 unless everything went as expected.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { mapConcurrently } from '../../src/async/map-concurrently.ts';
import { type ConformanceSuite, createConformanceSuite } from './conformance-suite.ts';
import { type Expectations, type ScenarioResult, verdictOf } from './verdict.ts';

/** Milliseconds after which everything that still runs is ended. */
const TIME_LIMIT_MS = 170_000;
/** A scenario is two processes, which mostly wait for each other. */
const MAX_AT_ONCE = Math.min(availableParallelism(), 4);

async function main(chosen: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-conformance-'));
  const suite = createConformanceSuite(folder);
  endWith(suite);
  const expectations = await expectationsOf(suite);
  const { required, auth } = expectations;
  const scenarios = chosen.length > 0 ? chosen : [...new Set([...required, ...auth])];
  const results = await mapConcurrently(scenarios, (name) => runOne(suite, name, expectations), MAX_AT_ONCE);
  console.log(`what the suite has seen is in ${folder}`);
  const { problems, summary } = verdictOf(results, only(expectations, chosen));
  for (const problem of problems) console.log(`problem: ${problem}`);
  console.log(summary);
  return problems.length === 0 ? 0 : 1;
}

function endWith(suite: ConformanceSuite): void {
  process.on('exit', () => suite.stop());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  setTimeout(() => {
    console.log(`problem: not done after ${TIME_LIMIT_MS / 1000} s`);
    process.exit(1);
  }, TIME_LIMIT_MS).unref();
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
  const reason = expectedFailures[scenario];
  console.log(
    `${result.passed ? 'passed' : reason === undefined ? 'FAILED' : 'failed as expected'}: ${scenario}`,
  );
  if (!result.passed)
    for (const line of reason === undefined ? result.findings : [reason]) console.log(`    ${line}`);
  return result;
}

process.exitCode = await main(process.argv.slice(2));
