import { setTimeout as delay } from 'node:timers/promises';

const TIMEOUT_MS = 240_000;

/**
 * Waits until a server that this process has started answers with a 2xx.
 *
 * @param {string} url
 * @param {import('node:child_process').ChildProcess} server
 * @param {string} advice the end of the error, if the server ends or is too slow
 */
export async function untilAnswers(url, server, advice) {
  let failure;
  server.once('error', (error) => {
    failure = error.message;
  });
  for (const deadline = performance.now() + TIMEOUT_MS; performance.now() < deadline; await delay(100)) {
    if (failure !== undefined || server.exitCode !== null) break;
    if (
      await fetch(url).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
  }
  server.kill();
  throw new Error(`${url} does not answer${failure === undefined ? '' : `: ${failure}`}. ${advice}`);
}
