import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PAGE = new URL('../../../docs/agents.md', import.meta.url);

/** Writes each program that the page shows in the section of a framework into `folder`: `page-1.ts`, and so on. */
export async function writePageCode(framework: string, folder: string): Promise<void> {
  const sections = (await readFile(PAGE, 'utf8')).split(/^## /m);
  const section = sections.find((text) => text.startsWith(`${framework}:`)) ?? '';
  const programs = [...section.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
  if (programs.length < 2) throw new Error(`the page lacks the agent or the Worker for the ${framework}`);
  await Promise.all(programs.map((code, index) => writeFile(join(folder, `page-${index + 1}.ts`), code)));
}
