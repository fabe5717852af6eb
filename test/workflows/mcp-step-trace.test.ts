import { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { expect } from 'vitest';
import { TRACE_HEADER } from '../../src/contracts/trace-header.ts';
import { testWithTimeSkipping } from './fixtures.ts';
import { completed, reauthRequired, seen } from './outcomes.ts';
import { INPUT, stepIdOf } from './scripted-steps.ts';

const WEEK_MS = 7 * 86_400_000;
const CONTEXT = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

/** What each activity got, by the id of its workflow. */
const received = new Map<string, { activity: string; context: unknown }[]>();

// Without a cache every workflow task replays all that came before it, as on a worker that was restarted.
const test = testWithTimeSkipping({
  maxCachedWorkflows: 0,
  interceptors: {
    activity: [
      ({ info }) => ({
        inbound: {
          execute(input, next) {
            const workflowId = info.workflowExecution?.workflowId ?? '';
            const payload = input.headers[TRACE_HEADER];
            const context = payload && defaultPayloadConverter.fromPayload(payload);
            received.set(workflowId, [
              ...(received.get(workflowId) ?? []),
              { activity: info.activityType, context },
            ]);
            return next(input);
          },
        },
      }),
    ],
  },
});

test('the activities of a step get the context of its start, also after a pause of a week', async ({
  steps,
}) => {
  const workflowId = 'step/ada/traced';
  const step = steps.expect({ invokeTool: [reauthRequired(seen(1)), completed] }, workflowId);
  await traced(steps.client).workflow.start('mcpStep', {
    taskQueue: steps.taskQueue,
    workflowId,
    args: [INPUT],
  });
  await step.until('awaiting-input');
  await steps.sleep(WEEK_MS);
  await step.deposit(2);
  await step.result();

  const calls = received.get(workflowId) ?? [];
  expect(calls.map(({ activity }) => activity)).toEqual(['invokeTool', 'registerWaiter', 'invokeTool']);
  expect(calls.map(({ context }) => context)).toEqual([CONTEXT, CONTEXT, CONTEXT]);
});

test('a step without a context passes none on', async ({ steps }) => {
  const step = await steps.start({ invokeTool: [completed] });
  await step.result();

  expect(stepIdOf(step)).not.toBe('');
  expect(received.get(step.handle.workflowId)).toEqual([{ activity: 'invokeTool', context: undefined }]);
});

function traced({ connection, options: { namespace, dataConverter } }: Client): Client {
  const headers = { [TRACE_HEADER]: defaultPayloadConverter.toPayload(CONTEXT) };
  return new Client({
    connection,
    namespace,
    dataConverter,
    interceptors: {
      workflow: [{ startWithDetails: (input, next) => next({ ...input, headers }) }],
    },
  });
}
