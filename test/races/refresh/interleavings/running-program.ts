import type { Clock } from '../../../../src/credentials/clock.ts';
import type { Db, Pool } from '../../../../src/db/pool.ts';
import { type GuardedFetch, NetworkError } from '../../../../src/net/network.ts';

/** What a program waits for: each is a point at which others may come between. */
export type Ask =
  | { id: number; kind: 'query'; sql: string; values: readonly unknown[]; ofTurn: boolean }
  /** A connection to the authorization server; the veto is asked when it stands. */
  | { id: number; kind: 'connection' }
  /** The request has left. */
  | { id: number; kind: 'answer'; url: string; token: string }
  | { id: number; kind: 'sleep'; seconds: number }
  /** A timer that turns until it is stopped. */
  | { id: number; kind: 'turn'; seconds: number };

export interface Reply {
  /** Equal for equal replies. */
  key: string;
  value?: unknown;
  failure?: () => Error;
}

/** One thing that happened to a program, so many seconds after the one before, by either of its clocks. */
export interface Happening {
  ask: number;
  wall: number;
  monotonic: number;
  reply: Reply;
}

export type Ending = { value: unknown } | { error: unknown };

/** Everything through which the code under test touches the world. */
export interface Surroundings {
  db: Db;
  pool: Pool;
  guardedFetch: GuardedFetch;
  clock: Clock;
}

export type Program = (surroundings: Surroundings) => Promise<unknown>;

export interface RunningProgram {
  asks(): Ask[];
  ending(): Ending | undefined;
  /** Resolves when the program waits again, or has ended. */
  tell(happening: Happening): Promise<void>;
  /** Lets the code unwind; nothing that it still asks for is answered. */
  abandon(): void;
}

interface Waiting {
  ask: Ask;
  resolve(value: unknown): void;
  reject(error: Error): void;
  /** Of timers. */
  work?: () => void;
}

type Question = Ask extends infer A ? (A extends Ask ? Omit<A, 'id'> : never) : never;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Starts the real code with time, network and database in the hands of who started it. */
export async function runProgram(program: Program, number: number): Promise<RunningProgram> {
  const waiting = new Map<number, Waiting>();
  const uuids = new Map<string, string>();
  const time = { wall: 1_000_000, monotonic: 0 };
  let asked = 0;
  let inTurn = false;
  let isAbandoned = false;
  let ending: Ending | undefined;

  function ask(question: Question, work?: () => void): { id: number; reply: Promise<unknown> } {
    const id = asked++;
    const reply = new Promise((resolve, reject) => {
      if (isAbandoned) return reject(new Error('abandoned'));
      // The cast is safe: a question and an id are an ask.
      waiting.set(id, { ask: { ...question, id } as Ask, resolve, reject, ...(work && { work }) });
    });
    return { id, reply };
  }

  // Leases have random ids. Only whether two are the same matters: each is named by who made it, and when.
  function named(value: unknown): unknown {
    if (typeof value !== 'string' || !UUID.test(value)) return value;
    const name = uuids.get(value) ?? leaseId(number, uuids.size);
    uuids.set(value, name);
    return name;
  }

  const query = (sql: string, values: unknown[] = []) =>
    ask({ kind: 'query', sql, values: values.map(named), ofTurn: inTurn }).reply;

  const clock: Clock = {
    monotonicMs: () => time.monotonic * 1000,
    wallMs: () => time.wall * 1000,
    sleep: async (ms) => void (await ask({ kind: 'sleep', seconds: Math.ceil(ms / 1000) }).reply),
    every(ms, work) {
      const { id, reply } = ask({ kind: 'turn', seconds: ms / 1000 }, work);
      reply.catch(() => {}); // abandoned
      return () => void waiting.delete(id);
    },
  };

  // As src/net/exchange.ts does it: the veto is asked when the connection stands, and then the request leaves.
  const guardedFetch: GuardedFetch = async (url, init) => {
    await ask({ kind: 'connection' }).reply;
    try {
      init.beforeFirstByte?.();
    } catch (cause) {
      throw new NetworkError('vetoed', false, { cause });
    }
    const body = new URLSearchParams(String(init.body));
    const token = body.get('refresh_token') ?? body.get('token') ?? '';
    const answer = await ask({ kind: 'answer', url: String(url), token }).reply;
    // The cast is safe: the model of the authorization server makes the answers.
    const { status, json } = answer as { status: number; json: object };
    return new Response(JSON.stringify(json), { status });
  };

  async function settled(): Promise<void> {
    const isParked = () => ending !== undefined || [...waiting.values()].some(({ ask }) => isMain(ask));
    for (let turns = 0; turns < 1_000; turns += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (turns >= 3 && isParked()) return;
    }
    throw new Error('the program waits for something that nobody knows of');
  }

  // The casts are safe: the code under test calls nothing else of these.
  const db = { query } as unknown as Db;
  const pool = { query, connect: async () => ({ query, release() {} }) } as unknown as Pool;
  program({ db, pool, guardedFetch, clock }).then(
    (value) => {
      ending = { value };
    },
    (error: unknown) => {
      ending = { error };
    },
  );
  await settled();

  return {
    asks: () => [...waiting.values()].map((one) => one.ask),
    ending: () => ending,
    async tell({ ask: id, wall, monotonic, reply }) {
      const told = waiting.get(id);
      if (told === undefined) throw new Error(`nothing waits for ${id}`);
      time.wall += wall;
      time.monotonic += monotonic;
      if (told.work !== undefined) {
        inTurn = true;
        told.work();
        inTurn = false;
      } else {
        waiting.delete(id);
        if (reply.failure) told.reject(reply.failure());
        else told.resolve(reply.value);
      }
      await settled();
    },
    abandon() {
      isAbandoned = true;
      for (const { reject } of waiting.values()) reject(new Error('abandoned'));
      waiting.clear();
    },
  };
}

/** What a program does by itself, and not because a timer has turned. */
export function isMain(ask: Ask): boolean {
  return ask.kind !== 'turn' && !(ask.kind === 'query' && ask.ofTurn);
}

/** The name of the lease that a process made as its so-and-so-manieth. */
function leaseId(process: number, count: number): string {
  return `00000000-0000-4000-8000-${String(process).padStart(4, '0')}${String(count).padStart(8, '0')}`;
}

/** Which process made the lease of that name. */
export function processOfLease(id: string): number {
  return Number(id.slice(24, 28));
}
