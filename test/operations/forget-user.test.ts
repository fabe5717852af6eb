import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { stepSearchAttributes } from '../../src/contracts/search-attributes.ts';
import { storeResult } from '../../src/results/result-store.ts';
import { auditRows } from '../audit/audit-rows.ts';
import { forgetUserFixture, NOTHING } from './forget-user-fixture.ts';

const fixture = forgetUserFixture();
const { forget, isActive, rowsLeft, statusOf, connected, startPaused, startCalling, untilListed } = fixture;

describe('forgetting a user', () => {
  test('revokes the grants, ends the steps and leaves no row, and a second run changes nothing', async () => {
    const [user, bystander] = [fixture.world.users.newUser(), fixture.world.users.newUser()];
    const mine = await connected(user);
    const others = await connected(bystander);
    const [paused, calling] = [await startPaused(user), await startCalling(user)];
    const waiting = await startPaused(bystander);
    const owner = { userId: user, mcpServerId: fixture.world.mcpServerId, workflowId: calling.workflowId };
    await storeResult(fixture.world.services, owner, Buffer.from('{"content":[]}'));
    expect(await isActive(mine.accessToken)).toBe(true);

    const forgotten = await forget(user);

    expect(forgotten).toEqual({
      ...NOTHING,
      userId: user,
      steps: { cancelled: 2, stillOpen: 0 },
      connections: 1,
      // The step that waited may have taken its waiter away itself.
      waiters: expect.toBeOneOf([0, 1]),
      results: 1,
      connectionEvents: 1,
      tombstonesPurged: 1,
    });
    expect(await isActive(mine.accessToken)).toBe(false);
    expect([await statusOf(user, paused), await statusOf(user, calling)]).toEqual(['cancelled', 'cancelled']);
    expect(await rowsLeft(user)).toEqual({});

    expect(await isActive(others.accessToken)).toBe(true);
    expect(await statusOf(bystander, waiting)).toBe('awaiting-input');
    expect(await forget(user)).toEqual({ ...NOTHING, userId: user });
  });

  test('is recorded once in the audit log', async () => {
    const user = fixture.world.users.newUser();
    await connected(user);
    await forget(user);
    await forget(user);

    expect(await auditRows(fixture.world.services.db, { user })).toEqual([
      expect.objectContaining({ action: 'connected', actor: user }),
      {
        action: 'disconnected',
        user,
        server: fixture.world.mcpServerId,
        details: { version: expect.any(Number) },
      },
      {
        action: 'user-forgotten',
        user,
        details: {
          steps: 0,
          connections: 1,
          waiters: 0,
          results: 0,
          connectionEvents: 1,
          connectSessions: 0,
          webSessions: 0,
        },
      },
    ]);
  });

  test('finds steps under workflow ids of any form and of a user whose id cannot be quoted', async () => {
    for (const user of [fixture.world.users.newUser(), `o'brien "${randomUUID()}"`]) {
      const input = {
        userId: user,
        mcpServerId: fixture.world.mcpServerId,
        tool: 'create_invoice',
        stepId: 's',
      };
      const { workflowId } = await fixture.world.temporal.client.workflow.start('mcpStep', {
        taskQueue: fixture.world.config.taskQueue,
        workflowId: `own-${randomUUID()}`,
        args: [{ ...input, mode: 'automated-with-confirmation' }],
        typedSearchAttributes: stepSearchAttributes(input),
      });
      await untilListed(user);

      expect(await forget(user)).toMatchObject({ steps: { cancelled: 1, stillOpen: 0 } });

      const { status } = await fixture.world.temporal.client.workflow.getHandle(workflowId).describe();
      expect(status.name).toBe('CANCELLED');
    }
  });
});
