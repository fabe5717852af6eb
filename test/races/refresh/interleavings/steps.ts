import { NetworkError } from '../../../../src/net/network.ts';
import * as server from './authorization-server-model.ts';
import * as calls from './calls.ts';
import type { CodeMemory } from './code-memory.ts';
import { describeQuery, nameOf } from './descriptions.ts';
import { wrongChange } from './row-rules.ts';
import type { Ask, Reply } from './running-program.ts';
import { DISCONNECTING, depositing, type FaultKind, REVOKING, renewing, type Scenario } from './scenario.ts';
import type { SqlMemory } from './sql-memory.ts';
import type { Call, Process, Request, State, UsersDoing } from './state.ts';

/** Everything that the states of one exploration have in common. */
export interface World {
  scenario: Scenario;
  code: CodeMemory;
  sql: SqlMemory;
}

export interface Step {
  label: string;
  state: State;
  /** What must never happen, and has. */
  wrong?: string;
  /** What came of a renewal or revocation that ended with this step. */
  said?: string;
}

/** Seconds after which nothing about the start of Postgres matters any more. */
export const LONG_STARTED = 30;
const LONGEST_DOWN = 20;
/** A query is given up after this (`statement_timeout`). */
const LONGEST_QUERY = 15;
const PAUSE_AFTER_BUSY = 1;
const PAUSE_AFTER_FAILURE = 2;

/** Everything that may happen next. */
export function stepsFrom(world: World, state: State): Step[] {
  const steps: Step[] = [];
  for (const index of state.processes.keys()) steps.push(...stepsOfProcess(world, state, index));
  for (const index of state.requests.keys()) steps.push(...stepsOfRequest(world, state, index));
  steps.push(...stepsOfUser(world, state), ...stepsOfPostgres(world, state));
  if (!isUrgent(world, state)) steps.push({ label: 'a second passes', state: oneSecondLater(world, state) });
  return steps;
}

// --- processes

function stepsOfProcess(world: World, state: State, index: number): Step[] {
  const process = processAt(state, index);
  switch (process.life) {
    case 'crashed':
      return [];
    case 'frozen':
    case 'suspended':
      return [
        {
          label: `${nameOf(index)} goes on`,
          state: withProcess(state, index, { ...process, life: 'running' }),
        },
      ];
    case 'running':
      if (process.call === undefined) return begin(world, state, index);
      return [...stepsOfCall(world, state, index, process.call), ...faultsOfProcess(world, state, index)];
    default:
      return process.life satisfies never;
  }
}

function begin({ code, sql }: World, state: State, index: number): Step[] {
  const process = processAt(state, index);
  if (process.pause !== undefined && process.pause > 0) return [];
  const isRevoker = process.role === 'revoker';
  const mayBegin = isRevoker ? sql.image(state.row).revocation_jwe !== null : process.todo > 0;
  if (!mayBegin) return [];
  const { pause: _, ...rest } = process;
  const call = calls.startCall(code.start(isRevoker ? REVOKING : renewing(index, process.seen)));
  const label = `${nameOf(index)} begins ${isRevoker ? 'to revoke' : 'to renew'}`;
  return [{ label, state: withProcess(state, index, { ...rest, call }) }];
}

function stepsOfCall(world: World, state: State, index: number, call: Call): Step[] {
  return call.moment.asks.flatMap((ask) => {
    switch (ask.kind) {
      case 'query':
        return stepsOfQuery(world, state, index, ask);
      case 'connection':
        return connect(world, state, index, ask);
      case 'sleep':
      case 'turn':
        if (secondsUntil(call, ask.id) > 0) return [];
        return [
          tell(world, state, index, ask.id, undefined, ask.kind === 'turn' ? 'turns its timer' : 'wakes up'),
        ];
      case 'answer':
        return [];
      default:
        return ask satisfies never;
    }
  });
}

