import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { Problem, say } from './problem.mjs';
import { run } from './run.mjs';

const SDK_DOWNLOAD = fileURLToPath(new URL('./sdk-download.mjs', import.meta.url));
const STALL_TIMEOUT_MS = 20_000;
const CHECK_INTERVAL_MS = 1_000;
const UNFINISHED = 'unfinished-';

/**
 * A way to get a program.
 * @typedef {object} Way
 * @property {string} name
 * @property {(folder: string) => Promise<{ ok: boolean, output: string }>} fetch puts the program
 *   anywhere in the folder; if it fails, `output` says why
 */

/**
 * Puts a program into the cache, by the first way that yields one that runs. The program appears there complete or
 * not at all, even if setup is killed. Other setups wait for the lock.
 *
 * @param {string} cachePath
 * @param {{ what: string, ways: Way[], runs: (path: string) => Promise<boolean>, advice: string }} program
 */
export async function fetchProgram(cachePath, { what, ways, runs, advice }) {
  const cache = dirname(dirname(cachePath));
  await withLock(join(cache, 'setup.lock'), async () => {
    if (await runs(cachePath)) return;
    removeUnfinished(cache);
    const failures = [];
    for (const way of ways) {
      const failure = await tryWay(way, cache, cachePath, runs);
      if (failure === undefined) return;
      failures.push(`${way.name}: ${failure}`);
      say(`${way.name} did not work`);
    }
    throw new Problem(`${what} can't be had. ${advice}\nTried:\n- ${failures.join('\n- ')}`);
  });
}

/** Downloads with the Temporal SDK. Gives up if nothing has arrived for 20 seconds. */
export function sdkDownload(which) {
  return {
    name: 'the download by the Temporal SDK',
    fetch: async (folder) => {
      const stall = new AbortController();
      const stopWatching = watchForStall(folder, stall);
      const result = await run(process.execPath, [SDK_DOWNLOAD, which, folder], {
        doing: 'downloading',
        signal: stall.signal,
      });
      stopWatching();
      return stall.signal.aborted ? { ok: false, output: 'the download stalled' } : result;
    },
  };
}

/** Returns why it failed, or undefined if it worked. */
async function tryWay(way, cache, cachePath, runs) {
  const folder = mkdtempSync(join(cache, UNFINISHED));
  try {
    const { ok, output } = await way.fetch(folder);
    const program = ok ? largestFile(folder) : undefined;
    if (program === undefined) return reason(output);
    chmodSync(program, 0o755);
    if (!(await runs(program))) return 'the program does not run here';
    mkdirSync(dirname(cachePath), { recursive: true });
    renameSync(program, cachePath);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function watchForStall(folder, stall) {
  let size = 0;
  let arrivedAt = performance.now();
  const timer = setInterval(() => {
    const now = files(folder).reduce((sum, file) => sum + file.size, 0);
    if (now !== size) arrivedAt = performance.now();
    size = now;
    if (performance.now() - arrivedAt > STALL_TIMEOUT_MS) stall.abort();
  }, CHECK_INTERVAL_MS);
  return () => clearInterval(timer);
}

/** The program's name differs between the downloads, but it is by far the largest file in each. */
function largestFile(folder) {
  return files(folder).sort((a, b) => b.size - a.size)[0]?.path;
}

function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, size: statSync(path, { throwIfNoEntry: false })?.size ?? 0 }));
}

function removeUnfinished(cache) {
  for (const name of readdirSync(cache)) {
    if (name.startsWith(UNFINISHED)) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

function reason(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const line =
    lines.findLast((text) => /error|not found/i.test(text)) ?? lines.at(-1) ?? 'there was no program in it';
  // If the line is long, its end is most likely to name the cause.
  return line.length > 200 ? `…${line.trim().slice(-200)}` : line.trim();
}
