import { expect } from 'vitest';
import { testInBrowser } from './fixtures.ts';
import { setHidden, streamOf } from './live-page.ts';
import { signIn } from './people.ts';

const test = testInBrowser({ withoutWorker: true });

test.for([
  { tab: 'a hidden tab that is shown again', isHidden: true },
  { tab: 'a window beside it', isHidden: false },
])(
  '$tab becomes the page of the person who signed in meanwhile',
  async ({ isHidden }, { world, api, page }) => {
    const [ada, bob] = [world.users.newUser(), world.users.newUser()];
    await world.users.connect(bob);
    await signIn(page, api, ada);
    const stream = streamOf(page);
    await page.goto(`${api.url}/connections`);
    await stream;
    if (isHidden) await setHidden(page, true);
    const other = await page.context().newPage();
    await signIn(other, api, bob);
    await other.getByRole('main').getByRole('button').first().click();
    await other.locator('nav .user').filter({ hasText: bob }).waitFor();

    if (isHidden) await setHidden(page, false);
    await page.getByRole('main').getByRole('button', { name: 'Disconnect' }).waitFor();

    expect(await page.locator('nav .user').textContent()).toBe(bob);
  },
);
