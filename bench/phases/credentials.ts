import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { createKeyRing } from '../../src/vault/key-ring.ts';
import { createVault } from '../../src/vault/vault.ts';
import { createExplainingPool } from '../growth/explaining-pool.ts';
import { fill, fillServers, sealedTexts, sizeOf } from '../growth/fill.ts';
import { measureStatements } from '../growth/measure-statements.ts';
import { type MeasuredStatement, sideBySide } from '../growth/statements.ts';
import type { World } from '../world.ts';
import type { Phase } from './phase.ts';

/**
 * The plans of every statement of the hot paths, at each number of credentials. The statements are those that the
 * product's functions send, in a database of their own.
 */
export const credentials: Phase = {
  name: 'credentials',
  byName: true,
  limitMinutes: { quick: 10, full: 30 },
  async run(phase) {
    const { world, plan, say } = phase;
    const databaseUrl = await createDatabase(world);
    const filling = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    // As in the explaining pool: past the time limit, Postgres is stopped while it works.
    filling.on('error', () => {});
    const keyRing = createKeyRing([{ id: 'k1', bytes: randomBytes(32) }]);
    const explaining = createExplainingPool(databaseUrl);
    const given = { ...explaining, filling, client: world.client, keyRing, vault: createVault(keyRing) };
    try {
      const sizes = [];
      const measured: MeasuredStatement[][] = [];
      const texts = await sealedTexts(given.vault);
      await fillServers(filling);
      for (const [index, to] of plan.growth.credentials.entries()) {
        await fill(filling, { from: plan.growth.credentials[index - 1] ?? 0, to }, texts);
        const size = await sizeOf(filling);
        say(
          `${size.credentials} credentials, ${size.waiters} waiters: ${size.tableMiB} + ${size.indexMiB} MiB`,
        );
        sizes.push(size);
        measured.push(await measureStatements(given));
      }
      return { growth: { credentials: { sizes, statements: sideBySide(measured) } } };
    } finally {
      await Promise.all([filling.end(), explaining.pool.end()]);
    }
  },
};

async function createDatabase({ pool, databaseUrl }: World): Promise<string> {
  const name = `growth_${randomUUID().replaceAll('-', '')}`;
  await pool.query(`CREATE DATABASE ${name}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  return url.href;
}
