import type { Worker } from '@temporalio/worker';
import type { Renewal } from '../credentials/refresh/renewal.ts';

const LOOK_EVERY_MS = 500;
const NOT_ENDING: readonly string[] = ['INITIALIZED', 'RUNNING'] satisfies ReturnType<Worker['getState']>[];

/**
 * Lets no refresh begin any more once the worker is told to end, whoever tells it: one that is begun at the end of
 * its grace time could take a minute beyond it. The SDK announces nothing, hence the look.
 *
 * @param onEnding called once
 * @returns what ends the look
 */
export function drainWithWorker(worker: Worker, renewal: Renewal, onEnding: () => void): () => void {
  const looks = setInterval(() => {
    if (NOT_ENDING.includes(worker.getState())) return;
    clearInterval(looks);
    void renewal.drain();
    onEnding();
  }, LOOK_EVERY_MS);
  return () => clearInterval(looks);
}
