import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import type { StepView } from '../../src/contracts/step.ts';
import { executionsOfUser } from '../../src/operations/executions-of-user.ts';
import { type Forgotten, forgetUser } from '../../src/operations/forget-user.ts';
import { createTestNamespace, uniqueTaskQueue } from '../support/temporal.ts';
import { createWorld, type World } from '../support/world.ts';

export const OTHER_SERVER = 'other-ledger';

export const NOTHING: Omit<Forgotten, 'userId'> = {
  steps: { cancelled: 0, stillOpen: 0 },
  connections: 0,
  waiters: 0,
  results: 0,
  connectionEvents: 0,
  connectSessions: 0,
  webSessions: 0,
  revocationsPending: 0,
  tombstonesPurged: 0,
  tombstonesLeft: 0,
};

/** A world of its own with a second server, and what tests of forgetting a user do in it. */
export function forgetUserFixture() {
  let world: World;

  beforeAll(async () => {
    world = await createWorld({ namespace: await createTestNamespace() });
    await world.register(OTHER_SERVER, { url: world.mcpServer.url, auth: { type: 'oauth2' } });
  });

  afterAll(() => world.stop());

  const forget = (user: string, deleteHistory = false) =>
    forgetUser(world.services, user, { waitMs: 30_000, deleteHistory });

  async function isActive(token: string | undefined): Promise<boolean> {
    const { introspectionClient: client, introspectionEndpoint } = world.authorizationServer;
    const response = await fetch(introspectionEndpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}` },
      body: new URLSearchParams({ token: token ?? '' }),
    });
    // RFC 7662 §2.2.
    return ((await response.json()) as { active: boolean }).active;
  }

  /** The rows of a user that are left, by table; the audit log is to stay. */
  async function rowsLeft(user: string): Promise<Record<string, number>> {
    const left: Record<string, number> = {};
    for (const table of ['mcp_credential', 'mcp_waiter', 'mcp_stored_result', 'mcp_connection_event']) {
      const { rowCount } = await world.services.db.query(`SELECT FROM ${table} WHERE user_id = $1`, [user]);
      if (rowCount !== null && rowCount > 0) left[table] = rowCount;
    }
    return left;
  }

  const statusOf = async (user: string, { stepId }: StepView) =>
    (await world.steps.get(user, stepId))?.status;

  async function connected(user: string) {
    const deposit = await world.users.consent(user);
    await world.users.deposit(user, deposit);
    return deposit;
  }

  /** A step that waits for a server that its user has not connected. */
  async function startPaused(user: string): Promise<StepView> {
    const { stepId } = await world.steps.start(user, { mcpServerId: OTHER_SERVER });
    return world.steps.until(user, stepId, 'awaiting-input');
  }

  /** A step that can't act on its cancellation. */
  async function startWithoutWorker(user: string) {
    const input = { userId: user, mcpServerId: world.mcpServerId, tool: 'create_invoice', stepId: 's' };
    const started = await world.temporal.client.workflow.start('mcpStep', {
      taskQueue: uniqueTaskQueue('nobody'),
      workflowId: `step/${user}/s`,
      args: [input],
    });
    await untilListed(user);
    return started;
  }

  /** A step that no row names is found only in Temporal's lists, which lag. */
  const untilListed = (user: string) =>
    expect.poll(() => executionsOfUser(world.temporal.client, user, 'open')).toHaveLength(1);

  /** A step in the middle of a call. */
  async function startCalling(user: string): Promise<StepView> {
    const held = world.mcpServer.control.interceptTools({ do: 'hold-before-execution' }, { user });
    onTestFinished(() => held.release());
    const step = await world.steps.start(user);
    await held.reached();
    return step;
  }

  const reconcile = () =>
    world.temporal.client.workflow.execute('reconcile', {
      taskQueue: world.config.taskQueue,
      workflowId: `reconcile-${world.config.taskQueue}`,
      args: [],
    });

  return {
    get world() {
      return world;
    },
    forget,
    isActive,
    rowsLeft,
    statusOf,
    connected,
    startPaused,
    startWithoutWorker,
    untilListed,
    startCalling,
    reconcile,
  };
}
