import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  cacheFolder,
  findTemporalCli,
  findTemporalTestServer,
} from '../../../src/dev/embedded/server-binaries.ts';

describe('looking for the servers’ programs', () => {
  let folder: string;
  let environment: { LATCHKEY_CACHE: string; PATH: string };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-binaries-'));
    const PATH = ['empty', 'path'].map((name) => join(folder, name)).join(delimiter);
    environment = { LATCHKEY_CACHE: join(folder, 'cache'), PATH };
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function program(...path: string[]): Promise<string> {
    const file = join(folder, ...path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, '');
    await chmod(file, 0o755);
    return file;
  }

  test('the configured CLI comes first, then the PATH, then the cache', async () => {
    expect(findTemporalCli(environment)).toEqual({
      kind: 'missing',
      cachePath: join(folder, 'cache', 'bin', 'temporal'),
    });

    const cached = await program('cache', 'bin', 'temporal');
    expect(findTemporalCli(environment)).toEqual({ kind: 'found', path: cached, from: 'cache' });

    const onPath = await program('path', 'temporal');
    expect(findTemporalCli(environment)).toEqual({ kind: 'found', path: onPath, from: 'path' });

    const configured = await program('mine');
    expect(findTemporalCli({ ...environment, TEMPORAL_CLI_PATH: configured })).toEqual({
      kind: 'found',
      path: configured,
      from: 'configured',
    });
  });

  test('a configured path that is no program is said, not passed over', async () => {
    await program('cache', 'bin', 'temporal-test-server');

    expect(findTemporalTestServer({ ...environment, TEMPORAL_TEST_SERVER_PATH: folder })).toEqual({
      kind: 'misconfigured',
      variable: 'TEMPORAL_TEST_SERVER_PATH',
      path: folder,
    });
  });

  test('the test server is not taken from the PATH', async () => {
    await program('path', 'temporal-test-server');

    expect(findTemporalTestServer(environment).kind).toBe('missing');
  });

  test('the cache is in the user’s cache folder unless configured', () => {
    expect(cacheFolder({})).toBe(join(homedir(), '.cache', 'latchkey'));
    expect(cacheFolder({ XDG_CACHE_HOME: '/xdg' })).toBe('/xdg/latchkey');
    expect(cacheFolder({ XDG_CACHE_HOME: '/xdg', LATCHKEY_CACHE: '/mine' })).toBe('/mine');
  });
});
