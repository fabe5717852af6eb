// An application's Worker with the plugin. With PLUGIN=off it runs workflows only, beside a Worker of Latchkey's.
import { NativeConnection, Worker } from '@temporalio/worker';
import { createLatchkeyPlugin } from 'latchkey/worker';

const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, APPLICATION_QUEUE, PLUGIN } = process.env;

const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS });
const worker = await Worker.create({
  connection,
  namespace: TEMPORAL_NAMESPACE,
  taskQueue: APPLICATION_QUEUE,
  workflowsPath: new URL('./workflows.js', import.meta.url).pathname,
  plugins: PLUGIN === 'off' ? [] : [createLatchkeyPlugin()],
});
console.log('running');
await worker.run();
await connection.close();
