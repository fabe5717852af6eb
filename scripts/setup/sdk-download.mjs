// node scripts/setup/sdk-download.mjs <dev-server|test-server> <folder>
// Lets the Temporal SDK download the program into the folder. The SDK does so only when it starts the server.
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [which, downloadDir] = process.argv.slice(2);
const server = { executable: { type: 'cached-download', downloadDir } };
const environment =
  which === 'dev-server'
    ? await TestWorkflowEnvironment.createLocal({ server })
    : await TestWorkflowEnvironment.createTimeSkipping({ server });
await environment.teardown();
