import { randomBytes } from 'node:crypto';
import { startLoopbackRedirect } from './loopback-redirect.ts';

/**
 * Opens a link in the person's browser. The link is a secret, and the arguments of a process are visible to all users
 * of the machine, so the browser gets an address of this process, which leads to the link once. A browser that does not
 * start is not an error, because the link was printed.
 *
 * @param launch replaced in tests
 */
export async function openBrowser(link: string, launch = launchBrowser): Promise<void> {
  const redirect = await startLoopbackRedirect(`/${randomBytes(16).toString('base64url')}`, async () => {
    void redirect.close();
    return link;
  });
  await launch(redirect.url);
}

async function launchBrowser(url: string): Promise<void> {
  try {
    // Imported when it is used, so that other commands start faster.
    const { default: open } = await import('open');
    const child = await open(url);
    child.on('error', () => {});
  } catch {
    // As above.
  }
}
