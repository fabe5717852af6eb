/** `node clerk-worker.ts <task queue> <framework> …`: a Worker for each copy of the framework that workflows import. */
import { fileURLToPath } from 'node:url';
import { OpenAIProvider } from '@openai/agents-openai';
import { OpenAIAgentsPlugin } from '@temporalio/openai-agents';
import { type BundleOptions, NativeConnection, Worker } from '@temporalio/worker';

const { TEMPORAL_ADDRESS = '', TEMPORAL_NAMESPACE = '' } = process.env;
const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS });
const workers: Worker[] = [];
for (let at = 2; at < process.argv.length; at += 2) {
  const [taskQueue = '', framework = ''] = process.argv.slice(at);
  const withFramework: NonNullable<BundleOptions['webpackConfigHook']> = (config) => ({
    ...config,
    resolve: {
      ...config.resolve,
      alias: { ...config.resolve?.alias, '@openai/agents-core$': framework },
    },
  });
  workers.push(
    await Worker.create({
      connection,
      namespace: TEMPORAL_NAMESPACE,
      taskQueue,
      workflowsPath: fileURLToPath(new URL('./clerk-workflows.ts', import.meta.url)),
      bundlerOptions: { webpackConfigHook: withFramework },
      plugins: [new OpenAIAgentsPlugin({ modelProvider: new OpenAIProvider() })],
    }),
  );
}
await Promise.all(workers.map((worker) => worker.run()));
