import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ENTRY = fileURLToPath(new URL('./client/main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The client program as one file. */
export interface ClientBundle {
  /** Relative to the repository. It holds no blank. */
  path: string;
  remove(): Promise<void>;
}

/**
 * Bundles the client program with what it imports of this repository; packages stay outside. The program starts once for
 * each scenario, and reading hundreds of modules would take most of its time.
 */
export async function bundleClient(): Promise<ClientBundle> {
  // In `node_modules`, where the packages are found.
  const path = `node_modules/.cache/latchkey-conformance/client-${process.pid}.mjs`;
  const bundle = await rolldown({ input: ENTRY, platform: 'node', external: /^(?!\.|\/|[A-Za-z]:)/ });
  await bundle.write({ file: `${ROOT}${path}`, format: 'esm' });
  await bundle.close();
  return { path, remove: () => rm(`${ROOT}${path}`) };
}
