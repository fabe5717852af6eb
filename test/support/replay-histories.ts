import { type ReplayWorkerOptions, Worker } from '@temporalio/worker';

type Histories = Parameters<typeof Worker.runReplayHistories>[1];

/** The SDK reads it, but its type of a replay's options does not name it. */
const IN_A_THREAD = { debugMode: false };

/**
 * Replays in a thread, as workers do. By default the SDK replays in this thread and leaves its hook on promises
 * there, which throws on Node 24 when Web Crypto is used, also in later test files.
 */
export function replayHistories(
  options: Pick<ReplayWorkerOptions, 'workflowBundle' | 'dataConverter'>,
  histories: Histories,
): ReturnType<typeof Worker.runReplayHistories> {
  return Worker.runReplayHistories({ ...options, ...IN_A_THREAD }, histories);
}
