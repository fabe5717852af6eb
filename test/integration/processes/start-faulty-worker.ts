import { runTypescriptFile, type TypescriptProcess } from '../../support/child-process.ts';
import type { FaultReport, Faults } from './faulty-worker.ts';

export interface FaultyWorker extends TypescriptProcess {
  /** The next thing it says. */
  nextReport(): Promise<FaultReport>;
}

/** Resolves when it takes activities. */
export async function startFaultyWorker(
  environment: Record<string, string>,
  faults: Faults,
): Promise<FaultyWorker> {
  const worker = runTypescriptFile('test/integration/processes/faulty-worker.ts', {
    ...environment,
    DATA: JSON.stringify(faults),
  });
  // The cast is safe: it writes nothing else.
  const nextReport = async () => JSON.parse(await worker.nextLine()) as FaultReport;
  while ((await nextReport()) !== 'ready');
  return { ...worker, nextReport };
}
