import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { homedir, tmpdir } from 'node:os';

/**
 * Returns the environment of a server that this process starts. It has no variable of this process, because those may
 * hold keys (`ENCRYPTION_KEYS`, `JWT_SECRET`, a database's password). The servers' settings are arguments. Windows
 * adds the variables that its programs need.
 */
export function childEnvironment(): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    HOME: homedir(),
    TMPDIR: tmpdir(),
    LANG: 'C.UTF-8',
  };
}

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGKILL';

/**
 * Sends the signal when stdin closes. If a folder is given, waits up to 20 s for the process to end, then removes it.
 */
const SCRIPT = `
read -r _
kill -s "$1" "$2"
[ -n "$3" ] || exit
tries=0
while kill -0 "$2" && [ $tries -lt 200 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf -- "$3"`;

/**
 * Sends `signal` to process `pid` as soon as this process has ended, even after SIGKILL. To do so, a shell reads from
 * a pipe whose other end only this process holds. Does nothing on Windows, which has no such shell.
 *
 * @param scratchFolder a folder that is removed, too
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
  // Without a shell, the server still stops when this process stops it.
  watchdog.on('error', () => {});
  watchdog.unref();
  if (watchdog.stdin instanceof Socket) watchdog.stdin.unref();
  return { dismiss: () => void watchdog.kill('SIGKILL') };
}
