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

const LOOK_AGAIN_MS = 250;
const SIGN_OF_LIFE_MS = 5_000;
const GIVEN_UP_AFTER_MS = 60_000;

/**
 * Runs `action` while no other process runs one under the same lock file. The lock of a process that was
 * killed is taken over.
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
  // A process id alone does not prove that the holder lives: after a restart another process may have it.
  const signOfLife = setInterval(() => touch(path), SIGN_OF_LIFE_MS);
  try {
    return await action();
  } finally {
    clearInterval(signOfLife);
    if (holderOf(path) === mine) rmSync(path, { force: true });
  }
}

async function acquire(path, mine) {
  for (let told = false; !create(path, mine); ) {
    const holder = holderOf(path);
    if (holder === undefined) continue;
    if (isGone(path, holder)) {
      takeAway(path, holder);
      continue;
    }
    if (!told) say(`another setup is running (process ${holder.split(' ')[0]}); waiting for it`);
    told = true;
    await delay(LOOK_AGAIN_MS);
  }
}

/** The file appears with its content or not at all. */
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

function isGone(path, holder) {
  try {
    if (Date.now() - statSync(path).mtimeMs > GIVEN_UP_AFTER_MS) return true;
    process.kill(Number(holder.split(' ')[0]), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Of several processes that see the same dead holder one moves its file away; a live one's is put back. */
function takeAway(path, holder) {
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
    // Taken away while this process was suspended; `action` goes on, at worst beside another one.
  }
}
