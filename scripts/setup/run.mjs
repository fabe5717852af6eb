import { spawn } from 'node:child_process';
import { say } from './problem.mjs';

const MAX_OUTPUT_CHARACTERS = 6_000;
const PROGRESS_INTERVAL_MS = 15_000;

/**
 * Runs a command without showing its output. The command is stopped when this process exits.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {Record<string, string | undefined>} [options.env] in addition to this process's environment
 * @param {string} [options.doing] printed with the elapsed time every 15 seconds
 * @param {AbortSignal} [options.signal] kills the command and all processes that it started
 * @returns {Promise<{ ok: boolean, output: string }>} `ok` is also false if the command does not exist
 */
export function run(command, args, { cwd, env, doing, signal } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // On Windows, npm is a script, which only a shell can start.
      shell: process.platform === 'win32' && command === 'npm',
      // Its own group only if `signal` may have to kill the whole group. Otherwise Ctrl-C must reach the command.
      detached: signal !== undefined,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-MAX_OUTPUT_CHARACTERS);
      });
    }
    const stopProgress = doing === undefined ? () => {} : printProgress(doing);
    const stop = () => (signal === undefined ? child.kill('SIGTERM') : killGroup(child));
    process.once('exit', stop);
    const end = (ok) => {
      process.off('exit', stop);
      stopProgress();
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

function printProgress(doing) {
  const start = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - start) / 1000);
    say(`… ${doing} (${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')})`);
  }, PROGRESS_INTERVAL_MS);
  return () => clearInterval(timer);
}

function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
