/** Runs the pages' TypeScript as a reader's own programs and workflows. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Block } from './page.ts';
import type { Reader } from './reader.ts';
import type { Ran, Shell } from './shell.ts';

const TYPESCRIPT = pathToFileURL(
  fileURLToPath(new URL('../../support/typescript.mjs', import.meta.url)),
).href;
/** Runs TypeScript. */
export const NODE = `'${process.execPath}' --import ${TYPESCRIPT}`;
const TEMPORAL = `{ address: process.env.TEMPORAL_ADDRESS }`;

/** What the pages use without declaring it (test/docs/snippets-context.d.ts): as a reader has it. */
const CONTEXT: Record<string, string> = {
  userId: `const userId = 'ada@example.com';`,
  user: `const user = 'ada@example.com';`,
  url: `const url = process.env.LATCHKEY_URL;`,
  taskQueue: `const taskQueue = 'mcp-steps';`,
  namespace: `const namespace = 'default';`,
  workflowsPath: `const workflowsPath = process.env.WORKFLOWS_PATH;`,
  tokenOf: `const tokenOf = async (user) => process.env.TOKEN_OF_ADA;`,
  backendToken: `const backendToken = async () => process.env.TOKEN_OF_BACKEND;`,
  createLatchkey: `import { createLatchkey } from 'latchkey';`,
  Worker: `import { Worker } from '@temporalio/worker';`,
  client: `import * as temporalClient from '@temporalio/client';
const client = new temporalClient.Client({ connection: await temporalClient.Connection.connect(${TEMPORAL}) });`,
  connection: `import { NativeConnection } from '@temporalio/worker';
const connection = await NativeConnection.connect(${TEMPORAL});`,
};

/** Runs a block as a program, which prints in the end what `last` is. */
export async function runProgram(reader: Reader, shell: Shell, block: Block, last: string): Promise<Ran> {
  const text = reader.inReadersWords(block.text);
  const end = `console.log('@value', JSON.stringify(${last}));\nprocess.exit();\n`;
  const file = await reader.write(`${nameOf(block)}.ts`, [...contextOf(text), text, end].join('\n'));
  return shell.run(`${NODE} ${file}`);
}

/**
 * Runs blocks as bodies of workflows, all in one Worker, for Ada.
 *
 * @param blocks each with what its workflow returns
 */
export async function runWorkflows(
  reader: Reader,
  shell: Shell,
  blocks: readonly (readonly [Block, string])[],
) {
  for (const [block, last] of blocks) {
    const lines = block.text.split('\n');
    const isImport = (line: string) => line.startsWith('import ');
    const body = lines.filter((line) => !isImport(line)).join('\n');
    const workflow = `export async function ${nameOf(block)}(userId) {\n${body}\nreturn ${last};\n}\n`;
    await reader.write(`${nameOf(block)}.ts`, [...lines.filter(isImport), workflow].join('\n'));
  }
  const names = blocks.map(([block]) => nameOf(block));
  const all = names.map((name) => `export * from './${name}.ts';\n`).join('');
  const file = await reader.write('worker.ts', workerOf(await reader.write('workflows.ts', all), names));
  return shell.run(`${NODE} ${file}`);
}

function workerOf(workflowsPath: string, names: readonly string[]): string {
  return `
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
const connection = await NativeConnection.connect(${TEMPORAL});
const worker = await Worker.create({ connection, taskQueue: 'reader', workflowsPath: '${workflowsPath}' });
const client = new Client({ connection: await Connection.connect(${TEMPORAL}) });
await worker.runUntil(async () => {
  for (const name of ${JSON.stringify(names)}) {
    const value = await client.workflow.execute(name, { taskQueue: 'reader', workflowId: name, args: ['ada@example.com'] });
    console.log('@value', JSON.stringify(value));
  }
});
process.exit();
`;
}

/** What the program printed behind `@value`. */
export function valuesIn({ output }: Ran): unknown[] {
  return [...output.matchAll(/^@value (.*?)\r?$/gm)].map(([, json = '']) => JSON.parse(json));
}

function nameOf({ at }: Block): string {
  return at.replaceAll(/\W/g, '_');
}

function contextOf(text: string): string[] {
  const declared = declaredIn(text);
  return Object.entries(CONTEXT)
    .filter(
      ([name]) => new RegExp(`(?<![.'\\w])${name}\\b(?!['\\w:])`).test(text) && !declared.includes(name),
    )
    .map(([_, lines]) => lines);
}

function declaredIn(text: string): string[] {
  const declarations = text.matchAll(/^(?:import (?:type )?|const )(.+?) (?:from|=) /gm);
  return [...declarations].flatMap(([, names = '']) => names.match(/\w+/g) ?? []);
}
