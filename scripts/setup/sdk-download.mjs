// node scripts/setup/sdk-download.mjs <dev-server|test-server> <folder>: has the Temporal SDK download the
// program into the folder. Starting the server is the SDK's only way to ask for that.
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [which, downloadDir] = process.argv.slice(2);
const server = { executable: { type: 'cached-download', downloadDir } };
const environment =
  which === 'dev-server'
    ? await TestWorkflowEnvironment.createLocal({ server })
    : await TestWorkflowEnvironment.createTimeSkipping({ server });
await environment.teardown();
