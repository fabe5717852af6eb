import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LOOSE = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];
const LINK = /\[[^\]]*\]\(([^()\s]+)\)/g;

test('every link of a page to a file or a heading of this project leads there', () => {
  const broken = pages().flatMap((page) =>
    linksOf(page)
      .filter((link) => !leadsSomewhere(page, link))
      .map((link) => `${relative(ROOT, page)}: ${link}`),
  );

  expect(pages().length).toBeGreaterThan(20);
  expect(broken).toEqual([]);
});

test('every file of the sources and tests that a page names is there', () => {
  const missing = pages().flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/`((?:src|test|examples)\/[\w./-]+[\w/])`/g)]
      .map(([, path = '']) => path)
      .filter(
        (path) => ![path, `${path}.test.ts`, `${path}.proof.ts`].some((one) => existsSync(join(ROOT, one))),
      )
      .map((path) => `${relative(ROOT, page)}: ${path}`),
  );

  expect(missing).toEqual([]);
});

function pages(): string[] {
  const folders = ['docs', 'src', 'examples', 'deploy'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
      join(ROOT, folder, path),
    ),
  );
  return [...LOOSE.map((name) => join(ROOT, name)), ...folders.filter((path) => path.endsWith('.md'))];
}

function linksOf(page: string): string[] {
  return [...withoutCode(readFileSync(page, 'utf8')).matchAll(LINK)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : resolve(dirname(page), path);
  if (!existsSync(target)) return false;
  if (anchor === undefined) return true;
  return statSync(target).isFile() && anchorsOf(readFileSync(target, 'utf8')).has(anchor);
}

/** As GitHub names them: https://docs.github.com/get-started/writing-on-github#section-links */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutCode(markdown).matchAll(/^#+ +(.+)$/gm)) {
    const plain = heading.replace(LINK, (link) => link.slice(1, link.indexOf(']')));
    const anchor = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const again = [...anchors].filter((one) => one.replace(/-\d+$/, '') === anchor).length;
    anchors.add(again === 0 ? anchor : `${anchor}-${again}`);
  }
  for (const [, id = ''] of markdown.matchAll(/<a id="([^"]+)">/g)) anchors.add(id);
  return anchors;
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```/gm, '');
}