function stepsOfQuery(world: World, state: State, index: number, ask: Ask & { kind: 'query' }): Step[] {
  const failed = (label: string, from: State) =>
    tell(world, from, index, ask.id, QUERY_FAILED, `${describeQuery(ask)}: ${label}`);
  if (state.down !== undefined) return [failed('Postgres is down', state)];
  const { row, reply } = world.sql.execute(state.row, state.startedAgo, ask);
  const executed = { ...state, row };
  const steps = [
    tell(world, stored(state, executed, index, world), index, ask.id, reply, describeQuery(ask, reply)),
  ];
  const wrong = wrongOf(world, state, executed);
  if (wrong !== undefined) steps[0] = { ...at(steps, 0), wrong };
  if (processAt(state, index).role === 'revoker') return steps;
  for (const spent of spending(world, state, 'failed-query')) {
    steps.push(failed('it fails, and was not executed', spent));
    if (row !== state.row) {
      const unacknowledged = stored(spent, { ...spent, row }, index, world);
      steps.push(failed('it is executed, and fails', unacknowledged));
    }
  }
  if (!ask.ofTurn && processAt(state, index).call?.stalled === undefined) {
    for (const spent of spending(world, state, 'slow-query')) {
      const slow = mapCall(spent, index, (call) => ({ ...call, stalled: [ask.id, LONGEST_QUERY] }));
      steps.push({
        label: `${nameOf(index)} ${describeQuery(ask)}: the database takes its time`,
        state: slow,
      });
    }
  }
  return steps;
}

const QUERY_FAILED: Reply = { key: 'failed', failure: () => new Error('the query failed') };

function wrongOf({ scenario, sql }: World, before: State, after: State): string | undefined {
  if (before.row === after.row) return undefined;
  return wrongChange(scenario.server, before.grants, sql.image(before.row), sql.image(after.row));
}

// What a process has written back can't get lost with it any more.
function stored(before: State, after: State, index: number, { sql }: World): State {
  if (before.row.id === after.row.id) return after;
  const isNewToken = sql.image(after.row).token_version > sql.image(before.row).token_version;
  return isNewToken ? withoutTaken(after, index) : after;
}

function connect(world: World, state: State, index: number, ask: Ask): Step[] {
  const steps = [tell(world, state, index, ask.id, STANDS, 'has a connection')];
  if (processAt(state, index).role === 'revoker') return steps;
  for (const spent of spending(world, state, 'turned-away')) {
    steps.push(tell(world, spent, index, ask.id, REFUSED, 'gets no connection'));
  }
  return steps;
}

const STANDS: Reply = { key: 'stands' };
const REFUSED: Reply = { key: 'refused', failure: () => new NetworkError('connect-refused', false) };
const RESET: Reply = { key: 'reset', failure: () => new NetworkError('reset', true) };

function faultsOfProcess(world: World, state: State, index: number): Step[] {
  const process = processAt(state, index);
  if (process.role === 'revoker') return [];
  const { call: _, ...rest } = process;
  const stop = (life: 'frozen' | 'suspended') => (spent: State) =>
    withProcess(spent, index, { ...process, life });
  const faults: [FaultKind, string, (spent: State) => State][] = [
    [
      'crash',
      'crashes',
      (spent) => lose(withProcess(spent, index, { ...rest, todo: 0, life: 'crashed' }), index),
    ],
    ['freeze', 'freezes', stop('frozen')],
    ['suspension', 'is suspended', stop('suspended')],
  ];
  return faults.flatMap(([kind, label, happen]) =>
    spending(world, state, kind).map((spent) => ({
      label: `${nameOf(index)} ${label}`,
      state: happen(spent),
    })),
  );
}

/** What becomes of a process that is told something: perhaps it sends a request, perhaps its call ends. */
function tell(
  { code }: World,
  state: State,
  index: number,
  ask: number,
  reply: Reply | undefined,
  label: string,
): Step {
  const process = processAt(state, index);
  if (process.call === undefined) throw new Error('it waits for nothing');
  const call = calls.tell(code, process.call, ask, reply);
  const sent = call.moment.asks.find(
    (one) => one.kind === 'answer' && !process.call?.moment.asks.includes(one),
  );
  let next = withProcess(state, index, { ...process, call });
  if (sent?.kind === 'answer' && !state.requests.some((one) => one.owner === index && one.ask === sent.id)) {
    next = { ...next, requests: [...next.requests, newRequest(index, sent)] };
  }
  if (reply?.key === STANDS.key)
    label += sent ? ` and sends ${sent.kind === 'answer' && sent.token}` : ' and lets it be';
  const ended = calls.hasEnded(call) ? conclude(next, index, call) : { state: next };
  const outcome = 'said' in ended ? `, and ends: ${ended.said}` : '';
  return { ...ended, label: `${nameOf(index)} ${label}${outcome}` };
}

function newRequest(owner: number, { id, url, token }: Ask & { kind: 'answer' }): Request {
  const to = url.endsWith('revoke') ? 'revocation' : 'token';
  return { owner, ask: id, to, token, age: 0, hasRotated: false, isTaken: false };
}

