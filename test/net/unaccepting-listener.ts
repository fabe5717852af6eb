import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface UnacceptingListener {
  host: string;
  port: number;
  /** From now on it accepts: an attempt under way succeeds with its next SYN, within a second. */
  accept(): void;
}

/** Stops itself (SIGSTOP) once it listens, and answers over HTTP when it continues. */
const LISTENER = `
  const server = require('node:http').createServer((request, response) => response.end('slow'));
  server.listen({ host: process.argv[1], port: Number(process.argv[2]), backlog: 1 }, () => {
    process.send(server.address().port, () => process.kill(process.pid, 'SIGSTOP'));
  });`;

/**
 * An address that does not answer a SYN: a stopped process listens there, and its accept queue is full.
 * Firewalls that drop packets look the same from outside.
 */
export async function listenWithoutAccepting(host: string, port = 0): Promise<UnacceptingListener> {
  const child = spawn(process.execPath, ['-e', LISTENER, host, String(port)], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [bound] = await once(child, 'message');
  const queued = await fillQueue(host, Number(bound));
  onTestFinished(() => {
    for (const socket of queued) socket.destroy();
  });
  return { host, port: Number(bound), accept: () => void child.kill('SIGCONT') };
}

/** Connects until a connection stays unanswered. */
async function fillQueue(host: string, port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (;;) {
    const socket = connect({ host, port }).on('error', () => {});
    sockets.push(socket);
    const answered = await Promise.race([once(socket, 'connect').then(() => true), unanswered()]);
    if (!answered) return sockets;
  }
}

/** Loopback answers within a millisecond; the machine may be busy. */
function unanswered(): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, 200, false));
}
