import { expect } from 'vitest';
import { testInWorld } from '../support/fixtures.ts';
import { createTestNamespace } from '../support/temporal.ts';
import { latchkey } from './latchkey.ts';

const test = testInWorld(async () => ({ namespace: await createTestNamespace([]) }));
const JWT_SECRET = 'a secret of at least 32 bytes, as it must be';

test('latchkey doctor ends with 1 until the migration has set Temporal up, and prints no secret', async ({
  world,
}) => {
  const environment: Record<string, string> = { ...world.environment(), JWT_SECRET };
  const before = await latchkey(environment, 'doctor').ended;
  expect(before).toMatchObject({ code: 1, stderr: '' });
  expect(before.stdout).toMatch(/^ok\tconfiguration\tworker, server\tcomplete\n/);
  expect(before.stdout).toMatch(/^failed\tschedules\t\t.*latchkey migrate/m);

  expect(await latchkey(environment, 'migrate').ended).toMatchObject({ code: 0 });
  const after = await latchkey(environment, 'doctor', '--json').ended;
  expect(after).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(after.stdout)).toMatchObject({ ok: true });
  for (const secret of [JWT_SECRET, environment.DATABASE_URL ?? '', environment.ENCRYPTION_KEYS ?? '']) {
    expect(before.stdout + after.stdout).not.toContain(secret);
  }
});

test('latchkey doctor names every variable that is missing', async () => {
  const { code, stdout } = await latchkey({ LATCHKEY_DATA_DIR: '/nowhere' }, 'doctor').ended;
  expect(code).toBe(1);
  expect(stdout).toContain('failed\tconfiguration\tworker, server\tDATABASE_URL is required\n');
  expect(stdout).toContain('failed\tconfiguration\tserver\tJWT_SECRET is required');
});
