import { expect } from 'vitest';
import type { ListUserToolsOutcome } from '../../src/tools/list-user-tools.ts';
import { mainTextOf } from '../support/page-text.ts';
import { NOT_CONNECTED } from '../tools/not-connected.ts';
import { createBrowserClient } from './browser-client.ts';
import { httpTestWith } from './fixtures.ts';
import { createHttpFixture, OAUTH_SERVER, PUBLIC_URL, registerServer } from './http-fixture.ts';

const LISTS: Record<string, ListUserToolsOutcome> = {
  new: NOT_CONNECTED,
  lapsed: { ...NOT_CONNECTED, reason: 'invalid-grant' },
  narrow: { kind: 'insufficient-scope', challengedScopes: ['s'] },
  away: { kind: 'unavailable', cause: 'connect-refused' },
  renamed: { kind: 'listed', tools: [] },
};

const test = httpTestWith(async () => {
  const fixture = await createHttpFixture({
    deps: { listTools: async ({ mcpServerId }) => LISTS[mcpServerId] ?? { kind: 'listed', tools: [] } },
  });
  for (const id of Object.keys(LISTS))
    await registerServer(fixture, id, { ...OAUTH_SERVER, title: `The ${id}` });
  return fixture;
});

test.for([
  ['new', 'The new shows its tools when you are connected.', 'Connect'],
  ['lapsed', 'Your permission has ended: it expired, or it was withdrawn at the provider.', 'Reconnect'],
  ['narrow', 'The narrow wants you to allow more', 'Allow more access'],
  ['away', 'The away could not be reached', ''],
  ['renamed', 'The renamed has no tool of this name any more', ''],
] as const)(
  'an approval says why changed arguments can’t be checked, and what helps: %s',
  async ([id, words, button], { fixture }) => {
    const browser = createBrowserClient(fixture.app, PUBLIC_URL);
    browser.cookies.set(
      '__Host-latchkey-session',
      await fixture.deps.web.sessions.begin({ userId: 'alice', isAdmin: false }),
    );
    const payload = {
      mcpServerId: id,
      tool: 'send',
      arguments: { a: 1 },
      stepId: `of-${id}`,
      account: 'work',
    };
    await fixture.ask({ method: 'POST', url: '/steps', payload });
    const pending = { arguments: { a: 1 } };
    fixture.steps.change('alice', `of-${id}`, {
      ...{ status: 'awaiting-input', awaitingInputReason: 'needs-approval', pending },
    });
    const { body } = await browser.open(`/step/of-${id}`);
    const notice = /<div id="unchecked"[\s\S]*?<\/div>/.exec(body)?.[0] ?? '';
    expect(mainTextOf(notice)).toContain(words);
    expect(mainTextOf(notice)).toContain('Approving them unchanged works.');
    const link = `href="/mcp/connect/${id}?step=of-${id}&amp;account=work">${button}</a>`;
    if (button === '') expect(notice).not.toContain('<a');
    else expect(notice).toContain(link);
  },
);
