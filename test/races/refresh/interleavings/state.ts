import type { CredentialVersions } from '../../../../src/contracts/activities.ts';
import type { Answer, Grants } from './authorization-server-model.ts';
import type { Moment } from './code-memory.ts';
import type { StoredRow } from './sql-memory.ts';

/** One state of the whole: whatever can happen from here on depends on nothing else. */
export interface State {
  row: StoredRow;
  /** Seconds since Postgres was started. */
  startedAgo: number;
  /** Seconds since Postgres went down. */
  down?: number;
  grants: Grants;
  processes: readonly Process[];
  requests: readonly Request[];
  /** What a user may still do. */
  toCome: readonly UsersDoing[];
  faultsLeft: number;
  /** Tokens whose use was followed by a fault of which nobody could know, and what it was. */
  orphaned: Readonly<Record<string, Orphaned>>;
  /** Families of tokens that nobody could have saved. */
  excused: string;
}

export type UsersDoing = 'deposit' | 'deposit-same' | 'deposit-changed' | 'disconnect';

export interface Process {
  role: 'renewer' | 'revoker';
  life: 'running' | 'frozen' | 'suspended' | 'crashed';
  /** Renewals that it still makes. */
  todo: number;
  /** Seconds until it tries again; undefined: it may begin at any time. */
  pause?: number;
  seen: CredentialVersions;
  call?: Call;
}

/** A run of the code that has not ended. */
export interface Call {
  moment: Moment;
  /** Seconds since the last thing that happened to it, by both of its clocks. */
  wall: number;
  monotonic: number;
  /** Seconds until its sleeps are over and its timers turn, by ask. */
  due: readonly (readonly [ask: number, seconds: number])[];
  /** A query that the database takes its time for. */
  stalled?: readonly [ask: number, seconds: number];
  /** Where it stood before a timer turned, if nothing has happened since. */
  turned?: { from: Call; query: number };
}

/** `frozen`: its sender was, until its lease was over. `lost`: nobody will ever see the answer. */
export type Orphaned = 'frozen' | 'lost';

export interface Request {
  owner: number;
  /** What its sender waits with; undefined: it does not wait any more. */
  ask?: number;
  to: 'token' | 'revocation';
  token: string;
  age: number;
  /** As soon as the server has processed it. */
  answer?: Answer;
  /** The server has spent the token for this request. */
  hasRotated: boolean;
  /** The sender has the answer, but has not stored it. */
  isTaken: boolean;
  orphaned?: Orphaned;
}

/** Equal for equal states. */
export function keyOf(state: State): string {
  const { row, processes, requests, grants } = state;
  let key = `${row.id},${row.leaseLeft},${state.startedAgo},${state.down ?? ''},${state.faultsLeft},${state.toCome},${state.excused}`;
  for (const token in state.orphaned) key += `,${token}${state.orphaned[token]}`;
  for (const family in grants) {
    const grant = grants[family];
    key += `;${family}${grant?.current},${grant?.sinceRotation},${grant?.isAlive},${grant?.isRevoked}`;
  }
  for (const process of processes) key += `|${keyOfProcess(process)}`;
  for (const one of requests) {
    key += `/${one.owner},${one.ask ?? ''},${one.to},${one.token},${one.age},${one.answer ? JSON.stringify(one.answer) : ''},${one.hasRotated},${one.isTaken},${one.orphaned ?? ''}`;
  }
  return key;
}

function keyOfProcess({ life, todo, pause, seen, call }: Process): string {
  const key = `${life},${todo},${pause ?? ''},${seen.credentialVersion}.${seen.tokenVersion}`;
  return call === undefined ? key : `${key},${keyOfCall(call)}`;
}

function keyOfCall({ moment, wall, monotonic, due, stalled, turned }: Call): string {
  const key = `${moment.id},${wall},${monotonic},${due},${stalled ?? ''}`;
  if (turned === undefined) return key;
  const { from } = turned;
  return `${key}<${from.moment.id},${from.wall},${from.monotonic}`;
}
