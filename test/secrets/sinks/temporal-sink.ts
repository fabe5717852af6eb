import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { createPayloadCodec, decodeWithin } from '../../../src/payloads/payload-codec.ts';
import type { TestTemporal } from '../../support/temporal.ts';
import type { Evidence, Sink } from './sink.ts';
import { plantsIn } from './temporal-plants.ts';

export interface TemporalSink extends Sink {
  /** Keeps what Temporal says of it now: the last failure of an activity under way is gone when that ends. */
  describeNow(workflowId: string): Promise<void>;
}

/** All that Temporal keeps and shows of a namespace: as it is and, where payloads are encrypted, in clear too. */
export function temporalSink(temporal: TestTemporal): TemporalSink {
  const described: Message[] = [];
  return {
    name: 'temporal',
    async describeNow(workflowId) {
      const { raw } = await temporal.client.workflow.getHandle(workflowId).describe();
      described.push({ where: `temporal description of ${workflowId} at work`, content: raw });
    },
    async collect() {
      const messages = [...described, ...(await messagesOf(temporal))];
      const codec = createPayloadCodec(temporal.payloadKeys);
      const evidence = messages.map(async ({ where, content }) => [
        ...leavesOf(content, where),
        ...(temporal.payloadKeys ? leavesOf(await decodeWithin(content, codec), `${where} decoded`) : []),
      ]);
      return (await Promise.all(evidence)).flat();
    },
    plants: plantsIn(temporal),
  };
}

interface Message {
  where: string;
  content: unknown;
}

async function messagesOf({ client, namespace }: TestTemporal): Promise<Message[]> {
  const executions: Promise<Message[]>[] = [];
  for await (const item of client.workflow.list()) executions.push(messagesOfExecution(client, item));
  const messages = (await Promise.all(executions)).flat();
  for await (const { scheduleId } of client.schedule.list()) {
    const described = await client.workflowService.describeSchedule({ namespace, scheduleId });
    messages.push({ where: `temporal schedule ${scheduleId}`, content: described });
  }
  return messages;
}

async function messagesOfExecution(client: Client, item: WorkflowExecutionInfo): Promise<Message[]> {
  const { workflowId } = item;
  const handle = client.workflow.getHandle(workflowId, item.runId);
  const { raw } = await handle.describe();
  const { events } = await handle.fetchHistory();
  // Temporal's UI asks the workflow for these.
  const asked =
    item.status.name === 'RUNNING' ? await handle.query('__temporal_workflow_metadata') : undefined;
  return [
    { where: `temporal visibility of ${workflowId}`, content: item.raw },
    { where: `temporal description of ${workflowId}`, content: raw },
    { where: `temporal details of ${workflowId}`, content: asked },
    ...(events ?? []).map((event) => ({
      where: `temporal history of ${workflowId}, event ${event.eventId}`,
      content: event,
    })),
  ];
}

/** Payloads are bytes; what they hold is searched for as it is. */
function leavesOf(value: unknown, where: string): Evidence[] {
  if (typeof value === 'string' || value instanceof Uint8Array) return [{ where, content: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [
    { where, content: name },
    ...leavesOf(member, `${where}.${name}`),
  ]);
}
