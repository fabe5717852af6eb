import { spawn } from 'node:child_process';
import { say } from './problem.mjs';

const KEPT_OUTPUT_CHARACTERS = 6_000;
const TELL_EVERY_MS = 15_000;

/**
 * Runs a command to its end, or this process's, without showing its output.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {Record<string, string | undefined>} [options.env] beside this process's environment
 * @param {string} [options.doing] what to say every 15 seconds that it takes
 * @param {AbortSignal} [options.signal] kills it, with all that it has started
 * @returns {Promise<{ ok: boolean, output: string }>} `ok` is false too when the command does not exist
 */
export function run(command, args, { cwd, env, doing, signal } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // On Windows npm is a script, which only a shell starts.
      shell: process.platform === 'win32' && command === 'npm',
      // A group of its own only where the whole group may have to be killed: else Ctrl-C must reach it.
      detached: signal !== undefined,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-KEPT_OUTPUT_CHARACTERS);
      });
    }
    const stopTelling = doing === undefined ? () => {} : tellElapsed(doing);
    const stop = () => (signal === undefined ? child.kill('SIGTERM') : killGroup(child));
    process.once('exit', stop);
    const end = (ok) => {
      process.off('exit', stop);
      stopTelling();
      resolve({ ok, output: output.trim() });
    };
    signal?.addEventListener('abort', stop);
    child.on('error', (error) => {
      output += error.message;
      end(false);
    });
    child.on('close', (code) => end(code === 0));
  });
}

function tellElapsed(doing) {
  const start = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - start) / 1000);
    say(`… ${doing} (${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')})`);
  }, TELL_EVERY_MS);
  return () => clearInterval(timer);
}

function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
