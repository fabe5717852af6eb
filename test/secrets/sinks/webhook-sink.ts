import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { WebhookPayload } from '../../../src/contracts/webhooks.ts';
import type { GuardedFetch } from '../../../src/net/network.ts';
import { sendWebhook } from '../../../src/webhooks/send-webhook.ts';
import type { Evidence, Sink } from './sink.ts';

/** Somebody's endpoint for webhooks, which keeps everything that comes in. */
export interface RecordedWebhooks {
  url: string;
  /** The types of events, each as often as it came. */
  types(): string[];
  /** The next one is answered so. */
  answerOnce(status: number): void;
  sink(guardedFetch: GuardedFetch, secrets: readonly string[]): Sink;
  close(): Promise<void>;
}

/** @param path of its address, which only those may know who send */
export async function startRecordedWebhooks(path: string): Promise<RecordedWebhooks> {
  const evidence: Evidence[] = [];
  const types: string[] = [];
  const answers: number[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    // What Latchkey sends follows its contract.
    const { type } = JSON.parse(body) as WebhookPayload;
    types.push(type);
    evidence.push(...evidenceOf(request, type, body));
    response.writeHead(answers.shift() ?? 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has an address of this form.
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/${path}`;
  return {
    url,
    types: () => types,
    answerOnce: (status) => void answers.push(status),
    sink: (guardedFetch, secrets) =>
      webhookSink(evidence, async (payload, id) => {
        await sendWebhook(guardedFetch, { url, secrets }, { id, payload });
      }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

// The address is the receiver's own.
function evidenceOf({ headers }: IncomingMessage, type: string, body: string): Evidence[] {
  return [
    { where: `webhook ${type}: body`, content: body },
    ...Object.entries(headers).map(([name, value]) => ({
      where: `webhook ${type}: header ${name}`,
      content: String(value),
    })),
  ];
}

function webhookSink(
  evidence: Evidence[],
  send: (payload: WebhookPayload, id: string) => Promise<void>,
): Sink {
  const about = (stepId: string): WebhookPayload => ({
    type: 'step.finished',
    timestamp: new Date().toISOString(),
    data: { userId: 'u', stepId, workflowId: 'w', mcpServerId: 'm', account: 'default', status: 'success' },
  });
  return {
    name: 'webhook',
    collect: async () => evidence,
    plants: {
      'webhook step.finished: body': async (texts) => {
        for (const [at, planted] of texts.entries()) await send(about(planted), `planted-${at}`);
      },
      'webhook step.finished: header webhook-id': async (texts) => {
        for (const planted of texts) await send(about('s'), encodeURIComponent(planted));
      },
    },
  };
}
