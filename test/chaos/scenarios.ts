import type { Random } from './random.ts';

export const WORKERS = ['worker-1', 'worker-2', 'worker-3'] as const;
export const APIS = ['api-1', 'api-2'] as const;

/** What is done to whom, when. Milliseconds from the round's start. */
export type FaultAction = { atMs: number } & (
  | { do: 'kill'; post: string; aim?: Aim }
  | { do: 'stop'; post: string; forMs: number; aim?: Aim }
  | { do: 'drain'; post: string }
  | { do: 'restart'; server: 'postgres' | 'temporal'; downMs: number; abrupt: boolean }
  /** Ends every database connection of the product, inside transactions too, so many times, a second apart. */
  | { do: 'cut-connections'; times: number }
);

/** Instead of that post: whoever of its role sends the next refresh, so many milliseconds after it came in. */
export interface Aim {
  afterMs: number;
}

/** A kind of fault, as the table names it. */
export interface Scenario {
  name: string;
  actions(random: Random): FaultAction[];
}

const LATEST_MS = 8_000;
/** Of the token endpoint's answer, and a little for storing it. */
const WINDOW_MS = 350;

const moment = (random: Random) => random.int(0, LATEST_MS);
const someAim = (random: Random) =>
  random.chance(0.5) ? { aim: { afterMs: random.int(0, WINDOW_MS) } } : {};
const several = <T>(random: Random, most: number, draw: () => T) =>
  Array.from({ length: random.int(1, most) }, draw);

function killWorker(random: Random): FaultAction {
  return { atMs: moment(random), do: 'kill', post: random.pick(WORKERS), ...someAim(random) };
}

function stopWorker(random: Random, shortest: number, longest: number): FaultAction {
  const forMs = random.int(shortest, longest);
  return { atMs: moment(random), do: 'stop', post: random.pick(WORKERS), forMs, ...someAim(random) };
}

function restart(random: Random, server: 'postgres' | 'temporal'): FaultAction {
  // The dev server's file is not made to survive a crash; Postgres is.
  const abrupt = server === 'postgres' && random.chance(0.5);
  return { atMs: moment(random), do: 'restart', server, downMs: random.int(0, 6_000), abrupt };
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'SIGKILL worker',
    actions: (random) => several(random, 3, () => killWorker(random)),
  },
  {
    name: 'SIGKILL every worker',
    actions: (random) => {
      const atMs = moment(random);
      return WORKERS.map((post) => ({ atMs: atMs + random.int(0, 200), do: 'kill', post }));
    },
  },
  {
    name: 'SIGKILL api',
    actions: (random) =>
      several(random, 2, () => ({
        atMs: moment(random),
        do: 'kill',
        post: random.pick(APIS),
        ...someAim(random),
      })),
  },
  {
    name: 'SIGSTOP worker, briefly',
    actions: (random) => several(random, 3, () => stopWorker(random, 200, 8_000)),
  },
  {
    name: 'SIGSTOP worker, beyond its lease',
    actions: (random) => [stopWorker(random, 18_000, 38_000)],
  },
  {
    name: 'SIGSTOP api',
    actions: (random) => [
      {
        atMs: moment(random),
        do: 'stop',
        post: random.pick(APIS),
        forMs: random.int(500, 22_000),
        ...someAim(random),
      },
    ],
  },
  {
    name: 'SIGTERM worker, api',
    actions: (random) => [
      { atMs: moment(random), do: 'drain', post: random.pick(WORKERS) },
      { atMs: moment(random), do: 'drain', post: random.pick(APIS) },
    ],
  },
  {
    name: 'restart Temporal',
    actions: (random) => [restart(random, 'temporal')],
  },
  {
    name: 'restart Postgres',
    actions: (random) => [restart(random, 'postgres')],
  },
  {
    name: 'cut database connections',
    actions: (random) => [{ atMs: moment(random), do: 'cut-connections', times: random.int(2, 8) }],
  },
  {
    name: 'restart Temporal + Postgres',
    actions: (random) => [restart(random, 'temporal'), restart(random, 'postgres')],
  },
  {
    name: 'SIGKILL worker, api + restart Temporal',
    actions: (random) => [
      killWorker(random),
      { atMs: moment(random), do: 'kill', post: random.pick(APIS) },
      restart(random, 'temporal'),
    ],
  },
  {
    name: 'SIGKILL worker + restart Postgres',
    actions: (random) => [killWorker(random), restart(random, 'postgres'), killWorker(random)],
  },
  {
    name: 'SIGSTOP worker + restart Postgres',
    actions: (random) => [stopWorker(random, 2_000, 20_000), restart(random, 'postgres')],
  },
];

/** Each kind once in a random order, again and again: even a short run meets most of them. */
export function scenarioOfRound(random: Random, round: number): Scenario {
  const deck = random.fork(`deck ${Math.floor(round / SCENARIOS.length)}`);
  const shuffled = SCENARIOS.map((scenario) => ({ scenario, place: deck.int(0, 1_000_000) })).sort(
    (a, b) => a.place - b.place,
  );
  const drawn = shuffled[round % SCENARIOS.length]?.scenario;
  if (drawn === undefined) throw new Error('the deck has no such card');
  return drawn;
}