// As the activity and the workflow go on: later again with what was seen, or with what there is now.
function conclude(
  state: State,
  index: number,
  { moment }: Call,
): { state: State; said: string; wrong?: string } {
  const { call: _, ...process } = processAt(state, index);
  const done = (next: Process, said: string) => ({
    state: withoutTaken(withProcess(state, index, next), index),
    said,
  });
  if (moment.ending === undefined || 'error' in moment.ending) {
    return done({ ...process, pause: PAUSE_AFTER_FAILURE }, 'its renewal has failed');
  }
  if (process.role === 'revoker') return done(process, String(moment.ending.value));
  // The cast is safe: every program but the revoker's is a renewal.
  const outcome = moment.ending
    .value as import('../../../../src/credentials/refresh/renewal-outcome.ts').RenewalOutcome;
  switch (outcome.kind) {
    case 'busy':
      return done({ ...process, pause: PAUSE_AFTER_BUSY }, outcome.kind);
    case 'unavailable':
      return done({ ...process, pause: PAUSE_AFTER_FAILURE }, `${outcome.kind} (${outcome.cause})`);
    case 'renewed': {
      const seen = outcome.versions;
      return done({ ...process, seen, todo: process.todo - 1, pause: PAUSE_AFTER_BUSY }, outcome.kind);
    }
    case 'reauth-required':
      return done({ ...process, todo: 0 }, `${outcome.kind} (${outcome.reason})`);
    case 'key-missing':
      return { ...done({ ...process, todo: 0 }, outcome.kind), wrong: `key ${outcome.kid} is missing` };
    case 'misconfigured':
      return { ...done({ ...process, todo: 0 }, outcome.kind), wrong: outcome.message };
    default:
      return outcome satisfies never;
  }
}

// --- requests

function stepsOfRequest(world: World, state: State, index: number): Step[] {
  const request = at(state.requests, index);
  if (request.isTaken) return [];
  const steps = request.answer
    ? deliver(world, state, index, request)
    : [process(world, state, index, request)];
  return request.to === 'revocation' ? steps : [...steps, ...faultsOfRequest(world, state, index, request)];
}

function process({ scenario }: World, state: State, index: number, request: Request): Step {
  const { token, to } = request;
  const isSpent = server.numberOf(token) < server.grantOf(state.grants, token).current;
  const wasAlive = server.grantOf(state.grants, token).isAlive;
  const verdict =
    to === 'token'
      ? server.refresh(scenario.server, state.grants, token)
      : server.revoke(state.grants, token);
  const { grants, answer, event } = verdict;
  const label = `the server processes ${token} of ${nameOf(request.owner)}: ${event}`;
  const hasRotated = event === 'rotated' || event === 'given-again';
  const processed = withRequest({ ...state, grants }, index, { ...request, answer, hasRotated });
  if (to === 'revocation') return { label, state: processed };
  const next = settleOrphan(excuse(processed, state, request, event), index);
  const isSentTwice = isSpent && wasAlive && !isExcused(state, request);
  return {
    label,
    state: next,
    ...(isSentTwice && { wrong: `${token} is sent twice, and nobody had failed` }),
  };
}

// A request whose sender has gone: what it was given is lost as soon as it is given.
function settleOrphan(state: State, index: number): State {
  const request = at(state.requests, index);
  if (request.ask !== undefined) return state;
  const requests = state.requests.filter((one) => one !== request);
  return request.hasRotated ? forgetTokens({ ...state, requests }, request.token) : { ...state, requests };
}

function excuse(next: State, before: State, request: Request, event: server.Verdict['event']): State {
  return event === 'reused' && isExcused(before, request) ? addExcused(next, request.token) : next;
}

/** Whether an earlier sender of the token, or this one, had failed in a way that nobody could know of. */
function isExcused(state: State, request: Request): boolean {
  if (request.orphaned !== undefined || state.orphaned[request.token] !== undefined) return true;
  return state.requests.some(
    (one) => one.token === request.token && one.hasRotated && one.orphaned !== undefined,
  );
}

function deliver(world: World, state: State, index: number, request: Request): Step[] {
  const { owner, ask, answer } = request;
  if (ask === undefined || processAt(state, owner).life !== 'running') return [];
  const { ask: _, ...taken } = request;
  const reply = { key: JSON.stringify(answer), value: answer };
  const delivered = withRequest(state, index, { ...taken, isTaken: true });
  return [tell(world, delivered, owner, ask, reply, `gets the answer to ${request.token}`)];
}

