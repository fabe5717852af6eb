import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { pageBlocks } from './page-blocks.ts';
import { type BlockScene, SCENES, WORKFLOWS } from './page-scenes.ts';
import { misfits } from './reader/json-samples.ts';
import { type Block, blocksOf, commandsOf } from './reader/page.ts';
import { type Reader, startReader } from './reader/reader.ts';
import { hasShape, shapeOf } from './reader/shape.ts';
import type { Ran, Shell } from './reader/shell.ts';
import { runProgram, runWorkflows, valuesIn } from './reader/snippet.ts';

const LIMIT_MS = 4 * 60_000;
const ADA = 'ada@example.com';
/** The reader has started it, with these variables. */
const DEV = /^([A-Z_]+=\S+ )*npx latchkey dev\b.*$/gm;

let reader: Reader;
let close: () => Promise<void> = async () => {};

beforeAll(async () => {
  reader = await startReader();
  close = reader.close;
}, LIMIT_MS);

afterAll(() => close());

describe('a reader runs every block of', { timeout: LIMIT_MS }, () => {
  test.for(Object.keys(SCENES))('%s', async (page) => {
    const scene = (await SCENES[page]?.(reader)) ?? {};
    const shell = await reader.openShell(await scene.environment?.());
    onTestFinished(shell.close);
    await scene.before?.(shell);
    for (const [index, block] of runHere(page).entries()) {
      if (WORKFLOWS[page]?.[index + 1] !== undefined) continue;
      await play(shell, block, scene.blocks?.[index + 1] ?? {});
    }
  });
});

test("the JSON of the pages fits the API's description", async () => {
  const response = await fetch(`${reader.environment.LATCHKEY_URL}/openapi.json`);
  const openapi: unknown = await response.json();
  if (typeof openapi !== 'object' || openapi === null) throw new Error('the API has no description');

  expect(misfits(pageBlocks('json'), openapi)).toEqual([]);
});

test('a reader runs the workflows of the pages', { timeout: LIMIT_MS }, async () => {
  const shell = await reader.openShell();
  onTestFinished(shell.close);
  const shown = Object.entries(WORKFLOWS).flatMap(([page, values]) =>
    runHere(page).flatMap((block, index) => {
      const [expression, matches] = values[index + 1] ?? [];
      return expression === undefined ? [] : [{ block, expression, matches }];
    }),
  );
  for (const server of ['ledger', 'files', 'crm']) await reader.register(server);
  for (const server of ['ledger', 'files']) await reader.connect(ADA, server);
  await reader.connect(ADA, 'crm', 'work');

  const ran = await runWorkflows(
    reader,
    shell,
    shown.map(({ block, expression }) => [block, expression]),
  );

  expect(ran.failed, ran.output).toBe('');
  expect(valuesIn(ran)).toEqual(shown.map(({ matches }) => matches));
});

function runHere(page: string): Block[] {
  return blocksOf(page).filter(({ mark }) => mark === undefined);
}

async function play(shell: Shell, block: Block, scene: BlockScene): Promise<void> {
  await scene.before?.(shell);
  const isConsole = /^\$ /m.test(block.text) && scene.run === undefined;
  const ran = isConsole ? await converse(shell, block) : await run(shell, block, scene);
  if (!isConsole) expectSuccess(block, ran);
  if (scene.value !== undefined) expect(valuesIn(ran), block.at).toEqual([scene.value[1]]);
  await scene.after?.(shell, ran);
}

function run(shell: Shell, block: Block, { run, value = ['1', 1], link }: BlockScene): Promise<Ran> {
  const text = reader.inReadersWords(block.text.replaceAll(DEV, ''));
  if (run !== undefined) return run(shell, block);
  if (block.language === 'ts') return runProgram(reader, shell, block, value[0]);
  if (block.language === 'sql') return runSql(text);
  if (link === undefined) return shell.run(text);
  return shell.runWhile(text, link, async (url) => {
    expect(await reader.consent(url, ADA)).toMatch(/^Connected/);
  });
}

async function runSql(statement: string): Promise<Ran> {
  const pool = createPool({
    databaseUrl: reader.environment.DATABASE_URL ?? '',
    size: 1,
    onIdleError: () => {},
  });
  try {
    return { output: JSON.stringify((await pool.query(statement)).rows), failed: '' };
  } finally {
    await pool.end();
  }
}

function expectSuccess({ at }: Block, { output, failed }: Ran): void {
  expect(failed, `${at}\n${output}`).toBe('');
  expect(output, at).not.toMatch(/"status": ?[45]\d\d/);
}

async function converse(shell: Shell, block: Block): Promise<Ran> {
  let output = '';
  for (const { command, shown } of commandsOf(block)) {
    const ran = await shell.run(reader.inReadersWords(command));
    if (!hasShape(ran.output, shown)) {
      expect(shapeOf(ran.output), `${block.at}: ${command}`).toEqual(shapeOf(shown));
    }
    output += ran.output;
  }
  return { output, failed: '' };
}
