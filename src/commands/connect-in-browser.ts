import type { LatchkeyApiOptions } from '../client/api-request.ts';
import { type ConnectionName, type ConnectLink, createConnectionsApi } from '../client/connections-api.ts';
import { outcomeText } from './connections-report.ts';
import { endingSignal } from './ending-signal.ts';
import { openBrowser } from './open-browser.ts';

export interface ConnectOptions {
  json: boolean;
  /** A person reads the output. */
  isTty: boolean;
  mayOpen: boolean;
}

/**
 * Makes a link, opens or prints it, and waits until the account is connected or the link has expired. The exit code is 0 only if the account is connected, and
 * 128 + the signal's number after a signal.
 */
export async function connectInBrowser(
  api: LatchkeyApiOptions,
  name: ConnectionName,
  options: ConnectOptions,
): Promise<void> {
  const ending = endingSignal(() => 'No longer waiting. The link stays valid.');
  const connections = createConnectionsApi(api);
  try {
    const link = await connections.startConnecting(name, ending.signal);
    await showLink(link, options);
    const session = await connections.outcomeOf(link, {
      signal: ending.signal,
      onRefusal: (refused) =>
        void process.stderr.write(
          `${outcomeText(refused)} Still waiting: you can try again in the browser.\n`,
        ),
    });
    print(options.json ? JSON.stringify(session) : outcomeText(session));
    if (session.status !== 'connected') process.exitCode = 1;
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    process.exitCode = ending.exitCode();
  }
}

async function showLink(link: ConnectLink, { json, isTty, mayOpen }: ConnectOptions): Promise<void> {
  if (json) print(JSON.stringify(link));
  else if (!isTty) print(link.url);
  else if (mayOpen) print(`Opening your browser. If it does not open, follow this link:\n\n  ${link.url}\n`);
  else print(`Open this link in your browser:\n\n  ${link.url}\n`);
  if (isTty) process.stderr.write('Waiting for your consent. Ctrl-C stops waiting.\n');
  if (mayOpen) await openBrowser(link.url);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
