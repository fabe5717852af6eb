import { loadavg } from 'node:os';
import { machineOf } from './machine.ts';
import type { Undo } from './names.ts';
import type { BenchOptions } from './options.ts';
import { type Phase, runPhase } from './phases/phase.ts';
import { PHASES } from './phases/phases.ts';
import { FULL, QUICK } from './plan.ts';
import { type PartialReport, reportSchema, type SomeFigures } from './report/figures.ts';
import { rounded } from './statistics.ts';
import { startWorld } from './world.ts';

export interface Measured {
  report: PartialReport;
  /** The folder of all logs. */
  folder: string;
}

/**
 * Runs the phases one after the other. `undo` ends everything that was started.
 *
 * @throws an error that names the phase, or if a figure is missing
 */
export async function measure(options: BenchOptions, undo: Undo): Promise<Measured> {
  const phases = chosen(options);
  const loadBefore = loadavg()[0] ?? 0;
  const clock = startClock();
  clock.say('starting Postgres, Temporal, the authorization server and the MCP server');
  const world = await startWorld(undo, options.profiles);
  clock.say(`logs are in ${world.folder}`);
  const seconds: Record<string, number> = { start: rounded(clock.seconds(), 1) };
  let figures: SomeFigures = {};
  for (const phase of phases) {
    const startedAt = clock.seconds();
    const say = (line: string) => clock.say(`${phase.name}: ${line}`);
    const plan = options.mode === 'quick' ? QUICK : FULL;
    figures = merged(figures, await runPhase(phase, { world, plan, mode: options.mode, say }));
    seconds[phase.name] = rounded(clock.seconds() - startedAt, 1);
  }
  const machine = await machineOf(world, loadBefore);
  const report = { mode: options.mode, at: new Date().toISOString(), machine, seconds, ...figures };
  const isWhole = options.phases === undefined;
  return {
    report: isWhole ? reportSchema.parse(report) : report,
    folder: world.folder,
  };
}

/** @throws with a message for the user */
function chosen({ phases: names, mode }: BenchOptions): readonly Phase[] {
  const unknown = names?.find((name) => !PHASES.some((phase) => phase.name === name));
  if (unknown !== undefined) {
    throw new Error(`--phase is one of ${PHASES.map(({ name }) => name).join(', ')}, not ${unknown}`);
  }
  return PHASES.filter((phase) => names?.includes(phase.name) ?? isDefault(phase, mode));
}

function isDefault({ fullOnly, byName }: Phase, mode: BenchOptions['mode']): boolean {
  return byName !== true && (mode === 'full' || fullOnly !== true);
}

/** Progress is on stderr: stdout is for the result. */
function startClock() {
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  const say = (line: string) => process.stderr.write(`${seconds().toFixed(0).padStart(5)} s  ${line}\n`);
  return { seconds, say };
}

function merged(one: SomeFigures, other: SomeFigures): SomeFigures {
  const growth = one.growth || other.growth ? { growth: { ...one.growth, ...other.growth } } : {};
  return { ...one, ...other, spread: { ...one.spread, ...other.spread }, ...growth };
}
