import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import config from '../../vitest.config.ts';
import { type History, openRecordedHistories, type RecordedHistories } from './recorded-histories.ts';

const CHECKSUMS = 'histories.sha256';
const PAUSE = '0.1.0/pause.json';

let root: string;
let copy: RecordedHistories;
let pause: History;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'latchkey-histories-'));
  for (const name of ['histories', CHECKSUMS]) {
    cpSync(fileURLToPath(new URL(name, import.meta.url)), join(root, name), { recursive: true });
  }
  copy = openRecordedHistories(root);
  const found = copy.read().find(({ path }) => path === PAUSE);
  if (found === undefined) throw new Error('it is recorded');
  pause = found.history;
});

afterEach(() => rmSync(root, { recursive: true }));

const fileOf = (path: string) => join(root, 'histories', path);
const checksums = () => readFileSync(join(root, CHECKSUMS), 'utf8');
const paths = () => copy.read().map(({ path }) => path);

describe('a recorded history', () => {
  const tampered: [how: string, tamper: () => void, violation: string][] = [
    ['changed', () => appendFileSync(fileOf(PAUSE), ' '), `${PAUSE} has been changed`],
    ['removed', () => rmSync(fileOf(PAUSE)), `${PAUSE} has been removed`],
    [
      'changed along with its checksum being removed',
      () => {
        appendFileSync(fileOf(PAUSE), ' ');
        writeFileSync(join(root, CHECKSUMS), checksums().replace(/^.*\/pause\.json\n/m, ''));
      },
      `${PAUSE} has no checksum`,
    ],
  ];

  test.each(tampered)('and %s is found, and the recorder refuses each time', (_, tamper, violation) => {
    tamper();
    const before = { paths: paths(), checksums: checksums() };

    for (const story of ['pause', 'new', 'new']) {
      expect(() => copy.write('0.2.0', story, [pause])).toThrow(violation);
      expect(copy.violations()).toEqual([violation]);
      expect({ paths: paths(), checksums: checksums() }).toEqual(before);
    }
  });

  test('is not written over', () => {
    expect(() => copy.write('0.1.0', 'pause', [pause])).toThrow(`${PAUSE} is there already`);
    expect(copy.violations()).toEqual([]);
  });
});

describe('a new history', () => {
  test('that names a path of the machine is refused', () => {
    const [started] = pause.events ?? [];
    const attributes = started?.workflowExecutionStartedEventAttributes;
    if (!attributes) throw new Error('a history begins with its start');
    attributes.cronSchedule = '/home/ada/latchkey';
    const before = paths();

    expect(() => copy.write('0.2.0', 'new', [pause])).toThrow('0.2.0/new.json would name /home/ada');
    expect(paths()).toEqual(before);
  });

  test('is added with its checksum after the existing ones', () => {
    const before = checksums();

    copy.write('0.2.0', 'new', [pause, pause]);

    const added = checksums().slice(before.length).split('\n');
    expect(checksums().slice(0, before.length)).toBe(before);
    expect(added.map((line) => line.slice(66))).toEqual(['0.2.0/new.run-1.json', '0.2.0/new.run-2.json', '']);
    expect(copy.violations()).toEqual([]);
  });
});

test('the recorder is not among the projects of a run that did not ask for it', () => {
  expect(config.test?.projects).toEqual(
    expect.not.arrayContaining([{ extends: true, test: expect.objectContaining({ name: 'record' }) }]),
  );
  expect(JSON.stringify(config)).not.toContain('record.ts');
});
