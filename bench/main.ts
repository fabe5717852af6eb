/**
 * `npm run bench`: measures steps against the plain workflows that a team would write instead, on this machine, in one
 * go. docs/performance.md describes the method.
 */
import { loadavg } from 'node:os';
import { machineOf } from './machine.ts';
import type { Undo } from './names.ts';
import { type BenchOptions, readOptions, USAGE } from './options.ts';
import { runPhase } from './phases/phase.ts';
import { PHASES } from './phases/phases.ts';
import { FULL, QUICK } from './plan.ts';
import type { PartialReport, SomeFigures } from './report/figures.ts';
import { rounded } from './statistics.ts';
import { startWorld } from './world.ts';

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const undo: Undo = [];
  const cleanUp = async () => {
    for (const undoOne of undo.splice(0).reverse()) await undoOne().catch(console.error);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => cleanUp().finally(() => process.exit(1)));
  }
  try {
    const report = await measure(options, undo);
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } catch (error) {
    // Before the clean-up, which may fail because of it.
    console.error(error);
    process.exitCode = 1;
  } finally {
    await cleanUp();
    // The Temporal connection is still open: the SDK repeats calls on timers, which throw if it has been closed.
    process.exit();
  }
}

async function measure(options: BenchOptions, undo: Undo): Promise<PartialReport> {
  const loadBefore = loadavg()[0] ?? 0;
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  const say = (line: string) => process.stderr.write(`${elapsed().toFixed(0).padStart(5)} s  ${line}\n`);
  const { mode } = options;
  say('starting Postgres, Temporal, the authorization server and the MCP server');
  const world = await startWorld(undo, options.profiles);
  say(`logs are in ${world.folder}`);
  const seconds: Record<string, number> = { start: rounded(elapsed(), 1) };
  let figures: SomeFigures = {};
  for (const phase of PHASES) {
    if (options.phases !== undefined && !options.phases.includes(phase.name)) continue;
    const phaseStartedAt = elapsed();
    const plan = mode === 'quick' ? QUICK : FULL;
    figures = merged(
      figures,
      await runPhase(phase, { world, plan, mode, say: (line) => say(`${phase.name}: ${line}`) }),
    );
    seconds[phase.name] = rounded(elapsed() - phaseStartedAt, 1);
  }
  return {
    mode,
    at: new Date().toISOString(),
    machine: await machineOf(world, loadBefore),
    seconds,
    ...figures,
  };
}

function merged(one: SomeFigures, other: SomeFigures): SomeFigures {
  return { ...one, ...other, spread: { ...one.spread, ...other.spread } };
}

main().catch((error: unknown) => {
  console.error(error, `\n${USAGE}`);
  process.exitCode = 1;
});
