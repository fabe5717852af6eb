import { expect, onTestFinished } from 'vitest';
import { startTestApi } from '../support/api.ts';
import { testInBrowser } from './fixtures.ts';
import { mark, streamOf } from './live-page.ts';
import { signIn } from './people.ts';

const test = testInBrowser({ withoutWorker: true });

test('an open page survives a restart of its server, and shows what changed meanwhile', async ({
  world,
  page,
}) => {
  const user = world.users.newUser();
  const first = await startTestApi(world);
  await signIn(page, first, user);
  const stream = streamOf(page);
  await page.goto(`${first.url}/connections`);
  await stream;
  const isMarked = await mark(page);

  await first.stop();
  await page.getByText('No connection. Trying again…').waitFor();
  await world.users.connect(user);
  const second = await startTestApi(world);
  onTestFinished(second.stop);
  expect(second.url).toBe(first.url);

  const disconnect = page.getByRole('main').getByRole('button', { name: 'Disconnect' });
  await disconnect.waitFor();
  await page.getByText('No connection. Trying again…').waitFor({ state: 'detached' });
  await world.users.disconnect(user);
  await disconnect.waitFor({ state: 'detached' });
  expect(await isMarked()).toBe(true);
});
