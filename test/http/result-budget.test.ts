import { describe, expect } from 'vitest';
import { createBrowserClient } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { type HttpFixture, PUBLIC_URL } from './http-fixture.ts';
import { createStoredResultsFixture, endWith, stepRequest } from './stored-results-fixture.ts';

// Callers that do not read their answers: large-results.proof.ts.

const BYTES = 200_000;

const testWithoutRoom = httpTestWith(() => createStoredResultsFixture({ maxRequests: 0, waitMs: 1 }));
const testWithRoomForOne = httpTestWith(() =>
  createStoredResultsFixture({ maxBytesPerUser: BYTES, maxRequestsPerUser: 1, waitMs: 1 }),
);

async function signedIn({ app, deps }: HttpFixture, userId: string) {
  const browser = createBrowserClient(app, PUBLIC_URL);
  const session = await deps.web.sessions.begin({ userId, isAdmin: false });
  browser.cookies.set('__Host-latchkey-session', session);
  return browser;
}

/** Every request whose answer holds a stored result. */
async function askAll(fixture: HttpFixture, user: string) {
  const stepId = await endWith(fixture, user, BYTES);
  const browser = await signedIn(fixture, user);
  return [
    await fixture.ask({ url: `/steps/${stepId}`, user }),
    await fixture.ask({ url: `/steps/${stepId}?wait=1ms`, user }),
    await fixture.ask({ method: 'POST', url: '/steps', payload: stepRequest(stepId), user }),
    await browser.open(`/step/${stepId}/result`),
    await browser.open(`/step/${stepId}/content/0`),
  ];
}

describe('without room in memory for a stored result', () => {
  testWithoutRoom('every route that would send it answers 429 and when to try again', async ({ fixture }) => {
    for (const answer of await askAll(fixture, 'ada')) {
      expect(answer).toMatchObject({ statusCode: 429, headers: { 'retry-after': '5' } });
    }
  });

  testWithoutRoom('its step is still listed, and is shown by its page', async ({ fixture }) => {
    const stepId = await endWith(fixture, 'bob', BYTES);
    const browser = await signedIn(fixture, 'bob');
    expect((await browser.open(`/step/${stepId}`)).statusCode).toBe(200);
    expect((await fixture.ask({ url: '/steps', user: 'bob' })).statusCode).toBe(200);
  });
});

testWithRoomForOne('one after the other, results of any size are sent', async ({ fixture }) => {
  for (const answer of await askAll(fixture, 'ada')) {
    expect(answer.statusCode).toBe(200);
    expect(answer.rawPayload.length).toBeGreaterThanOrEqual(BYTES);
  }
});
