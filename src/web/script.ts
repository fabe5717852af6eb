import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** The files of `script/`, each after those that it imports from. */
const FILES = [
  'page-state',
  'time-zone',
  'forms',
  'morph',
  'refresh',
  'changes',
  'banner',
  'announcer',
  'main',
];

/** The only script. Every page works without it. Read once, when the process starts. */
export const SCRIPT = joinScript();

const HASH = createHash('sha256').update(SCRIPT).digest('base64url').slice(0, 16);

/** The path of the script below PUBLIC_URL. It changes with the text, so browsers may cache it indefinitely. */
export function scriptPath(): string {
  return `/assets/latchkey-${HASH}.js`;
}

/** Joins our files and idiomorph, which updates a page in place, into one closure. */
function joinScript(): string {
  const idiomorph = createRequire(import.meta.url).resolve('idiomorph/dist/idiomorph.min.js');
  const licence = readFileSync(new URL('../LICENSE', pathToFileURL(idiomorph)), 'utf8');
  const parts = [
    `/*! idiomorph, https://github.com/bigskysoftware/idiomorph\n${licence.trim()}\n*/`,
    readFileSync(idiomorph, 'utf8'),
    ...FILES.map((name) =>
      withoutModuleLines(readFileSync(new URL(`./script/${name}.js`, import.meta.url), 'utf8')),
    ),
  ];
  return `(() => {\n'use strict';\n${parts.join('\n')}\n})();\n`;
}

function withoutModuleLines(source: string): string {
  return source
    .replaceAll(/^import [^;]*;\n/gm, '')
    .replaceAll(/^export (?=const |function |async function )/gm, '')
    .replaceAll(/^\/\/# sourceMappingURL=.*\n?/gm, '');
}
