import { randomBytes } from 'node:crypto';
import cookie from '@fastify/cookie';
import Fastify, { type FastifyInstance } from 'fastify';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { decorateWithCaller } from '../../src/http/caller.ts';
import {
  assertForm,
  csrfField,
  decorateWithBrowser,
  endSession,
  ensureBrowser,
  findBrowser,
  startSession,
} from '../../src/http/plugins/browser.ts';
import { acceptJsonOnly } from '../../src/http/plugins/json-body.ts';
import { servePages } from '../../src/http/plugins/pages.ts';
import { sendProblems } from '../../src/http/plugins/problem-responses.ts';
import { pageFrame, sendPage } from '../../src/http/plugins/send-page.ts';
import { csrfKeys } from '../../src/web/csrf-token.ts';
import { CsrfField, renderPage } from '../../src/web/page.tsx';
import { createWebSessions } from '../../src/web/session-store.ts';
import { createTestDatabase } from '../support/database.ts';

export interface BrowserFixture {
  app: FastifyInstance;
  pool: Pool;
  close(): Promise<void>;
}

/** Serves a few pages that do nothing but use what `plugins/browser.ts` offers, on a real database. */
export async function createBrowserFixture(
  publicUrl: string,
  keys = csrfKeys([{ kid: 'k', bytes: randomBytes(32) }]),
): Promise<BrowserFixture> {
  const database = await createTestDatabase();
  const pool = createPool({ databaseUrl: database.url, size: 2, onIdleError: () => {} });
  const app = Fastify();
  sendProblems(app);
  acceptJsonOnly(app);
  decorateWithCaller(app);
  decorateWithBrowser(app);
  app.register(cookie);
  app.register(async (pages) => {
    const sessions = createWebSessions(pool);
    servePages(pages, { publicUrl, csrfKeys: keys, sessions, currentChange: async () => '7' });
    addPages(pages);
  });
  await app.ready();
  return {
    app,
    pool,
    async close() {
      await app.close();
      await pool.end();
      await database.drop();
    },
  };
}

function addPages(pages: FastifyInstance): void {
  pages.get('/who', async (request) => findBrowser(request));
  pages.get('/plain', async (request, reply) => {
    ensureBrowser(request, reply);
    return sendPage(reply, 200, renderPage({ ...pageFrame(request, reply), title: '<T>', children: '<b>' }));
  });
  pages.get('/form', async (request, reply) => {
    const children = <CsrfField value={csrfField(request, reply)} />;
    return sendPage(reply, 200, renderPage({ ...pageFrame(request, reply), title: 'Form', children }));
  });
  pages.post('/form', { preValidation: assertForm }, async (request) => request.body);
  pages.get<{ Querystring: { user: string } }>('/in', async (request, reply) => {
    await startSession(request, reply, { userId: request.query.user, isAdmin: false });
    return findBrowser(request);
  });
  pages.get('/out', async (request, reply) => {
    await endSession(request, reply);
    return findBrowser(request);
  });
  pages.get('/broken', async () => {
    throw new Error('secret detail');
  });
}
