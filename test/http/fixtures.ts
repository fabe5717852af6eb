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
