// Bundles the application's workflows in advance, with the plugin.
import { bundleWorkflowCode } from '@temporalio/worker';
import { createLatchkeyPlugin } from 'latchkey/worker';

const workflowsPath = new URL('./workflows.js', import.meta.url).pathname;
await bundleWorkflowCode({ workflowsPath, plugins: [createLatchkeyPlugin()] });
