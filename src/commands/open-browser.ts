import open from 'open';

/** Opens a page in the person's browser. A browser that does not start is no error: the link was printed. */
export async function openBrowser(url: string): Promise<void> {
  try {
    const child = await open(url);
    child.on('error', () => {});
  } catch {
    // As above.
  }
}
