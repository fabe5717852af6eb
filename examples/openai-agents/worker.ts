import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { OpenAIProvider } from '@openai/agents-openai';
import { OpenAIAgentsPlugin } from '@temporalio/openai-agents';
import { type BundleOptions, NativeConnection, Worker } from '@temporalio/worker';

// The plugin is CommonJS. Without the alias an ES module would bring a second copy of the framework into the bundle, and
// one that webpack splits into chunks, which a workflow can't load.
const framework = createRequire(import.meta.url).resolve('@openai/agents-core');
const withOneCopy: NonNullable<BundleOptions['webpackConfigHook']> = (config) => ({
  ...config,
  resolve: { ...config.resolve, alias: { ...config.resolve?.alias, '@openai/agents-core$': framework } },
});

// It runs the agent and its calls to the model. The tools run on Latchkey's own workers.
const connection = await NativeConnection.connect({
  address: process.env.TEMPORAL_ADDRESS ?? 'localhost:7233',
});
const worker = await Worker.create({
  connection,
  namespace: process.env.TEMPORAL_NAMESPACE ?? 'default',
  taskQueue: 'openai-bookkeepers',
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
  bundlerOptions: { webpackConfigHook: withOneCopy },
  plugins: [new OpenAIAgentsPlugin({ modelProvider: new OpenAIProvider() })],
});
await worker.run();
await connection.close();
