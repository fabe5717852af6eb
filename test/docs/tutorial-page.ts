import { readFile } from 'node:fs/promises';

const PAGE = new URL('../../docs/tutorial.md', import.meta.url);

export interface TutorialCommand {
  command: string;
  /** What the page shows before its next command, as a terminal would. */
  shown: string;
}

export interface Tutorial {
  commands: TutorialCommand[];
  /** What the reader presses in the browser, in this order. */
  buttons: string[];
  /** What the reader types at the authorization server. */
  account: string;
  /** The heading of the page that the reader sees after that. */
  lastPage: string;
}

export async function readTutorial(): Promise<Tutorial> {
  const page = await readFile(PAGE, 'utf8');
  const only = (pattern: RegExp) => pattern.exec(page)?.[1] ?? '';
  return {
    commands: commandsOf(page),
    buttons: [...page.matchAll(/press \*\*(.+?)\*\*/g)].map(([, button = '']) => button),
    account: only(/type `(\S+)`/),
    lastPage: only(/The page says \*\*(.+?)\*\*/),
  };
}

function commandsOf(page: string): TutorialCommand[] {
  const commands: TutorialCommand[] = [];
  for (const [, language, text = ''] of page.matchAll(/^```(sh|text)\n([\s\S]*?)^```$/gm)) {
    const last = commands.at(-1);
    if (language === 'sh') commands.push({ command: text.trimEnd(), shown: '' });
    else if (last !== undefined) last.shown += text;
  }
  return commands;
}
