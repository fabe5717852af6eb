import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createHeadlessBrowser } from '../../src/dev/embedded/headless-browser.ts';
import { startInTerminal, type Terminal } from './terminal.ts';
import { normalized, screenOf } from './terminal-output.ts';
import { readTutorial, type TutorialCommand } from './tutorial-page.ts';

const EXPORT = /export LATCHKEY_URL=\S+ LATCHKEY_TOKEN="\$\(cat \S+\)"/;
const MARK = '@@ next command';
const READY = 'Ctrl-C ends it all.';
const PATIENCE_MS = 240_000;

test('a reader of the tutorial sees what it shows', { timeout: 2 * PATIENCE_MS }, async () => {
  const { commands, buttons, account, lastPage } = await readTutorial();
  const [serve, ...others] = commands;
  if (serve === undefined) throw new Error('the tutorial has no command');

  const demo = await startInTerminal(serve.command, PATIENCE_MS);
  onTestFinished(demo.interrupt);
  await demo.shows(READY);
  expect(normalized(screenOf(demo.output()))).toEqual(expect.arrayContaining(normalized(serve.shown)));

  const shell = await startInTerminal(await scriptOf(others, found(demo.output(), EXPORT)), PATIENCE_MS);
  onTestFinished(shell.interrupt);
  const link = await shell.shows(/Connect ledger: (http:\S+)\s/);
  const page = await consent({ signIn: signInAddress(demo), link, buttons, account });
  expect(page).toBe(lastPage);

  expect(await shell.ended, screenOf(shell.output())).toBe(0);
  const seen = shell
    .output()
    .split(MARK)
    .slice(1)
    .map((part) => normalized(screenOf(part)));
  expect(seen).toEqual(others.map(({ shown }) => normalized(shown)));
});

/** All commands, for one shell. The reader's own line replaces the one with the address and the token. */
async function scriptOf(commands: readonly TutorialCommand[], exportLine: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-tutorial-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const lines = commands.map(({ command }) => command.replace(EXPORT, () => exportLine));
  expect(lines.filter((line) => line === exportLine)).toHaveLength(1);
  const file = join(folder, 'commands.sh');
  await writeFile(file, ['set -e', ...lines.flatMap((line) => [`echo '${MARK}'`, line]), ''].join('\n'));
  return `bash ${file}`;
}

interface Consent {
  signIn: string;
  link: string;
  buttons: readonly string[];
  account: string;
}

/** What the reader does in the browser. Returns the heading of the page at the end. */
async function consent({ signIn, link, buttons, account }: Consent): Promise<string> {
  const browser = createHeadlessBrowser();
  await browser.open(signIn);
  let page = await browser.open(link);
  for (const button of buttons) {
    page = await browser.press(page, button, page.html.includes('name="account"') ? { account } : {});
  }
  return page.heading;
}

function signInAddress(demo: Terminal): string {
  return found(demo.output(), /To open it signed in as Ada: (\S+)/);
}

function found(text: string, pattern: RegExp): string {
  const [whole, part = whole] = pattern.exec(text) ?? [];
  if (part === undefined) throw new Error(`no ${pattern} in what the terminal shows`);
  return part;
}
