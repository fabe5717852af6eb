import { readFileSync } from 'node:fs';

const ROOT = new URL('../../../', import.meta.url);
/** What stands above a block that the pages' test does not run itself. */
const MARK = /^ *<!-- (not run|run by): (.+) -->$/;
/** What a reader types or runs. Other blocks are data, or pictures. */
const RUN = ['sh', 'console', 'ts', 'sql', 'python', 'go'];

export interface Block {
  /** Such as `docs/keys.md:41`. */
  at: string;
  page: string;
  language: string;
  text: string;
  /** Where or why not it runs; undefined: the pages' test runs it. */
  mark: { kind: 'not run' | 'run by'; words: string } | undefined;
}

/** The blocks of a page that a reader runs, in its order. */
export function blocksOf(page: string): Block[] {
  const lines = readFileSync(new URL(page, ROOT), 'utf8').split('\n');
  const blocks: Block[] = [];
  // A mark below the title is that of all blocks.
  const markOfPage = markOf(lines[2]);
  for (let start = 0; start < lines.length; start += 1) {
    const [, indent = '', language] = /^( *)```(\w*)$/.exec(lines[start] ?? '') ?? [];
    if (language === undefined) continue;
    const end = lines.indexOf(`${indent}\`\`\``, start + 1);
    const text = lines
      .slice(start + 1, end)
      .map((line) => `${line.slice(indent.length)}\n`)
      .join('');
    if (RUN.includes(language) || /^\$ /m.test(text)) {
      blocks.push({
        at: `${page}:${start + 1}`,
        page,
        language,
        text,
        mark: markOfPage ?? markOf(lines[start - 1]),
      });
    }
    start = end;
  }
  return blocks;
}

function markOf(line = ''): Block['mark'] {
  const [, kind, words = ''] = MARK.exec(line) ?? [];
  return kind === 'not run' || kind === 'run by' ? { kind, words } : undefined;
}

export interface ShownCommand {
  command: string;
  /** What the page shows as its output. */
  shown: string;
}

/** The commands of a `console` block: what follows a `$`, up to the end of its quotation marks. */
export function commandsOf({ text }: Block): ShownCommand[] {
  const commands: ShownCommand[] = [];
  let isOpen = false;
  for (const line of text.split('\n')) {
    const last = commands.at(-1);
    if (isOpen && last !== undefined) last.command += `\n${line}`;
    else if (line.startsWith('$ ')) commands.push({ command: line.slice(2), shown: '' });
    else if (last !== undefined) last.shown += `${line}\n`;
    isOpen = isUnfinished(commands.at(-1)?.command ?? '');
  }
  return commands;
}

function isUnfinished(command: string): boolean {
  const quotes =
    command
      .replaceAll(/#.*$/gm, '')
      .replaceAll(/'[^']*'/g, '')
      .split('"').length - 1;
  return quotes % 2 === 1 || command.endsWith('\\');
}
