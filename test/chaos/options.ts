import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface ChaosOptions {
  seed: string;
  rounds: number;
  /** The whole run, settling included, takes about so long; fewer rounds than `rounds` are played then. */
  minutes: number;
  json: boolean;
  /** Instead of faults: Latchkey is made to look guilty, and the run passes if each of its crimes is found. */
  controls: boolean;
}

export const USAGE = `npm run test:chaos -- [--seed <text>] [--rounds <number, 100>] [--minutes <number>] [--json] [--controls]`;

/** @throws with a message for the user */
export function readOptions(args: string[]): ChaosOptions {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      rounds: { type: 'string', default: '100' },
      minutes: { type: 'string', default: 'Infinity' },
      json: { type: 'boolean', default: false },
      controls: { type: 'boolean', default: false },
    },
  });
  const { seed, json, controls } = values;
  return { seed, json, controls, rounds: positive(values.rounds), minutes: positive(values.minutes) };
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${text} is not a number over 0`);
  return number;
}
