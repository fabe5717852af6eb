import { randomUUID } from 'node:crypto';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { Client, Connection } from '@temporalio/client';
import { stepWorkflowId } from '../../src/contracts/step-workflow-id.ts';
import { authorizeHeadlessly } from '../../src/dev/embedded/authorize-headlessly.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createVault } from '../../src/vault/vault.ts';
import type { ChaosWorld } from './chaos-world.ts';
import type { Stage } from './play-round.ts';
import { queryPostgres } from './query-postgres.ts';
import { APIS } from './scenarios.ts';
import type { StartedStep, StepLedger } from './step-ledger.ts';
import { MCP_SERVER_ID, REDIRECT_URI } from './user.ts';

/** Every crime that a run looks for, committed once. A run after which nothing is found proves nothing. */
export async function sabotage(stage: Stage, userId: string): Promise<void> {
  await sendStoredTokenOnce(stage.world, userId);
  await repeatCall(stage.world, stage.stepLedger);
  await leaveWaiterBehind(stage.world, userId);
  await terminateStep(stage, userId);
  await crashProcess(stage.world);
}

/** A process of the API ends as one does on an uncaught error; its replacement starts at once. */
async function crashProcess({ fleet }: ChaosWorld): Promise<void> {
  await fleet.crash(APIS[0]);
}

/** A process that does not care for leases: when Latchkey sends the token too, it has been sent twice. */
async function sendStoredTokenOnce(world: ChaosWorld, userId: string): Promise<void> {
  const { refreshToken, clientId, resource } = await storedGrant(world, userId);
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId, resource };
  await fetch(world.gate.tokenEndpoint, { method: 'POST', body: new URLSearchParams(form) });
}

async function storedGrant({ postgres, encryptionKey }: ChaosWorld, userId: string) {
  const [row] = await queryPostgres<{ grant_jwe: string }>(
    postgres.address,
    'SELECT grant_jwe FROM mcp_credential WHERE user_id = $1',
    [userId],
  );
  const vault = createVault(createKeyRing([{ id: 'chaos', bytes: encryptionKey }]));
  const opened = await vault.open('grant', { userId, mcpServerId: MCP_SERVER_ID }, row?.grant_jwe ?? '');
  if (opened.kind !== 'opened') throw new Error(`the stored grant does not open: ${opened.kind}`);
  // The cast trusts what our own deposit was sealed into.
  return JSON.parse(opened.plaintext) as { refreshToken: string; clientId: string; resource: string };
}

/** The tool of a step that has ended runs once more. */
async function repeatCall(world: ChaosWorld, stepLedger: StepLedger): Promise<void> {
  const step = stepLedger.steps.find(
    ({ tool, sideEffects }) => tool === 'send_message' && sideEffects === 'unsafe',
  );
  if (step === undefined) throw new Error('no step to repeat');
  const { accessToken } = await authorizeHeadlessly({
    issuer: world.authorizationServer.issuer,
    clientId: world.clientId,
    redirectUri: REDIRECT_URI,
    resource: world.mcpServer.url,
    accountId: step.userId,
  });
  const transport = new StreamableHTTPClientTransport(new URL(world.mcpServer.url), {
    requestInit: { headers: { authorization: `Bearer ${accessToken}` } },
  });
  const client = new McpClient({ name: 'saboteur', version: '1' });
  // The class declares its callbacks as possibly undefined, which exactOptionalPropertyTypes tells from absent.
  await client.connect(transport as Transport);
  await client.callTool({ name: step.tool, arguments: step.arguments ?? {} });
  await client.close();
}

/** A user whose steps wait for an approval that does not come. */
const UNATTENDED = 'unattended';

/**
 * It has seen what is stored now, so nothing but another deposit will wake it. Its step is open: of a step that has
 * ended the row would be removed.
 */
async function leaveWaiterBehind({ caller, postgres }: ChaosWorld, userId: string): Promise<void> {
  const stepId = `sleeping-${randomUUID()}`;
  await caller.ask(UNATTENDED, 'POST /steps', {
    stepId,
    mcpServerId: MCP_SERVER_ID,
    tool: 'slow_report',
    arguments: { durationMs: 1_000 },
    mode: 'automated-with-confirmation',
  });
  await queryPostgres(
    postgres.address,
    `INSERT INTO mcp_step_waiter (workflow_id, step_id, user_id, mcp_server_id, seen_version)
     SELECT $2, $3, user_id, mcp_server_id, credential_version + 1000
       FROM mcp_credential WHERE user_id = $1`,
    [userId, stepWorkflowId(UNATTENDED, stepId), stepId],
  );
}

async function terminateStep({ world, stepLedger }: Stage, userId: string): Promise<void> {
  const stepId = `terminated-${randomUUID()}`;
  const request = {
    stepId,
    mcpServerId: MCP_SERVER_ID,
    tool: 'slow_report',
    arguments: { durationMs: 60_000 },
  };
  const step: StartedStep = { ...request, userId, round: 0 };
  stepLedger.add(step);
  await world.caller.ask(userId, 'POST /steps', request);
  const connection = await Connection.connect({ address: world.temporal.address });
  try {
    const client = new Client({ connection });
    await client.workflow.getHandle(stepWorkflowId(userId, stepId)).terminate('sabotage');
  } finally {
    await connection.close();
  }
}
