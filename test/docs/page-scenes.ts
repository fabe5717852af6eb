/**
 * What a reader of each page has and does beside its blocks: the servers that the page names, a consent in the browser.
 * `pages.proof.ts` plays the blocks that run there; a page that is not here has none.
 */
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, vi } from 'vitest';
import { keepFingerprintKeys } from '../../src/credentials/deposit/fingerprint-key-store.ts';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { encryptionKeys } from '../commands/latchkey.ts';
import { createCredentialFixture } from '../credentials/credential-fixture.ts';
import { keepResult } from '../vault/rotation/two-keys.ts';
import type { Block } from './reader/page.ts';
import type { Reader } from './reader/reader.ts';
import type { Ran, Shell } from './reader/shell.ts';
import { NODE } from './reader/snippet.ts';

export interface Scene {
  /** What the reader has done before. */
  before?: (shell: Shell) => Promise<unknown>;
  /** What the shell has beside the reader's own variables. */
  environment?: () => Promise<Record<string, string>>;
  /** By the number of a block among those that run here. */
  blocks?: Record<number, BlockScene>;
}

export interface BlockScene {
  before?: (shell: Shell) => Promise<unknown>;
  /** What a program's last value is, and how it looks. */
  value?: readonly [expression: string, matches: unknown];
  /** What the block prints of a link, at which the reader consents. */
  link?: RegExp;
  /** Default: it is pasted, or run. */
  run?: (shell: Shell, block: Block) => Promise<Ran>;
  after?: (shell: Shell, ran: Ran) => Promise<unknown>;
}

const ADA = 'ada@example.com';
const SUCCESS = expect.objectContaining({ status: 'success' });
const WAIT = { timeout: 30_000, interval: 100 };

/** Blocks that run as bodies of workflows: what each returns in the end, and how that looks. */
export const WORKFLOWS: Record<string, Record<number, readonly [expression: string, matches: unknown]>> = {
  'docs/listing-tools.md': {
    1: ['servers', [expect.objectContaining({ tools: expect.any(Array) }), expect.anything()]],
    2: ['[ready, problems.length]', [false, 1]],
  },
  'docs/typescript.md': { 2: ['step', SUCCESS] },
};

/** The keys of a database of its own, as the page on keys begins. */
async function keysScene(): Promise<Scene> {
  const fixture = await createCredentialFixture({ keyId: '2026-01' });
  onTestFinished(fixture.stop);
  const server = await fixture.register({ auth: { type: 'oauth2', clientId: 'o', clientSecret: 'shh' } });
  const deposit = async () => {
    const key = fixture.newKey(server);
    await fixture.deposit(key, { accessToken: 'a' });
    await keepResult(fixture, fixture, key, 'a result');
  };
  await deposit();
  await keepFingerprintKeys({ db: fixture.pool, ...fixture });
  const lost = 'export ENCRYPTION_KEYS="lost-and-new:$(openssl rand -base64 32)"';
  return {
    environment: async () => ({
      DATABASE_URL: fixture.database.url,
      OLD: encryptionKeys(fixture.keys),
    }),
    blocks: {
      2: { before: (shell) => shell.run('start worker; kill $started; wait $started') },
      4: { before: deposit },
      5: { before: (shell) => shell.run('npx latchkey keys rotate') },
      7: { before: (shell) => shell.run(lost) },
    },
  };
}

