import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';
import type { McpStepInput } from '../../src/contracts/step.ts';
import type { Deposit } from '../../src/schemas/deposit.ts';
import { INVOICE } from '../support/world.ts';
import type { ConsentTo } from '../support/world-users.ts';
import type { RecordedAnswer } from './sinks/http-sink.ts';
import type { StoryFixture } from './story-fixture.ts';

/** One user of the story: everything over HTTP. */
export interface StoryUser {
  id: string;
  ask(request: string, body?: unknown): Promise<RecordedAnswer>;
  deposit(deposit: object): Promise<RecordedAnswer>;
  /** A consent, and its deposit. */
  connect(to?: ConsentTo): Promise<Deposit>;
  /** @returns the id of a step that calls `create_invoice`, unless `step` says otherwise */
  start(step?: Partial<McpStepInput>): Promise<string>;
  /** Resolves when the step has one of these statuses. */
  until(stepId: string, ...statuses: string[]): Promise<Record<string, unknown>>;
  /** `start`, and `until` it has ended or waits for a person. */
  run(step?: Partial<McpStepInput>): Promise<string>;
}

/** A busy dev server loses tasks on their way to a worker. A lost activity runs again after a minute or so. */
export const LOST_TASK_MS = 150_000;

const SETTLED = ['success', 'error', 'skipped', 'cancelled', 'awaiting-input'];

/**
 * Repeats a request that is answered with 503: all scenes at once may keep the pool of a slow machine busy for longer
 * than a request waits.
 *
 * @throws for any other refusal
 */
export async function untilAccepted(request: () => Promise<RecordedAnswer>): Promise<void> {
  const { status, body } = await vi.waitFor(
    async () => {
      const answer = await request();
      expect(answer.status, JSON.stringify(answer.body)).not.toBe(503);
      return answer;
    },
    { timeout: 45_000, interval: 250 },
  );
  if (status >= 300) throw new Error(`the request was answered ${status}: ${JSON.stringify(body)}`);
}

export function newStoryUser({ world, api, registry, registerIssued }: StoryFixture): StoryUser {
  const id = world.users.newUser();
  const ask = (request: string, body?: unknown) => api.ask(id, request, { body });
  const user: StoryUser = {
    id,
    ask,
    deposit: (deposit) => ask('POST /mcp-oauth-credentials', deposit),
    async connect(to) {
      const deposit = await world.users.consent(id, to);
      registry.register("client's secret", deposit.clientSecret ?? '');
      await untilAccepted(() => user.deposit(deposit));
      return deposit;
    },
    async start(step = {}) {
      const stepId = randomUUID();
      const request = {
        mcpServerId: world.mcpServerId,
        tool: 'create_invoice',
        arguments: INVOICE,
        stepId,
        ...step,
      };
      await untilAccepted(() => ask('POST /steps', request));
      return stepId;
    },
    until: (stepId, ...statuses) =>
      vi.waitFor(
        async () => {
          const { body = {} } = await ask(`GET /steps/${stepId}?wait=2s`);
          // What is stored may be replaced by whatever the user does next.
          await registerIssued();
          if (statuses.includes(String(body.status))) return body;
          throw new Error(`the step is ${body.status}: ${JSON.stringify(body.timeline)}`);
        },
        { timeout: LOST_TASK_MS, interval: 50 },
      ),
    async run(step) {
      const stepId = await user.start(step);
      await user.until(stepId, ...SETTLED);
      return stepId;
    },
  };
  return user;
}
