/** Opens a page in the person's browser. A browser that does not start is no error: the link was printed. */
export async function openBrowser(url: string): Promise<void> {
  try {
    // Imported when it is used, so that other commands start faster.
    const { default: open } = await import('open');
    const child = await open(url);
    child.on('error', () => {});
  } catch {
    // As above.
  }
}
