import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const EXAMPLES = new URL('../examples/', import.meta.url);

// npm links to a folder otherwise. Node then finds the Temporal packages of this checkout beside those of the example,
// and a Worker refuses two copies.
test('every example that installs this checkout copies it instead of linking to it', () => {
  const installing = readdirSync(EXAMPLES).filter((name) =>
    textOf(`${name}/package.json`).includes('"latchkey": "file:'),
  );

  const linking = installing.filter((name) => !/^install-links=true$/m.test(textOf(`${name}/.npmrc`)));

  expect(installing).not.toEqual([]);
  expect(linking).toEqual([]);
});

function textOf(path: string): string {
  const file = new URL(path, EXAMPLES);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
