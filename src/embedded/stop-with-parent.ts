import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGKILL';

/**
 * Sends `signal` to process `pid` as soon as this process is gone, even by SIGKILL: a shell waits on a pipe
 * whose other end only this process holds. Not on Windows, which has no such shell.
 */
export function stopWithParent(pid: number, signal: StopSignal): { dismiss(): void } {
  if (process.platform === 'win32') return { dismiss: () => {} };
  const script = 'read -r _; kill -s "$1" "$2"';
  const watchdog = spawn('/bin/sh', ['-c', script, 'sh', signal.slice('SIG'.length), String(pid)], {
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
