import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const TESTS = fileURLToPath(new URL('..', import.meta.url));
const PAGE = new URL('../../docs/tests.md', import.meta.url);

test('the page names every proof, and a fast twin of each that is there', () => {
  const twins = twinsByProof();

  expect([...twins.keys()].sort()).toEqual(proofs().sort());
  expect(proofs().length).toBeGreaterThan(0);
  for (const [proof, names] of twins) {
    expect(names.length, proof).toBeGreaterThan(0);
    for (const name of names) expect(existsSync(`${TESTS}${name}.test.ts`), `${proof}: ${name}`).toBe(true);
  }
});

test('the page and .ci/run install the same programs', () => {
  const packagesOf = (text: string) =>
    /apt-get install -y --no-install-recommends ((?:[\w -]|\\\n)+)/.exec(text)?.[1]?.match(/\w[\w-]*/g);
  const ci = readFileSync(new URL('../../.ci/run', import.meta.url), 'utf8');

  expect(packagesOf(ci)).toContain('jq');
  expect(packagesOf(readFileSync(PAGE, 'utf8'))).toEqual(packagesOf(ci));
});

function proofs(): string[] {
  return readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.proof.ts'))
    .map((path) => path.replaceAll('\\', '/').replace('.proof.ts', ''));
}

function twinsByProof(): Map<string, string[]> {
  const table = readFileSync(PAGE, 'utf8').split('| fast twins')[1] ?? '';
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(rows.map((row) => namesIn(row)).map(([proof = '', ...names]) => [proof, names]));
}

function namesIn(row: string): string[] {
  return [...row.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}
