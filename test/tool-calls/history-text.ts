import type { StepView } from '../../src/contracts/step.ts';
import { createPayloadCodec, decodeWithin } from '../../src/payloads/payload-codec.ts';
import type { World } from '../support/world.ts';

/** All that Temporal keeps of a step's run, as text, with its payloads in clear. */
export async function historyText(world: World, { workflowId }: StepView): Promise<string> {
  const { events } = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  const codec = createPayloadCodec(world.temporal.payloadKeys);
  const text = JSON.stringify(await decodeWithin(events, codec), (name, value) =>
    // What an event lacks is null in it.
    name === 'data' ? Buffer.from(value).toString('base64') : (value ?? undefined),
  );
  return text.replaceAll(/"data":"([A-Za-z0-9+/=]*)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString(),
  );
}
