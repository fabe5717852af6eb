import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { NOTHING_EXPIRED } from './outcomes.ts';
import { held, type Script, throwing } from './scripted-activities.ts';
import { startTimeSkippingSteps, type TimeSkippingSteps } from './scripted-steps.ts';

const KEY = { userId: 'ada', mcpServerId: 'ledger' };
const UNTIL = { timeout: 20_000 };
const later = throwing(
  ApplicationFailure.create({ type: 'TryLater', message: 'not now', nextRetryDelay: '30s' }),
);

let steps: TimeSkippingSteps;

beforeAll(async () => {
  steps = await startTimeSkippingSteps();
});

afterAll(() => steps.stop());

const deposit = { ...KEY, version: 2 };
const startResumption = (script: Script) => steps.start(script, { type: 'resumeSteps', args: [deposit] });

describe('resumeSteps', () => {
  test('signals page after page until no waiter is left and returns their number', async () => {
    const workflow = await startResumption({
      signalWaiters: [
        { signalled: 10_000, more: true },
        { signalled: 10_000, more: true },
        { signalled: 7, more: false },
      ],
    });

    await expect(workflow.handle.result()).resolves.toStrictEqual({ signalled: 20_007 });

    expect(workflow.play.inputs('signalWaiters')).toStrictEqual([deposit, deposit, deposit]);
  });

  test('succeeds when no step waits', async () => {
    const workflow = await startResumption({ signalWaiters: [{ signalled: 0, more: false }] });

    await expect(workflow.handle.result()).resolves.toStrictEqual({ signalled: 0 });
  });

  test('tries again when some waiters could not be signalled', async () => {
    const workflow = await startResumption({
      signalWaiters: [{ signalled: 200, more: true }, later, later, { signalled: 1, more: false }],
    });

    await expect(workflow.handle.result()).resolves.toStrictEqual({ signalled: 201 });
  });

  test('gives up after twenty failures and leaves the rest to the reconcile schedule', async () => {
    const workflow = await startResumption({ signalWaiters: Array.from({ length: 25 }, () => later) });

    expect(await workflow.closed()).toBe('FAILED');
    expect(workflow.play.order).toHaveLength(20);
  });
});

describe('resumeServer', () => {
  const resumption = { mcpServerId: 'ledger', resumption: 7 };
  const start = (script: Script) => steps.start(script, { type: 'resumeServer', args: [resumption] });

  test('signals twice, the second time when lists show every step, and then ends the resumption', async () => {
    const workflow = await start({ signalStepsOfServer: [later, 200, 1], endServerResumption: [undefined] });

    await expect(workflow.handle.result()).resolves.toStrictEqual({ signalled: 201 });

    const signalling = Array(3).fill('signalStepsOfServer');
    expect(workflow.play.order).toStrictEqual([...signalling, 'endServerResumption']);
    expect(workflow.play.inputs('endServerResumption')).toStrictEqual([resumption]);
  });

  test('gives up after twenty failures, and the resumption stays pending for the schedule', async () => {
    const workflow = await start({ signalStepsOfServer: Array.from({ length: 25 }, () => later) });

    expect(await workflow.closed()).toBe('FAILED');
    expect(workflow.play.order).toHaveLength(20);
    expect(workflow.play.inputs('endServerResumption')).toStrictEqual([]);
  });
});

describe('reconcile', () => {
  test('starts lost work and returns how much', async () => {
    const found = { resumptions: 2, revocations: 1, serverResumptions: 3 };
    const workflow = await steps.start(
      { startLostWork: [later, found], deleteExpired: [NOTHING_EXPIRED] },
      { type: 'reconcile', args: [], workflowId: 'reconcile' },
    );

    await expect(workflow.handle.result()).resolves.toStrictEqual(found);
  });

  test('gives up after three failures until its next run', async () => {
    const workflow = await steps.start(
      { startLostWork: [later, later, later, later] },
      { type: 'reconcile', args: [], workflowId: 'reconcile' },
    );

    expect(await workflow.closed()).toBe('FAILED');
    expect(workflow.play.order).toHaveLength(3);
  });
});

