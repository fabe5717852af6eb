import { parseArgs } from 'node:util';

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
  'npm run bench -- [--quick] [--json] [--check-counts] [--write-docs] [--phase <name>]… [--cpu-prof <folder>]';

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
      'cpu-prof': { type: 'string' },
    },
  });
  if (values['write-docs'] && values.quick)
    throw new Error('--write-docs needs the full run: leave out --quick');
  if (values['write-docs'] && values.phase)
    throw new Error('--write-docs needs all phases: leave out --phase');
  return {
    mode: values.quick ? 'quick' : 'full',
    json: values.json,
    checkCounts: values['check-counts'],
    writeDocs: values['write-docs'],
    phases: values.phase,
    profiles: values['cpu-prof'],
  };
}
