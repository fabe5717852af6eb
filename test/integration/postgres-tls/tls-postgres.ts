import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../../src/db/migrate.ts';
import { startPostgres } from '../../../src/dev/embedded/postgres.ts';
import { postgresAccount } from '../../../src/dev/embedded/postgres-account.ts';
import { createAuthority, createLeaf } from '../../support/certificates.ts';

/** A migrated Postgres with a certificate for `localhost`, of an authority of its own. */
export interface TlsPostgres {
  /** A connection string, with that query. */
  url(query: Record<string, string>, host?: string): string;
  /** The certificate of its authority, and of one that has nothing to do with it. */
  authority: string;
  strangeAuthority: string;
  stop(): Promise<void>;
}

export async function startTlsPostgres(): Promise<TlsPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-postgres-tls-'));
  const pathOf = (name: string) => join(folder, name);
  const ca = await createAuthority('Test CA of Postgres');
  const { key, cert } = await createLeaf('postgres', ca);
  const strange = await createAuthority('Another CA');
  const files = { 'ca.pem': ca.cert, 'strange.pem': strange.cert, 'server.pem': cert, 'server.key': key };
  for (const [name, content] of Object.entries(files)) await writeFile(pathOf(name), content);
  await makePrivate(folder, pathOf('server.key'));
  const postgres = await startPostgres({
    dataDir: await mkdtemp(join(tmpdir(), 'latchkey-postgres-')),
    persistent: false,
    settings: { ssl: 'on', ssl_cert_file: pathOf('server.pem'), ssl_key_file: pathOf('server.key') },
  });
  await migrate(postgres.url);
  return {
    url(query, host = 'localhost') {
      const url = new URL(postgres.url);
      url.hostname = host;
      url.search = new URLSearchParams(query).toString();
      return url.href;
    },
    authority: pathOf('ca.pem'),
    strangeAuthority: pathOf('strange.pem'),
    async stop() {
      await postgres.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Postgres refuses a key that others may read, and has to read it as its own user. */
async function makePrivate(folder: string, key: string): Promise<void> {
  const account = await postgresAccount();
  await chmod(folder, 0o755);
  await chmod(key, 0o600);
  if (account) await chown(key, account.uid, account.gid);
}
