import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

export type FolderLock =
  | { kind: 'locked'; release(): Promise<void> }
  /** Another running process has the lock. */
  | { kind: 'taken' };

const UNLOCKABLE: FolderLock = { kind: 'locked', release: async () => {} };

/**
 * Locks a folder until this process ends, even by SIGKILL. The lock is a Unix socket on which the process listens.
 * Unlike a file with a process id, it stops answering with the process. If no socket can be created (on Windows, or
 * because the path is too long), the folder counts as free. Postgres then refuses a folder in use, but later.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = socketOf(folder);
  const server = createServer((socket) => socket.destroy());
  if (process.platform === 'win32') return UNLOCKABLE;
  if (await answers(path)) return { kind: 'taken' };
  // Removes the socket that a killed process left behind.
  await unlink(path).catch(() => {});
  try {
    await once(server.listen(path), 'listening');
  } catch (error) {
    return codeOf(error) === 'EADDRINUSE' ? { kind: 'taken' } : UNLOCKABLE;
  }
  server.unref();
  return { kind: 'locked', release: async () => void (await once(server.close(), 'close')) };
}

/**
 * Whether a running process of this user has the lock, as far as that can be seen: true also where folders can't be locked.
 * A link to the socket of another program is no lock: a folder from elsewhere may hold one.
 */
export async function isFolderLocked(folder: string): Promise<boolean> {
  if (process.platform === 'win32') return true;
  const path = socketOf(folder);
  const status = await lstat(path).catch(() => undefined);
  return status?.isSocket() === true && status.uid === process.getuid?.() && answers(path);
}

function socketOf(folder: string): string {
  return join(folder, 'lock.sock');
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
