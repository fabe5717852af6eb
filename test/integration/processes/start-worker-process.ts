import { runTypescriptFile, type TypescriptProcess } from '../../support/child-process.ts';

/** A worker in a process of its own; resolves when it takes tasks. */
export async function startWorkerProcess(environment: Record<string, string>): Promise<TypescriptProcess> {
  const worker = runTypescriptFile('test/integration/processes/worker.ts', environment);
  await worker.nextLine();
  return worker;
}
