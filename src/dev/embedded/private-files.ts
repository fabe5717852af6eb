import { chmod, mkdir } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';

const ONLY_ME = 0o600;

/** Starts a process whose files nobody but its account may read. */
export function withPrivateFiles<T>(start: () => T): T {
  // A worker thread can't set it.
  if (!isMainThread) return start();
  const before = process.umask(0o077);
  try {
    return start();
  } finally {
    process.umask(before);
  }
}

/**
 * Creates a folder that others can't read, or closes it. As root it can still be passed through: Postgres, which runs as
 * another user then, has its folder in it.
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
  await mkdir(folder, { recursive: true, mode });
  await changeMode(folder, mode);
}

/** Closes a database file of before, and what SQLite keeps beside it. */
export async function closeDatabaseFile(file: string): Promise<void> {
  await Promise.all(['', '-wal', '-shm', '-journal'].map((end) => changeMode(`${file}${end}`, ONLY_ME)));
}

// Neither what does not exist nor what is another user's is closed here.
async function changeMode(path: string, mode: number): Promise<void> {
  await chmod(path, mode).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'EPERM') throw error;
  });
}
