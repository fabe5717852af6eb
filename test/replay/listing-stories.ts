import { randomUUID } from 'node:crypto';
import type { ToolListing } from '../../src/contracts/activities.ts';
import { listingMemo } from '../../src/contracts/listing.ts';
import type { McpToolsInput } from '../../src/contracts/mcp-tools.ts';
import { credentialDeposited, credentialsRestored, historyRestored } from '../../src/contracts/messages.ts';
import { stepSearchAttributes } from '../../src/contracts/search-attributes.ts';
import { MEMO_KEY } from '../../src/contracts/step-memo.ts';
import { seen } from '../workflows/outcomes.ts';
import { CONNECT_URL, type Script } from '../workflows/scripted-activities.ts';
import { INPUT, type ScriptedStep, type ScriptedSteps } from '../workflows/scripted-steps.ts';
import { continuedInPause, type Story } from './stories.ts';

const WAIT = { wait: true, connectUrl: CONNECT_URL };
const MOVED_ON = { wait: false, connectUrl: CONNECT_URL };
const SERVERS = [{ mcpServerId: 'ledger' }, { mcpServerId: 'crm', account: 'work' }];
const LISTED: ToolListing = {
  kind: 'listed',
  tools: [{ name: 'create_invoice', inputSchema: { type: 'object' } }],
  bytes: 60,
};
const AWAY: ToolListing = {
  kind: 'failed',
  failure: { kind: 'connection', code: 'server-unavailable' },
  mayPass: true,
};

function unconnected(version: number): ToolListing {
  return {
    kind: 'reauth-required',
    seen: seen(version),
    reason: 'not-connected',
    connectUrl: CONNECT_URL,
  };
}

function challenged(version: number): ToolListing {
  return {
    kind: 'insufficient-scope',
    seen: seen(version),
    challengedScopes: ['tools.read'],
    requiredScopes: ['tools.read'],
  };
}

/** As `listMcpTools` starts it. */
function start(steps: ScriptedSteps, script: Script, change: Partial<McpToolsInput> = {}) {
  const listId = randomUUID();
  const { userId } = INPUT;
  const input = { userId, servers: SERVERS, listId, waitUntilConnected: true, ...change };
  return steps.start(script, {
    type: 'mcpTools',
    workflowId: `step/${userId}/${listId}`,
    args: [input],
    memo: { [MEMO_KEY]: listingMemo(userId, listId, SERVERS) },
    typedSearchAttributes: stepSearchAttributes({ userId, mcpServerId: 'ledger' }),
  });
}

const depositCrm = ({ handle }: ScriptedStep, version: number) =>
  handle.signal(credentialDeposited, { mcpServerId: 'crm', account: 'work', version });

export const LISTING_STORIES: Record<string, Story> = {
  'listing-that-does-not-wait': (steps) =>
    start(steps, { listTools: [[AWAY, unconnected(0)], [LISTED]] }, { waitUntilConnected: false }),
  'listing-of-connected-servers': (steps) => start(steps, { listTools: [[LISTED, LISTED]] }),
  'listing-with-invalid-input': (steps) => start(steps, {}, { servers: [] }),
  'listing-that-waits-for-two': async (steps) => {
    const step = await start(steps, {
      listTools: [
        [unconnected(0), unconnected(0)],
        [LISTED, LISTED],
      ],
      registerWaiter: [WAIT, WAIT],
    });
    await step.until('awaiting-input');
    await step.deposit(1);
    await step.untilView((view) => view.mcpServerId === 'crm');
    await depositCrm(step, 1);
    return step;
  },
  'listing-of-just-connected-servers': (steps) =>
    start(steps, {
      listTools: [
        [unconnected(0), LISTED],
        [LISTED, LISTED],
      ],
      registerWaiter: [MOVED_ON],
    }),
  'listing-with-a-wider-scope': async (steps) => {
    const step = await start(steps, {
      listTools: [
        [LISTED, challenged(1)],
        [LISTED, challenged(2)],
      ],
      registerWaiter: [WAIT],
    });
    await step.until('awaiting-input');
    await depositCrm(step, 2);
    return step;
  },
  'listing-that-times-out': (steps) =>
    start(
      steps,
      { listTools: [[LISTED, unconnected(0)], [LISTED]], registerWaiter: [WAIT], removeWaiter: [undefined] },
      { timeouts: { reauth: '1s' } },
    ),
  'listing-after-restorations': async (steps) => {
    const step = await start(steps, {
      listTools: [
        [LISTED, unconnected(0)],
        [LISTED, LISTED],
      ],
      registerWaiter: [WAIT, WAIT, MOVED_ON],
    });
    await step.until('awaiting-input');
    await step.handle.signal(historyRestored);
    await step.untilView(() => step.play.order.length === 3);
    await step.handle.signal(credentialsRestored);
    return step;
  },
  'listing-cancelled-in-pause': async (steps) => {
    const step = await start(steps, {
      listTools: [[unconnected(0), unconnected(0)]],
      registerWaiter: [WAIT, WAIT],
      removeWaiter: [undefined],
    });
    await step.until('awaiting-input');
    await step.handle.cancel();
    return step;
  },
};

/** Where histories are long after a few events. */
export const LONG_LISTING_STORIES: Record<string, Story> = {
  'listing-continued-as-new-in-a-pause': async (steps) => {
    const step = await start(steps, {
      listTools: [
        [unconnected(0), unconnected(0)],
        [LISTED, LISTED],
      ],
      registerWaiter: [WAIT, WAIT, WAIT, WAIT],
    });
    await continuedInPause(step);
    await step.deposit(1);
    await depositCrm(step, 1);
    return step;
  },
};
