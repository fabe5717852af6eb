import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const USER = 'postgres';

/**
 * The user that Postgres runs as if this process is root, because Postgres refuses to run as root. Else undefined.
 */
export type PostgresAccount = { uid: number; gid: number } | undefined;

/** Returns the account. Creates the user `postgres` if this process is root and the machine has no such user. */
export async function postgresAccount(): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return undefined;
  return (await findAccount()) ?? (await createAccount());
}

/** Whether the account may enter or run `path`, which needs access to every parent folder. */
export async function isReachable(path: string, account: PostgresAccount): Promise<boolean> {
  if (account === undefined) return true;
  return run('test', ['-x', path], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

/** @throws if the account may not enter `folder`; the message says what to do */
export async function assertReachable(folder: string, account: PostgresAccount): Promise<void> {
  const closed = await findOutermostClosed(folder, account);
  if (closed === undefined) return;
  throw new Error(
    `Postgres does not run as root, and its user "${USER}" may not enter ${closed}. ` +
      `Use a data folder elsewhere, allow it (chmod o+x ${closed}), or don't run as root.`,
  );
}

async function findOutermostClosed(folder: string, account: PostgresAccount): Promise<string | undefined> {
  const parent = dirname(folder);
  const above = parent === folder ? undefined : await findOutermostClosed(parent, account);
  if (above !== undefined) return above;
  return (await isReachable(folder, account)) ? undefined : folder;
}

async function findAccount(): Promise<PostgresAccount> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', USER]), run('id', ['-g', USER])]);
    return { uid: Number.parseInt(uid.stdout, 10), gid: Number.parseInt(gid.stdout, 10) };
  } catch {
    return undefined;
  }
}

async function createAccount(): Promise<PostgresAccount> {
  try {
    await run('groupadd', ['--force', '--system', USER]);
    await run('useradd', ['--system', '--no-create-home', '--gid', USER, USER]);
  } catch (error) {
    // Another process may have created the user at the same time.
    if ((await findAccount()) === undefined) {
      throw new Error(`Postgres does not run as root, and its user "${USER}" could not be created.`, {
        cause: error,
      });
    }
  }
  return findAccount();
}