function faultsOfRequest(world: World, state: State, index: number, request: Request): Step[] {
  const { owner, ask } = request;
  if (ask === undefined || processAt(state, owner).life !== 'running') return [];
  const broken = spending(world, state, 'broken-connection').map((spent) =>
    tell(world, abandonRequest(spent, index), owner, ask, RESET, `loses the connection for ${request.token}`),
  );
  if (request.answer !== undefined) return broken;
  const limited = spending(world, state, 'turned-away').map((spent) => ({
    label: `the server turns ${request.token} of ${nameOf(owner)} away (429)`,
    state: withRequest(spent, index, { ...request, answer: { status: 429, json: {} } }),
  }));
  return [...broken, ...limited];
}

/** Nobody waits for the request any more. If it was not processed, it may still be. */
function abandonRequest(state: State, index: number): State {
  const { ask: _, ...request } = at(state.requests, index);
  const isProcessed = request.answer !== undefined;
  if (!isProcessed) return withRequest(state, index, { ...request, orphaned: 'lost' });
  const requests = state.requests.filter((_one, other) => other !== index);
  return request.hasRotated ? forgetTokens({ ...state, requests }, request.token) : { ...state, requests };
}

/** All requests of a process that has crashed. */
function lose(state: State, owner: number): State {
  let next = state;
  for (let index = state.requests.length - 1; index >= 0; index -= 1) {
    if (at(next.requests, index).owner === owner) next = abandonRequest(next, index);
  }
  return next;
}

function forgetTokens(state: State, token: string): State {
  return addExcused({ ...state, orphaned: { ...state.orphaned, [token]: 'lost' } }, token);
}

function addExcused(state: State, token: string): State {
  const family = server.familyOf(token);
  return state.excused.includes(family)
    ? state
    : { ...state, excused: [...state.excused, family].sort().join('') };
}

// The answers that a process had are stored, or of no use any more.
function withoutTaken(state: State, owner: number): State {
  let { orphaned } = state;
  const requests = state.requests.filter((one) => {
    const isOver = one.owner === owner && one.isTaken;
    if (isOver && one.hasRotated && one.orphaned) orphaned = { ...orphaned, [one.token]: one.orphaned };
    return !isOver;
  });
  return { ...state, requests, orphaned };
}

// --- the user, Postgres, time

function stepsOfUser(world: World, state: State): Step[] {
  if (state.down !== undefined) return [];
  const isDisconnected = world.sql.image(state.row).status === 'disconnected';
  // A user who has had r1 revoked does not deposit it any more.
  const mayCome = state.toCome.filter((doing) => !(isDisconnected && doing === 'deposit-changed'));
  return mayCome.map((doing) => {
    const name = PROGRAM_OF[doing];
    const toCome = state.toCome.filter((one) => one !== doing);
    const next = atOnce(world, { ...state, toCome }, name);
    const grants = doing === 'deposit' ? { ...next.grants, d: server.NEW_GRANT } : next.grants;
    return { label: labelOf(doing), state: { ...next, grants } };
  });
}

const PROGRAM_OF: Record<UsersDoing, string> = {
  deposit: depositing('d1'),
  'deposit-same': depositing('r1'),
  'deposit-changed': depositing('r1', 's2'),
  disconnect: DISCONNECTING,
};

function labelOf(doing: UsersDoing): string {
  return {
    deposit: 'the user deposits d1',
    'deposit-same': 'the user deposits r1 again',
    'deposit-changed': 'the user deposits r1 again, with a client secret',
    disconnect: 'the user disconnects',
  }[doing];
}

/**
 * A program whose statements nobody comes between: the lock on the row that its transaction takes makes others
 * wait, and what they then do is judged anew, as if they had come after it.
 */
export function atOnce({ code, sql }: World, state: State, name: string): State {
  let moment = code.start(name);
  let { row } = state;
  while (moment.ending === undefined) {
    const [ask] = moment.asks;
    if (ask?.kind !== 'query') throw new Error(`${name} does more than to query`);
    const done = sql.execute(row, state.startedAgo, ask);
    row = done.row;
    moment = code.next(moment, { ask: ask.id, wall: 0, monotonic: 0, reply: done.reply });
  }
  if ('error' in moment.ending) throw moment.ending.error;
  return { ...state, row };
}

