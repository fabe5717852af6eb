import { Client, Connection } from '@temporalio/client';
import type { invoiceRun } from './workflows.ts';

// npx tsx start.ts <user> <server>
const [userId = 'dev', mcpServerId = 'ledger'] = process.argv.slice(2);
const { TEMPORAL_ADDRESS = 'localhost:7233', TEMPORAL_NAMESPACE = 'default' } = process.env;
const connection = await Connection.connect({ address: TEMPORAL_ADDRESS });
const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
const name = `run-${Date.now()}`;
const tell = ['ann@example.com', 'bob@example.com'];
const handle = await client.workflow.start<typeof invoiceRun>('invoiceRun', {
  taskQueue: 'invoice-runs',
  workflowId: name,
  args: [{ name, userId, mcpServerId, customer: 'ACME', amount: 42, tell }],
});
console.log(`${name} has begun; approve ${name}.tell-0 and ${name}.tell-1 when they ask for it`);
console.log(await handle.result());
await connection.close();
