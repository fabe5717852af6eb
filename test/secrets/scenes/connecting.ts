import { request } from 'undici';
import { followAuthorization } from '../../../src/dev/embedded/authorize-headlessly.ts';
import { PUBLIC_URL, REPEATED_IF_LOST } from '../../support/world.ts';
import type { StoryFixture } from '../story-fixture.ts';
import { newStoryUser, type StoryUser } from '../users.ts';

const FORM = 'application/x-www-form-urlencoded';
const PAGE = { host: new URL(PUBLIC_URL).host, accept: 'text/html' };

/** A consent in the browser that waits for its host, one that is refused, and one that is finished. */
export async function playConnecting(fixture: StoryFixture): Promise<void> {
  const user = newStoryUser(fixture);
  const stepId = await user.start(REPEATED_IF_LOST);
  await user.until(stepId, 'awaiting-input');
  const waiting = await goThrough(fixture, user, { confirm: 'host' });
  await keepRegisteredClients(fixture);
  await fixture.keepDatabaseNow();
  await user.ask(`POST /connect-sessions/${waiting}/confirm`);
  await user.until(stepId, 'success');
  await goThrough(fixture, user, {});
}

/** Follows a link to its end, and once more to its refusal. Returns the id of its session. */
async function goThrough(fixture: StoryFixture, user: StoryUser, more: object): Promise<string> {
  const { mcpServerId } = fixture.world;
  const { body } = await user.ask('POST /connect-sessions', { mcpServerId, ...more });
  const { url, connectSessionId } = body as { url: string; connectSessionId: string };
  // In the answer to its host, and in the form of the page.
  const places = [/^http answer to POST \/connect-sessions: body/, /^http answer to GET \/connect\//];
  const token = new URL(url).searchParams.get('link') ?? '';
  fixture.registry.register('link to connect', token, ...places);
  const browser = recordedBrowser(fixture);
  const page = await browser(url);
  const csrf = /name="csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
  const sent = await browser(url, new URLSearchParams({ csrf, link: token }));
  await fixture.keepDatabaseNow();
  const back = await followAuthorization(sent.location, `${PUBLIC_URL}/oauth/callback`, user.id);
  const ended = await browser(back.href);
  await fixture.registerIssued();
  await browser(ended.location);
  await browser(back.href);
  await browser(url);
  return connectSessionId;
}

/** A browser that keeps every answer as evidence, without what is meant for the address bar: `state` and `code`. */
function recordedBrowser({ api }: StoryFixture) {
  const cookies = new Map<string, string>();
  return async (url: string, form?: URLSearchParams) => {
    const { pathname, search } = new URL(url, PUBLIC_URL);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    // Not `fetch`, which sends its own `Host`.
    const { headers, body } = await request(`${api.url}${pathname}${form === undefined ? search : ''}`, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { ...PAGE, cookie, ...(form && { origin: PUBLIC_URL, 'content-type': FORM }) },
      ...(form && { body: form.toString() }),
    });
    for (const header of [headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
      cookies.set(name, value);
    }
    const text = await body.text();
    const where = `http answer to ${form === undefined ? 'GET' : 'POST'} ${pathname}`;
    api.keep({ where: `${where}: body`, content: text });
    for (const [name, value] of Object.entries(headers)) {
      api.keep({ where: `${where}: ${name}`, content: String(value) });
    }
    return { text, location: String(headers.location ?? '') };
  };
}

/** The secrets of clients that the server has registered by itself. */
async function keepRegisteredClients({ world, registry }: StoryFixture): Promise<void> {
  const { db, vault } = world.services;
  const { rows } = await db.query<{ mcp_server_id: string; client_jwe: string }>(
    'SELECT mcp_server_id, client_jwe FROM mcp_client_registration',
  );
  for (const { mcp_server_id: mcpServerId, client_jwe: jwe } of rows) {
    const opened = await vault.open('client-registration', { mcpServerId }, jwe);
    if (opened.kind !== 'opened') throw new Error(`a registered client does not open: ${opened.kind}`);
    registry.register("registered client's secret", JSON.parse(opened.plaintext).clientSecret);
  }
}
