import { randomUUID } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { say } from './problem.mjs';

const POLL_INTERVAL_MS = 250;
const HEARTBEAT_INTERVAL_MS = 5_000;
const HEARTBEAT_TIMEOUT_MS = 60_000;

/**
 * Runs `action` while it holds a lock file, so that no other process does so at the same time. Takes over the lock of
 * a process that was killed.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} action
 * @returns {Promise<T>}
 */
export async function withLock(path, action) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${process.pid} ${randomUUID()}`;
  await acquire(path, mine);
  // A process id does not prove that the holder runs, because after a reboot another process may have that id.
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_INTERVAL_MS);
  try {
    return await action();
  } finally {
    clearInterval(heartbeat);
    if (holderOf(path) === mine) rmSync(path, { force: true });
  }
}

async function acquire(path, mine) {
  for (let isAnnounced = false; !create(path, mine); ) {
    const holder = holderOf(path);
    if (holder === undefined) continue;
    if (hasEnded(path, holder)) {
      removeStale(path, holder);
      continue;
    }
    if (!isAnnounced) say(`another setup is running (process ${holder.split(' ')[0]}); waiting for it`);
    isAnnounced = true;
    await delay(POLL_INTERVAL_MS);
  }
}

/** Creates the lock file together with its content. Returns false if the file exists. */
function create(path, mine) {
  const draft = `${path}.${mine.split(' ')[1]}`;
  writeFileSync(draft, mine);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function hasEnded(path, holder) {
  try {
    if (Date.now() - statSync(path).mtimeMs > HEARTBEAT_TIMEOUT_MS) return true;
    process.kill(Number(holder.split(' ')[0]), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Removes the lock of a holder that has ended. If another process has replaced it meanwhile, puts that lock back. */
function removeStale(path, holder) {
  const moved = `${path}.${randomUUID()}`;
  try {
    renameSync(path, moved);
    if (readFileSync(moved, 'utf8') !== holder) linkSync(moved, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(moved, { force: true });
  }
}

function holderOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Another process took the lock while this one was suspended. In the worst case, two actions now run at a time.
  }
}
