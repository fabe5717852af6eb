import { chmod, mkdir } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';

const OWNER_ONLY = 0o600;

/** Starts a process with a umask that lets only its own account read the files it creates. */
export function withPrivateFiles<T>(start: () => T): T {
  // A worker thread can't set the umask.
  if (!isMainThread) return start();
  const before = process.umask(0o077);
  try {
    return start();
  } finally {
    process.umask(before);
  }
}

/**
 * Creates a folder that other users can't read, or changes its mode. If this process is root, other users may still
 * enter the folder, because Postgres runs as another user then and has its data inside.
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
  await mkdir(folder, { recursive: true, mode });
  await changeMode(folder, mode);
}

/** Makes an existing SQLite database unreadable for other users, with the files that SQLite keeps beside it. */
export async function closeDatabaseFile(file: string): Promise<void> {
  await Promise.all(['', '-wal', '-shm', '-journal'].map((end) => changeMode(`${file}${end}`, OWNER_ONLY)));
}

// Ignores files that do not exist or belong to another user.
async function changeMode(path: string, mode: number): Promise<void> {
  await chmod(path, mode).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'EPERM') throw error;
  });
}
