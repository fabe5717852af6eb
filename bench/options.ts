import { parseArgs } from 'node:util';
import { GROWTH_PHASES } from './names.ts';

export interface BenchOptions {
  /** `quick` takes a few minutes and is for checking that the benchmark runs; its times say little. */
  mode: 'full' | 'quick';
  /** The last line of stdout is one JSON object. Default: a table. */
  json: boolean;
  /** Exit code 1 if a count differs from what the design promises. */
  checkCounts: boolean;
  /** Write the figures and plots into `docs/`. */
  writeDocs: boolean;
  /** The names of the phases to run. Default: all, which the whole result needs. */
  phases: string[] | undefined;
  /** A folder for CPU profiles of the worker processes. */
  profiles: string | undefined;
}

export const USAGE =
  'npm run bench -- [--quick] [--json] [--check-counts] [--write-docs] [--growth | --phase <name>…] [--cpu-prof <folder>]';

/** @throws with a message for the user */
export function readOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'check-counts': { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      phase: { type: 'string', multiple: true },
      growth: { type: 'boolean', default: false },
      'cpu-prof': { type: 'string' },
    },
  });
  if (values['write-docs'] && values.quick)
    throw new Error('--write-docs needs the full run: leave out --quick');
  if (values.growth && values.phase) throw new Error('--growth names its phases: leave out --phase');
  const phases = values.growth ? [...GROWTH_PHASES] : values.phase;
  if (values['write-docs'] && phases !== undefined && !phases.every(isOfGrowth))
    throw new Error('--write-docs needs all phases, or those of --growth: leave out --phase');
  return {
    mode: values.quick ? 'quick' : 'full',
    json: values.json,
    checkCounts: values['check-counts'],
    writeDocs: values['write-docs'],
    phases,
    profiles: values['cpu-prof'],
  };
}

/** Each phase of `--growth` writes figures of its own into the docs. */
function isOfGrowth(phase: string): boolean {
  return GROWTH_PHASES.some((name) => name === phase);
}