describe('renewIdleGrants', () => {
  const renewals = { renewed: 1, reauthRequired: 0, postponed: 0 };
  const start = (script: Script) =>
    steps.start(script, { type: 'renewIdleGrants', args: [], workflowId: 'renew-idle-grants' });

  test('renews at every server, page after page', async () => {
    const servers = Array.from({ length: 25 }, (_, n) => `server-${n}`);
    const workflow = await start({
      listServersWithIdleGrants: [servers.slice(0, 24), servers.slice(24), []],
      renewIdleGrants: servers.map(() => renewals),
    });

    await workflow.handle.result();

    expect(workflow.play.inputs('listServersWithIdleGrants')).toStrictEqual([
      { after: '' },
      { after: 'server-23' },
      { after: 'server-24' },
    ]);
    const renewed = workflow.play.inputs('renewIdleGrants').map(({ mcpServerId }) => mcpServerId);
    expect(renewed.sort()).toStrictEqual(servers.sort());
  });

  test('asks ten servers at a time, and a server that hangs delays no other', async () => {
    const hanging = held(renewals);
    const workflow = await start({
      listServersWithIdleGrants: [Array.from({ length: 30 }, (_, n) => `server-${n}`), []],
      renewIdleGrants: [hanging, ...Array.from({ length: 29 }, () => renewals)],
    });
    await vi.waitFor(() => expect(workflow.play.inputs('renewIdleGrants')).toHaveLength(30), UNTIL);
    expect(workflow.play.inputs('listServersWithIdleGrants')).toHaveLength(1);

    hanging.release();

    await workflow.handle.result();
  });

  test('continues with the other servers when one fails for good', async () => {
    const workflow = await start({
      listServersWithIdleGrants: [['a', 'b'], []],
      renewIdleGrants: [
        throwing(ApplicationFailure.nonRetryable('a bug')),
        throwing(ApplicationFailure.nonRetryable('another bug')),
      ],
    });

    expect(await workflow.closed()).toBe('COMPLETED');
  });

  test('gives up until its next run when the servers cannot be listed', async () => {
    const workflow = await start({ listServersWithIdleGrants: [later, later, later, later] });

    expect(await workflow.closed()).toBe('FAILED');
    expect(workflow.play.order).toHaveLength(3);
  });
});

describe('revokeGrant', () => {
  const start = (script: Script) => steps.start(script, { type: 'revokeGrant', args: [KEY] });

  test('is repeated until the authorization server can be reached', async () => {
    const workflow = await start({
      revokeGrant: [later, throwing(new Error('a bug')), later, undefined],
    });

    await workflow.handle.result();

    expect(workflow.play.inputs('revokeGrant')).toStrictEqual([KEY, KEY, KEY, KEY]);
  });

  test('is given up after a day', async () => {
    const hourly = throwing(ApplicationFailure.create({ message: 'not now', nextRetryDelay: '1h' }));
    const workflow = await start({ revokeGrant: Array.from({ length: 40 }, () => hourly) });

    expect(await workflow.closed()).toBe('FAILED');

    const { startTime, closeTime } = await workflow.handle.describe();
    const hours = ((closeTime?.getTime() ?? 0) - startTime.getTime()) / 3_600_000;
    expect(hours).toBeGreaterThanOrEqual(23);
    expect(hours).toBeLessThanOrEqual(25);
    // One an hour on an idle machine. On a busy one, the server skips time while a try waits for the worker.
    expect(workflow.play.order.length).toBeLessThanOrEqual(25);
  });
});

// Last: the server skips no time any more once an activity has outlived its time limit.
describe('resumeSteps, when its worker falls silent,', () => {
  test('continues on another worker', async () => {
    const silent = async () => {
      await steps.sleep(31_000);
      return { signalled: 0, more: false };
    };
    // The skipped time may run out for the next attempts as well, before they can answer.
    const answers = Array.from({ length: 4 }, () => ({ signalled: 3, more: false }));
    const workflow = await startResumption({ signalWaiters: [silent, ...answers] });

    await expect(workflow.handle.result()).resolves.toStrictEqual({ signalled: 3 });
  });
});
