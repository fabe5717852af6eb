import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { LATCHKEY } from '../support/child-process.ts';

const exec = promisify(execFile);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Set, so that a value that leaks would be seen. */
const SECRETS = {
  ENCRYPTION_KEYS: 'k1:not-for-eyes',
  JWT_SECRET: 'not-for-eyes',
  DATABASE_URL: 'not-for-eyes',
};

/** The column of docs/configuration.md that marks what a role reads. */
const COLUMNS = { worker: 2, server: 3, migrate: 4 } as const;

describe.each(['worker', 'server', 'migrate'] as const)('latchkey %s --help', (role) => {
  test('lists the variables that docs/configuration.md gives the role, and no value', async () => {
    const help = await helpOf(role);

    expect(namesIn(help).sort()).toEqual((await documented(COLUMNS[role])).sort());
    expect(help).not.toContain('not-for-eyes');
  });
});

test.each([['keys', 'status'], ['keys', 'rotate'], ['repair'], ['users', 'forget']])(
  'latchkey %s %s --help lists the variables of an operator',
  async (...command) => {
    const names = namesIn(await helpOf(...command.filter((word) => word !== undefined)));
    expect(names.sort()).toEqual((await documented(COLUMNS.migrate)).sort());
  },
);

test('latchkey dev --help lists what it starts or generates itself', async () => {
  const help = await helpOf('dev');
  for (const line of [
    /DATABASE_URL .*\(embedded\)/,
    /ENCRYPTION_KEYS .*\(generated\)/,
    /NETWORK_POLICY .*\(default development\)/,
  ]) {
    expect(help).toMatch(line);
  }
  for (const name of ['PORT', 'WEBHOOK_URL', 'LATCHKEY_DATA_DIR', 'TEMPORAL_CLI_PATH']) {
    expect(namesIn(help)).toContain(name);
  }
});

test('the help says which variables are required and what the defaults are', async () => {
  const help = await helpOf('server');
  expect(help).toMatch(/^ {2}ENCRYPTION_KEYS .*\(required\)$/m);
  expect(help).toMatch(/^ {2}DATABASE_POOL_SIZE .*\(default 10\)$/m);
  expect(help).toMatch(/^ {2}PORT .*\(default 3000\)$/m);
});

test('every socket of the process waits longer than 250 ms for an address', async () => {
  const told = `import { getDefaultAutoSelectFamilyAttemptTimeout as ms } from 'node:net';
process.on('exit', () => process.stderr.write(String(ms())));`;
  const preload = `data:text/javascript,${encodeURIComponent(told)}`;
  const args = ['--import', preload, LATCHKEY, '--version'];
  const { stderr } = await exec(process.execPath, args, { cwd: ROOT });
  expect(stderr).toBe('2500');
});

async function helpOf(...command: string[]): Promise<string> {
  const args = [LATCHKEY, ...command, '--help'];
  const { stdout } = await exec(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...SECRETS } });
  return stdout;
}

function namesIn(help: string): string[] {
  return [...help.matchAll(/^ {2}([A-Z][A-Z_*]+) /gm)].map(([, name = '']) => name);
}

async function documented(column: number): Promise<string[]> {
  const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `') && line.includes('●'));
  return rows
    .map((row) => row.split('|'))
    .filter((cells) => cells[column]?.includes('●'))
    .flatMap((cells) => [...(cells[1] ?? '').matchAll(/`([A-Z_*]+)`/g)].map(([, name = '']) => name));
}
