import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { childEnvironment } from './child-environment.ts';

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGKILL';

/** After the signal: waits until the process is gone, for 20 seconds at most, and removes the folder, if any. */
const SCRIPT = `
read -r _
kill -s "$1" "$2"
[ -n "$3" ] || exit
tries=0
while kill -0 "$2" && [ $tries -lt 200 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf -- "$3"`;

/**
 * Sends `signal` to process `pid` as soon as this process is gone, even by SIGKILL: a shell waits on a pipe
 * whose other end only this process holds. Not on Windows, which has no such shell.
 *
 * @param scratchFolder is removed then too
 */
export function stopWithParent(pid: number, signal: StopSignal, scratchFolder = ''): { dismiss(): void } {
  if (process.platform === 'win32') return { dismiss: () => {} };
  const args = [signal.slice('SIG'.length), String(pid), scratchFolder];
  const watchdog = spawn('/bin/sh', ['-c', SCRIPT, 'sh', ...args], {
    env: childEnvironment(),
    stdio: ['pipe', 'ignore', 'ignore'],
    // Its own process group, so that it outlives a signal to this process's group.
    detached: true,
  });
  // Without a shell the server still stops in every orderly way.
  watchdog.on('error', () => {});
  watchdog.unref();
  if (watchdog.stdin instanceof Socket) watchdog.stdin.unref();
  return { dismiss: () => void watchdog.kill('SIGKILL') };
}