function stepsOfPostgres(world: World, state: State): Step[] {
  if (state.down !== undefined) {
    const { down: _, ...up } = state;
    return [{ label: 'Postgres is up again', state: { ...up, startedAgo: 0 } }];
  }
  return spending(world, state, 'restart').map((spent) => ({
    label: 'Postgres goes down',
    state: { ...spent, down: 0 },
  }));
}

/** Somebody who is neither stopped nor slow would do something before a second has passed. */
function isUrgent({ scenario, sql }: World, state: State): boolean {
  if (state.down !== undefined && state.down >= LONGEST_DOWN) return true;
  const isOverdue = state.requests.some(({ owner, ask, to, age }) => {
    const isAwaited = ask !== undefined && processAt(state, owner).life === 'running';
    return isAwaited && (to === 'revocation' || age >= scenario.patience);
  });
  if (isOverdue) return true;
  return state.processes.some((process) => {
    if (process.life !== 'running') return false;
    if (process.call === undefined) return process.pause === 0 && isWanted(process, sql, state);
    return isReady(process.call);
  });
}

function isWanted(process: Process, sql: SqlMemory, state: State): boolean {
  return process.role === 'revoker' ? sql.image(state.row).revocation_jwe !== null : process.todo > 0;
}

function isReady(call: Call): boolean {
  return call.moment.asks.some((ask) => {
    if (call.stalled?.[0] === ask.id) return call.stalled[1] === 0;
    if (ask.kind === 'query' || ask.kind === 'connection') return true;
    return (ask.kind === 'sleep' || ask.kind === 'turn') && secondsUntil(call, ask.id) === 0;
  });
}

export function oneSecondLater({ scenario, sql }: World, state: State): State {
  const { leaseLeft } = state.row;
  const row = leaseLeft === null ? state.row : { ...state.row, leaseLeft: Math.max(leaseLeft - 1, 0) };
  const later = {
    ...state,
    row,
    startedAgo: Math.min(state.startedAgo + 1, LONG_STARTED),
    ...(state.down !== undefined && { down: Math.min(state.down + 1, LONGEST_DOWN) }),
    grants: server.oneSecondLater(scenario.server, state.grants),
    processes: state.processes.map(laterProcess),
    requests: state.requests.map((one) => ({ ...one, age: Math.min(one.age + 1, scenario.patience) })),
  };
  return { ...later, requests: later.requests.map((one) => overslept(later, one, sql)) };
}

function laterProcess(process: Process): Process {
  const { life, pause, call } = process;
  if (life === 'crashed') return process;
  return {
    ...process,
    ...(pause !== undefined && { pause: Math.max(pause - 1, 0) }),
    ...(call && { call: calls.oneSecondLater(call, life) }),
  };
}

// Its sender stands still, and the lease that was to protect it is over.
function overslept(state: State, request: Request, sql: SqlMemory): Request {
  const { life } = processAt(state, request.owner);
  if (request.orphaned !== undefined || (life !== 'frozen' && life !== 'suspended')) return request;
  const holder = sql.image(state.row).lease_id;
  const isHeld = holder !== null && isLeaseOf(request.owner, holder) && state.row.leaseLeft !== 0;
  return isHeld ? request : { ...request, orphaned: 'frozen' };
}

function isLeaseOf(process: number, lease: string): boolean {
  return Number(lease.slice(24, 28)) === process;
}

// --- small change

function spending({ scenario }: World, state: State, kind: FaultKind): State[] {
  if (state.faultsLeft === 0 || !scenario.faults.includes(kind)) return [];
  return [{ ...state, faultsLeft: state.faultsLeft - 1 }];
}

function secondsUntil({ due }: Call, ask: number): number {
  return due.find(([id]) => id === ask)?.[1] ?? 0;
}

export function processAt(state: State, index: number): Process {
  return at(state.processes, index);
}

function at<T>(list: readonly T[], index: number): T {
  const one = list[index];
  if (one === undefined) throw new Error(`there is no ${index}`);
  return one;
}

function withProcess(state: State, index: number, process: Process): State {
  return { ...state, processes: state.processes.with(index, process) };
}

function mapCall(state: State, index: number, change: (call: Call) => Call): State {
  const process = processAt(state, index);
  return process.call === undefined
    ? state
    : withProcess(state, index, { ...process, call: change(process.call) });
}

function withRequest(state: State, index: number, request: Request): State {
  return { ...state, requests: state.requests.with(index, request) };
}
