import { test } from 'vitest';
import { startTestApi, type TestApi } from './api.ts';
import { createScriptedServers, type ScriptedServers } from './scripted-servers.ts';
import { createWorld, type World, type WorldOptions } from './world.ts';

export interface WorldFixtures {
  /** The file's world. It starts when a test or a hook first asks for it, and stops after the file's last test. */
  world: World;
  /** Latchkey's HTTP API over that world. It starts when it is first asked for and stops before the world. */
  api: TestApi;
  /** Scripted MCP servers that are registered in that world. They close with it. */
  scripted: ScriptedServers;
}

/**
 * Vitest's `test` for one file, whose tests share one world: `const test = testInWorld()`.
 *
 * Each file has to call this itself. Files share modules (`isolate: false`), and Vitest keeps a fixture that failed to
 * start, so one file's failure would be the failure of all that share the fixture. `test.override` changes it for all too.
 */
export function testInWorld(options: WorldOptions | (() => Promise<WorldOptions>) = {}) {
  return test.extend<{ $file: WorldFixtures }>({
    world: [
      // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of the fixtures that this one needs.
      async ({}, use) => {
        const world = await createWorld(typeof options === 'function' ? await options() : options);
        await use(world);
        await world.stop();
      },
      { scope: 'file' },
    ],
    api: [
      async ({ world }, use) => {
        const api = await startTestApi(world);
        await use(api);
        await api.stop();
      },
      { scope: 'file' },
    ],
    scripted: [
      async ({ world }, use) => {
        const scripted = createScriptedServers(world);
        await use(scripted);
        await scripted.closeAll();
      },
      { scope: 'file' },
    ],
  });
}
