import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

export type FolderLock =
  | { kind: 'locked'; release(): Promise<void> }
  /** By a process that runs now. */
  | { kind: 'taken' };

const FREE: FolderLock = { kind: 'locked', release: async () => {} };

/**
 * Takes a folder for this process until it ends, however it ends: a socket that a process listens on is gone with
 * it, which a file with its number is not. Where such a socket can't be made (Windows, a path that is too
 * long) the folder counts as free: Postgres itself refuses a folder in use, though later.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, 'lock.sock');
  const server = createServer((socket) => socket.destroy());
  if (process.platform === 'win32') return FREE;
  if (await answers(path)) return { kind: 'taken' };
  // What a killed process has left behind.
  await unlink(path).catch(() => {});
  try {
    await once(server.listen(path), 'listening');
  } catch (error) {
    return codeOf(error) === 'EADDRINUSE' ? { kind: 'taken' } : FREE;
  }
  server.unref();
  return { kind: 'locked', release: async () => void (await once(server.close(), 'close')) };
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
