import { expect } from 'vitest';
import { pauseOf } from '../../src/contracts/pause-of.ts';
import type { StepView } from '../../src/contracts/step.ts';
import { freePort } from '../../src/dev/embedded/free-port.ts';
import { hiddenFields } from '../http/browser-client.ts';
import { testInWorld } from '../support/fixtures.ts';
import { signIn } from '../support/signed-in-browser.ts';
import type { World } from '../support/world.ts';

const test = testInWorld(async () => ({ publicUrl: `http://127.0.0.1:${await freePort()}` }));

/** A step whose call was lost, and will be lost again when it is repeated. */
async function startLost(world: World): Promise<{ user: string; step: StepView }> {
  const user = world.users.newUser();
  await world.users.connect(user);
  world.mcpServer.control.interceptTools({ do: 'drop-after-execution' }, { user, times: 2 });
  const { stepId } = await world.steps.start(user, { sideEffects: 'unsafe' });
  return { user, step: await world.steps.until(user, stepId, 'awaiting-input') };
}

test('a page that shows an earlier pause decides nothing about a later one, and says so', async ({
  world,
  api,
}) => {
  const { user, step } = await startLost(world);
  const browser = await signIn(api.url, user);
  const page = `/step/${step.stepId}`;
  const form = hiddenFields(await (await browser.open(page)).text(), `${page}/resolve`);
  // Another browser of the user's: the call is made again, and lost again.
  await browser.submit(`${page}/resolve`, { ...form, action: 'retry' });
  const asked = await world.steps.until(user, step.stepId, 'awaiting-input');
  expect(asked.timeline.length).toBeGreaterThan(step.timeline.length);

  const late = await browser.submit(`${page}/resolve`, { ...form, action: 'fail' });

  expect(late.headers.get('location')).toBe(`${api.url}${page}?said=late`);
  expect(await world.steps.get(user, step.stepId)).toEqual(asked);
  const shown = await (await browser.open(`${page}?said=late`)).text();
  expect(shown).toContain('It was decided to call again');
  expect(shown).toContain('A later decision changes nothing.');

  const current = hiddenFields(shown, `${page}/resolve`);
  await browser.submit(`${page}/resolve`, { ...current, action: 'fail' });
  await world.steps.until(user, step.stepId, 'error');
});

test('a program of another version, which names no pause, decides about the present one', async ({
  world,
  api,
}) => {
  const { user, step } = await startLost(world);
  const resolve = (body: object) => api.ask(user, `POST /steps/${step.stepId}/resolve`, body);
  const pause = pauseOf(step);
  await resolve({ action: 'retry', pause });
  await world.steps.until(user, step.stepId, 'awaiting-input');

  const refused = await resolve({ action: 'fail', pause });

  expect(refused).toMatchObject({ status: 409, body: { code: 'not-waiting' } });
  expect(await resolve({ action: 'fail' })).toMatchObject({ status: 200, body: { status: 'error' } });
});
