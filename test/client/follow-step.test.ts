import { describe, expect, onTestFinished, test } from 'vitest';
import type { LatchkeyApiError } from '../../src/client/api-request.ts';
import { type FollowOptions, followStep } from '../../src/client/follow-step.ts';
import { createStepsApi } from '../../src/client/steps-api.ts';
import { problem, type ScriptedAnswer, startScriptedApi } from '../commands/scripted-api.ts';

const SHOW = 'GET /steps/s1';
const CHANGE = 'GET /steps/s1?wait=20s';
const RUNNING = stepOf('running');
const PAUSED = stepOf('awaiting-input', { awaitingInputReason: 'needs-approval' }, '10:00');
const SUCCESS = stepOf('success');
const AWAY = problem(503, 'draining', 'This process is being replaced.');

describe('following a step', () => {
  test('yields it once for each status, until it has ended', async () => {
    const { follow } = await scripted([
      [200, RUNNING],
      [200, RUNNING],
      [200, PAUSED],
      [200, PAUSED],
      [200, RUNNING],
      [200, SUCCESS],
    ]);
    expect(await follow()).toEqual(['running', 'awaiting-input', 'running', 'success']);
  });

  test('yields a second pause that began between two requests', async () => {
    const later = stepOf('awaiting-input', { awaitingInputReason: 'needs-approval' }, '11:00');
    const { follow } = await scripted([
      [200, PAUSED],
      [200, later],
      [200, SUCCESS],
    ]);
    expect(await follow()).toEqual(['awaiting-input', 'awaiting-input', 'success']);
  });

  test('asks no more about a step that has ended', async () => {
    const { follow, requests } = await scripted([[200, SUCCESS]]);
    expect(await follow()).toEqual(['success']);
    expect(requests).toEqual([SHOW]);
  });

  test('goes on after an outage, which it reports once', async () => {
    const outages: LatchkeyApiError[] = [];
    const { follow } = await scripted([[200, RUNNING], AWAY, AWAY, [200, SUCCESS]]);
    expect(await follow({ onOutage: (error) => outages.push(error) })).toEqual(['running', 'success']);
    expect(outages.map(({ code }) => code)).toEqual(['draining']);
  });

  test('ends with the error of an outage that lasts', async () => {
    const { follow } = await scripted([[200, RUNNING], AWAY]);
    await expect(follow({ patienceMs: 1 })).rejects.toMatchObject({ code: 'draining' });
  });

  test('ends at once when the API refuses', async () => {
    const { follow, requests } = await scripted([
      [200, RUNNING],
      problem(401, 'unauthenticated', 'Expired.'),
    ]);
    await expect(follow()).rejects.toMatchObject({ status: 401 });
    expect(requests).toEqual([SHOW, CHANGE]);
  });

  test('ends when it is told to', async () => {
    const { follow } = await scripted([[200, RUNNING]]);
    await expect(follow({ signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });
});

/** @param answers the first is that of `SHOW` */
async function scripted([first = [500], ...answers]: ScriptedAnswer[]) {
  const api = await startScriptedApi({ [SHOW]: [first], [CHANGE]: answers });
  onTestFinished(api.close);
  const follow = async (options: Partial<FollowOptions> = {}) => {
    const signal = new AbortController().signal;
    const statuses: string[] = [];
    const steps = followStep(createStepsApi({ url: api.url, token: 't' }), 's1', { signal, ...options });
    for await (const { status } of steps) statuses.push(status);
    return statuses;
  };
  return { follow, requests: api.requests };
}

function stepOf(status: string, members: object = {}, pausedAt?: string): object {
  const paused = pausedAt === undefined ? [] : [{ at: pausedAt, event: 'awaiting-input' }];
  return { stepId: 's1', status, timeline: [{ at: '09:00', event: 'started' }, ...paused], ...members };
}
