import { familyOf, grantOf, isUsable } from './authorization-server-model.ts';
import { tokenIn } from './row-rules.ts';
import type { Process, State } from './state.ts';
import { processAt, type Step, stepsFrom, type World } from './steps.ts';

/** Steps in which somebody who comes when all is over must be done. */
const SOON = 300;

export interface Aftermath {
  wrong?: string;
  /** The grant was lost, in a way that nobody can avoid: what its user is told. */
  lost?: string;
}

/** Nothing is under way. */
export function isQuiet({ processes, down }: State): boolean {
  if (down !== undefined) return false;
  return processes.every(({ life, call, pause, todo }) => {
    if (life === 'crashed') return true;
    return life === 'running' && call === undefined && (pause === undefined || todo === 0);
  });
}

/** What somebody finds who comes when all is quiet, sees the stored token fail, and renews it. */
export function aftermathOf(world: World, state: State): Aftermath {
  const { scenario, sql } = world;
  const found = sql.image(state.row);
  const late = comeLate(world, state, 'renewer');
  if (late.wrong !== undefined) return late;
  const left = sql.image(late.state.row);
  if (left.lease_id !== null) return { wrong: 'the lease is not free in the end' };
  if (found.status === 'disconnected') return afterDisconnect(world, late.state);
  const token = tokenIn(found.grant_jwe);
  if (token === undefined) return { wrong: 'the grant is gone' };
  if (isForgotten(world, state)) return { wrong: 'the client secret that was deposited is gone' };
  if (isUsable(scenario.server, state.grants, token)) {
    if (found.status !== 'connected') return { wrong: `the user is asked although ${token} is good` };
    const isRenewed = late.said === 'renewed' && holdsCurrentToken(world, late.state);
    return isRenewed ? {} : { wrong: `${token} is good, and yet: ${late.said}` };
  }
  if (!state.excused.includes(familyOf(token))) return { wrong: `${token} is dead, and nobody had failed` };
  const isTold = left.status === 'reauth-required';
  return isTold
    ? { lost: left.reason ?? '' }
    : { wrong: `${token} is dead, and nobody is told: ${late.said}` };
}

// Whatever token there is by now, it is stored with what its user's latest deposit said.
function isForgotten({ scenario, sql }: World, { row, toCome }: State): boolean {
  const isDeposited = scenario.users.includes('deposit-changed') && !toCome.includes('deposit-changed');
  return isDeposited && !sql.image(row).grant_jwe?.includes('"clientSecret":"s2"');
}

// The latest grant is to be revoked; those that a deposit has replaced are left alone.
function afterDisconnect(world: World, state: State): Aftermath {
  const end = comeLate(world, state, 'revoker');
  if (end.wrong !== undefined) return end;
  if (world.sql.image(end.state.row).status !== 'disconnected') return { wrong: 'a disconnect is undone' };
  const family = 'd' in end.state.grants ? 'd' : 'r';
  const isOver = !grantOf(end.state.grants, family).isAlive || end.state.excused.includes(family);
  return isOver ? {} : { wrong: `the grant of ${family} is disconnected and never revoked` };
}

function holdsCurrentToken({ sql, scenario }: World, state: State): boolean {
  const token = tokenIn(sql.image(state.row).grant_jwe) ?? '';
  return (
    token === `${familyOf(token)}${grantOf(state.grants, token).current}` &&
    isUsable(scenario.server, state.grants, token)
  );
}

function comeLate(world: World, state: State, role: Process['role']): Omit<Step, 'label'> {
  const { credential_version, token_version } = world.sql.image(state.row);
  const seen = { credentialVersion: credential_version, tokenVersion: token_version };
  const gone = state.processes.map(({ role, seen }): Process => ({ role, life: 'crashed', todo: 0, seen }));
  const latecomer: Process = { role, life: 'running', todo: 1, pause: 0, seen };
  const start = { ...state, processes: [...gone, latecomer], requests: [], toCome: [], faultsLeft: 0 };
  let step: Omit<Step, 'label'> = { state: start };
  for (let count = 0; count < SOON; count += 1) {
    if (step.wrong !== undefined) return step;
    const next = stepsFrom(world, step.state)[0];
    const isDone = next === undefined || isOver(world, step.state, gone.length);
    if (isDone) return step;
    step = { ...(step.said !== undefined && { said: step.said }), ...next };
  }
  return { ...step, wrong: 'a renewal never ends' };
}

function isOver({ sql }: World, state: State, latecomer: number): boolean {
  const { role, call, todo } = processAt(state, latecomer);
  if (call !== undefined) return false;
  return role === 'revoker' ? sql.image(state.row).revocation_jwe === null : todo === 0;
}
