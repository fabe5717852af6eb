import type { AddressInfo } from 'node:net';
import { test } from 'vitest';
import { closedAfter } from '../support/closed-after.ts';
import { createHttpFixture, type HttpFixture, registerServer } from './http-fixture.ts';

/** Tests of the HTTP API: one app on one database for the file. */
export const httpTestWith = (create: () => Promise<HttpFixture>) =>
  test
    .extend(
      'fixture',
      { scope: 'file' },
      closedAfter(create, (fixture) => fixture.close()),
    )
    /** The port on which the app listens, for requests that `inject` would normalize. */
    .extend('port', { scope: 'file' }, async ({ fixture }) => {
      await fixture.app.listen({ host: '127.0.0.1', port: 0 });
      const address = fixture.app.server.address() as AddressInfo; // The cast is safe: it listens on TCP.
      return address.port;
    });

export async function createNotesFixture(): Promise<HttpFixture> {
  const fixture = await createHttpFixture();
  await registerServer(fixture, 'notes');
  return fixture;
}

export const httpTest = httpTestWith(createHttpFixture);

/** Tests of the HTTP API with the server `notes` registered. */
export const notesTest = httpTestWith(createNotesFixture);

export const STEP = {
  mcpServerId: 'notes',
  tool: 'create_note',
  arguments: { title: 'x', tags: [1, null, { a: 'b' }] },
};

/** Tests of steps, which `alice` asks for by default. */
export const stepsTest = notesTest
  .extend(
    'start',
    ({ fixture }) =>
      (body: unknown, user = 'alice') =>
        fixture.ask({
          method: 'POST',
          url: '/steps',
          user,
          headers: { 'content-type': 'application/json' },
          payload: JSON.stringify(body),
        }),
  )
  .extend(
    'get',
    ({ fixture }) =>
      (stepId: string, user = 'alice') =>
        fixture.ask({ url: `/steps/${stepId}`, user }),
  )
  .extend(
    'list',
    ({ fixture }) =>
      (query: Record<string, string> = {}, user = 'alice') =>
        fixture.ask({ url: '/steps', query, user }),
  );
