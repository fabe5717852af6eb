import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const ROOT = new URL('../../', import.meta.url);

export interface PageBlock {
  /** Such as `webhooks-2`: the page, and which of its blocks in this language it is. */
  name: string;
  text: string;
}

/** All blocks of code in a language, in the README and the pages of the documentation. */
export function pageBlocks(language: string): PageBlock[] {
  const docs = readdirSync(new URL('docs', ROOT)).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.map((name) => `docs/${name}`)].flatMap((page) => blocksOf(page, language));
}

function blocksOf(page: string, language: string): PageBlock[] {
  const text = readFileSync(new URL(page, ROOT), 'utf8');
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))];
  const name = page === 'docs/README.md' ? 'path' : basename(page, '.md');
  return blocks.map(([, block = ''], index) => ({ name: `${name}-${index + 1}`, text: block }));
}
