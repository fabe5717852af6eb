import { expect, onTestFinished } from 'vitest';
import { Secret } from '../../src/config/load-config.ts';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { startTestApi } from '../support/api.ts';
import { violationsOn } from './accessibility.ts';
import { testInBrowser } from './fixtures.ts';
import { mainText, signIn, signInAsAdmin } from './people.ts';

const test = testInBrowser({ withoutWorker: true });

/** What each page says while Temporal is down, and what of the database it still shows. */
const PAGES = [
  ['/', 'Your steps can’t be shown at the moment.', ''],
  ['/?status=error', 'Your steps can’t be shown at the moment.', ''],
  ['/step/s1', 'Steps can’t be read at the moment. None is lost', 's1'],
  ['/connections', 'Connected', 'ledger'],
  ['/start', 'Choose a server', 'ledger'],
  ['/start?again=s1', 'Not available at the moment', ''],
  ['/servers', 'OAuth, each user connects', 'ledger'],
  ['/servers/ledger', 'What is registered', 'ledger'],
  ['/connect/ledger', 'Continue only if you are', 'ledger'],
] as const;

test('every page renders while Temporal is down, and shows what the database knows', {
  timeout: 180_000,
}, async ({ world, page }) => {
  const address = `127.0.0.1:${await freePort()}`;
  const temporal = { ...world.config.temporal, address, connection: new Secret({ address }) };
  const api = await startTestApi({ ...world, config: { ...world.config, temporal } });
  onTestFinished(api.stop);
  const user = world.users.newUser();
  await world.users.connect(user);
  world.authorizationServer.control.revokeGrants(user);
  await signInAsAdmin(page, world, api, user);
  for (const [path, words, known] of PAGES) {
    await page.goto(`${api.url}${path}`);
    expect(await page.locator('h1').count(), path).toBe(1);
    const text = await mainText(page);
    expect(text, path).toContain(words);
    expect(text, path).toContain(known);
    expect(await violationsOn(page), path).toEqual([]);
  }
  // A connection is made from the database alone.
  await signIn(page, api, user);
  await page.getByRole('main').getByRole('button', { name: 'Disconnect' }).waitFor();
});
