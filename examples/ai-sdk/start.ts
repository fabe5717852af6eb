import { Client, Connection } from '@temporalio/client';
import type { bookkeeper } from './workflows.ts';

// npm run start -- <user> <what to do>
const [userId = 'dev', prompt = 'Write an invoice over 42 for ACME, and tell ann@acme.example.'] =
  process.argv.slice(2);
const {
  TEMPORAL_ADDRESS = 'localhost:7233',
  TEMPORAL_NAMESPACE = 'default',
  LATCHKEY_TASK_QUEUE = 'mcp-steps',
  MODEL = 'gpt-5-mini',
} = process.env;
const connection = await Connection.connect({ address: TEMPORAL_ADDRESS });
const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
const handle = await client.workflow.start<typeof bookkeeper>('bookkeeper', {
  taskQueue: 'bookkeepers',
  workflowId: `bookkeeper-${Date.now()}`,
  args: [{ userId, prompt, model: MODEL, taskQueue: LATCHKEY_TASK_QUEUE }],
});
console.log(`${handle.workflowId} has begun`);
console.log(await handle.result());
await connection.close();
