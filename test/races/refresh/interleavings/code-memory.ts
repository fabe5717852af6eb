import { isDeepStrictEqual } from 'node:util';
import {
  type Ask,
  type Ending,
  type Happening,
  type Program,
  type RunningProgram,
  runProgram,
} from './running-program.ts';
import { UnknownYet } from './unknown-yet.ts';

/** Where a program stands after a certain history. Two are the same only if they are the same object. */
export interface Moment {
  id: number;
  asks: readonly Ask[];
  ending: Ending | undefined;
}

/**
 * What the real code does, learned once a history: between two asks it is a function of what happened to it
 * before. Where two histories part, the older part is played again, and must ask for the same as it did before.
 */
export interface CodeMemory {
  start(name: string): Moment;
  next(moment: Moment, happening: Happening): Moment;
  /** Histories that the code was run for. */
  runs(): number;
}

interface Known extends Moment {
  name: string;
  before: { moment: Known; happening: Happening } | undefined;
  after: Map<string, Known>;
  /** The program itself, standing there, until it goes on or somebody newer takes its place. */
  running: RunningProgram | undefined;
}

export type Programs = (name: string) => { program: Program; number: number };

const KEPT_RUNNING = 1_000;

export function createCodeMemory(programs: Programs): CodeMemory {
  const starts = new Map<string, Known>();
  const moments: Known[] = [];

  function remember(name: string, running: RunningProgram, before?: Known['before']): Known {
    const known = { name, running, before, asks: running.asks(), ending: running.ending() };
    const moment: Known = { ...known, id: moments.length, after: new Map() };
    moments.push(moment);
    abandon(moments[moment.id - KEPT_RUNNING]);
    return moment;
  }

  async function play(name: string): Promise<RunningProgram> {
    const { program, number } = programs(name);
    return runProgram(program, number);
  }

  async function broughtTo(moment: Known): Promise<RunningProgram> {
    const { running, before } = moment;
    moment.running = undefined;
    if (running !== undefined) return running;
    const again = before === undefined ? await play(moment.name) : await broughtTo(before.moment);
    if (before !== undefined) await again.tell(before.happening);
    if (isDeepStrictEqual(again.asks(), moment.asks)) return again;
    throw new Error(`the code of ${moment.name} behaves in two ways after one history`);
  }

  return {
    start(name) {
      const known = starts.get(name);
      if (known !== undefined) return known;
      throw new UnknownYet(async () => void starts.set(name, remember(name, await play(name))));
    },
    next({ id }, happening) {
      const moment = moments[id];
      if (moment === undefined) throw new Error('a moment of another memory');
      const { ask, wall, monotonic, reply } = happening;
      const key = `${ask} ${wall} ${monotonic} ${reply.key}`;
      const known = moment.after.get(key);
      if (known !== undefined) return known;
      throw new UnknownYet(async () => {
        const running = await broughtTo(moment);
        await running.tell(happening);
        moment.after.set(key, remember(moment.name, running, { moment, happening }));
      });
    },
    runs: () => moments.length,
  };
}

function abandon(moment: Known | undefined): void {
  moment?.running?.abandon();
  if (moment) moment.running = undefined;
}