export const SCENES: Record<string, (reader: Reader) => Scene | Promise<Scene>> = {
  'README.md': (reader) => ({
    before: (shell) => shell.run('unset LATCHKEY_URL LATCHKEY_TOKEN'),
    blocks: {
      3: { link: /(http:\S+\/connect\/ledger\?\S+)/ },
      5: { after: async (_, { output }) => expect(output).toContain('"status":"success"') },
      6: { before: () => reader.connect(ADA, 'ledger'), value: ['result', SUCCESS] },
      7: { run: (shell, { text }) => shell.run(inBackground(text)) },
    },
  }),
  'docs/connect.md': (reader) => ({ before: () => reader.register('notes') }),
  'docs/http-api.md': (reader) => ({ before: () => reader.connect('dev', 'notes') }),
  'docs/backends.md': (reader) => ({
    before: async () => {
      await reader.register('notes');
      await reader.connect(ADA, 'notes');
    },
    environment: async () => ({ TOKEN_OF_BACKEND: await reader.tokenOf('shop', 'latchkey:act-for-users') }),
    blocks: { 3: { value: ['[ready, problems]', [expect.any(Boolean), expect.any(Array)]] } },
  }),
  'docs/cli.md': (reader) => ({
    before: async (shell) => {
      await shell.run('npx latchkey servers remove ledger --yes');
      await shell.run('mkdir -p secrets; echo hush > secrets/crm; export SEARCH_TOKEN=hush');
    },
    blocks: {
      1: { run: (shell, { text }) => shell.run(reader.inReadersWords(text.replace('/run/', './'))) },
      2: { before: () => reader.connect('dev', 'ledger') },
    },
  }),
  'docs/configuration.md': () => ({}),
  'docs/metrics.md': () => ({
    blocks: { 1: { after: async (_, { output }) => expect(output).toContain('latchkey_') } },
  }),
  'docs/traces.md': (reader) => ({
    blocks: { 1: { after: () => vi.waitUntil(() => reader.traces() > 0, WAIT) } },
  }),
  'docs/logging.md': (reader) => ({
    before: async () => {
      await reader.register('ledger');
      const note = { mcpServerId: 'ledger', tool: 'create_invoice', stepId: 'note-43' };
      await reader.ask('ada', 'POST /steps', note);
    },
  }),
  'docs/listing-tools.md': () => ({}),
  'docs/typescript.md': (reader) => ({
    environment: async () => ({
      TOKEN_OF_ADA: await reader.tokenOf(ADA),
      WORKFLOWS_PATH: await reader.write('own-workflows.ts', `export * from 'latchkey/workflow';\n`),
    }),
    blocks: {
      1: { value: ['outcome', expect.objectContaining({ kind: 'started' })] },
      3: { value: ['worker.options.taskQueue', 'mcp-steps'] },
    },
  }),
  'docs/webhooks.md': (reader) => ({
    blocks: {
      1: {
        after: async (shell) => {
          const { output } = await shell.run(
            'export WEBHOOK_URL WEBHOOK_SECRETS; npx latchkey doctor --role worker',
          );
          expect(output).toMatch(/✓ configuration/);
        },
      },
      2: { run: (shell, block) => receiveWebhook(reader, shell, block) },
    },
  }),
  'docs/troubleshooting.md': () => ({}),
  'docs/payload-encryption.md': (reader) => ({
    environment: async () => ({
      WORKFLOWS_PATH: await reader.write('own-workflows.ts', `export * from 'latchkey/workflow';\n`),
    }),
    blocks: {
      2: { value: ['Object.keys(dataConverter).length > 0', true] },
      3: {
        before: async (shell) => {
          await reader
            .ask('dev', 'POST /steps', {
              mcpServerId: 'ledger',
              tool: 'list_invoices',
              stepId: 'invoice-1',
            })
            .catch(() => {});
          const { failed } = await shell.run('LATCHKEY_URL=http://127.0.0.1:$PORT; start server');
          expect(failed).toBe('');
        },
        // The CLI waits only some seconds for Temporal, which is not always enough on a busy machine.
        run: (shell, { text }) =>
          vi.waitFor(async () => {
            const ran = await shell.run(text);
            expect(ran.failed, ran.output).toBe('');
            return ran;
          }, WAIT),
        after: async (shell, { output }) => {
          expect(output).toContain('WorkflowExecutionStarted');
          await shell.run('kill $started; wait $started');
        },
      },
    },
  }),
  'docs/agents.md': () => ({ blocks: { 1: { value: ['modes.default', 'confirm-destructive'] } } }),
  'docs/keys.md': () => keysScene(),
  'docs/offboarding.md': (reader) => ({
    before: async () => {
      await reader.connect(ADA, 'ledger');
      const request = { mcpServerId: 'ledger', tool: 'list_invoices', mode: 'automated-with-confirmation' };
      await reader.ask(ADA, 'POST /steps', { ...request, stepId: 'waits' });
    },
  }),
  'docs/audit.md': (reader) => ({
    before: async (shell) => {
      await reader.connect(ADA, 'ledger');
      const request = { mcpServerId: 'ledger', tool: 'list_invoices', mode: 'automated-with-confirmation' };
      await reader.ask(ADA, 'POST /steps', { ...request, stepId: 'i-1' });
      await vi.waitFor(() => reader.ask(ADA, 'POST /steps/i-1/approve', {}), WAIT);
      await shell.run(`npx latchkey users forget ${ADA}`);
    },
  }),
  'docs/backup-and-restore.md': () => ({
    blocks: { 2: { before: async (shell) => shell.run(await restoredDatabase()) } },
  }),
};

/** A database without workers, as a backup that was restored. */
async function restoredDatabase(): Promise<string> {
  const fixture = await createCredentialFixture();
  onTestFinished(fixture.stop);
  const server = await fixture.register();
  await fixture.deposit(fixture.newKey(server), {});
  const keys = encryptionKeys(fixture.keys);
  return `export DATABASE_URL='${fixture.database.url}' ENCRYPTION_KEYS='${keys}' TEMPORAL_TASK_QUEUE=not-polled`;
}

/** Starts the two roles of the block one after the other, after the command before them. */
function inBackground(text: string): string {
  return text.replaceAll(/^npx latchkey (worker|server).*$/gm, 'start $1; kill $started; wait $started');
}

/** The receiver that the page shows, at a server like Express; and what it answers to an event and to a forged one. */
async function receiveWebhook(reader: Reader, shell: Shell, { text }: Block): Promise<Ran> {
  const [port, secret] = [await freePort(), `whsec_${Buffer.alloc(32, 7).toString('base64')}`];
  const file = await reader.write('receiver.ts', receiverAround(text));
  const started = await shell.run(`export WEBHOOK_SECRET=${secret}; ${NODE} ${file} ${port} & receiver=$!`);
  const event = JSON.stringify({ type: 'step.finished' });
  const send = async (key: string) => {
    const now = new Date();
    const headers = {
      'content-type': 'application/json',
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(key).sign('msg_1', now, event),
    };
    const url = `http://127.0.0.1:${port}/webhooks/latchkey`;
    return (await fetch(url, { method: 'POST', headers, body: event })).status;
  };
  await vi.waitFor(async () => expect(await send(secret)).toBe(204), WAIT);
  expect(await send(`whsec_${Buffer.alloc(32, 8).toString('base64')}`)).toBe(400);
  await shell.run('kill $receiver');
  return started;
}

/** Express is not installed here: this is the part of it that the page uses. */
function receiverAround(text: string): string {
  return `
import { createServer } from 'node:http';
const inbox = { put: async () => {} };
const express = { raw: () => undefined };
const app = {
  post(path, _parser, handler) {
    createServer(async (incoming, outgoing) => {
      const chunks = await incoming.toArray();
      const request = { body: Buffer.concat(chunks), headers: incoming.headers };
      handler(request, { sendStatus: (status) => outgoing.writeHead(status).end() });
    }).listen(Number(process.argv[2]), '127.0.0.1');
  },
};
${text}`;
}
