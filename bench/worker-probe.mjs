// node --expose-gc --import ./bench/worker-probe.mjs <a worker>
// Answers the benchmark's questions about the process that it is loaded into, over IPC: its CPU time of all threads, and
// its memory after a garbage collection in each thread. Does nothing else, and keeps no process alive.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/** A thread that has ended does not answer. */
const THREAD_ANSWERS_WITHIN_MS = 5_000;
/** V8 gives memory back in steps after a collection, for seconds. */
const SETTLING_STEP_MS = 1_000;
const MAX_SETTLING_STEPS = 15;
/** It has settled when two collections in a row give back less than this share. */
const SETTLED = 0.005;

const threads = new BroadcastChannel('latchkey-bench-probe');
threads.unref();

if (isMainThread) answerBenchmark();
else answerMainThread();

function answerMainThread() {
  const id = randomUUID();
  threads.postMessage({ started: id });
  threads.onmessage = ({ data }) => {
    if (!data.collect) return;
    globalThis.gc();
    threads.postMessage({ collected: id, heap: process.memoryUsage().heapUsed });
  };
}

function answerBenchmark() {
  const running = new Set();
  let waiting = new Set();
  let heapOfThreads = 0;
  threads.onmessage = ({ data }) => {
    if (data.started) running.add(data.started);
    if (waiting.delete(data.collected)) heapOfThreads += data.heap;
  };
  process.on('message', async ({ id, ask }) => {
    process.send?.({ id, ...(ask === 'cpu' ? { cpuMs: cpuMs() } : await memoryAfterCollection()) });
  });
  process.channel?.unref();

  async function memoryAfterCollection() {
    let last = Number.POSITIVE_INFINITY;
    let quiet = 0;
    for (let step = 0; step < MAX_SETTLING_STEPS && quiet < 2; step += 1) {
      await collectInThreads();
      globalThis.gc();
      await delay(SETTLING_STEP_MS);
      const { rss } = process.memoryUsage();
      quiet = rss > last * (1 - SETTLED) ? quiet + 1 : 0;
      last = rss;
    }
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heap: heapUsed + heapOfThreads };
  }

  async function collectInThreads() {
    waiting = new Set(running);
    heapOfThreads = 0;
    threads.postMessage({ collect: true });
    const deadline = performance.now() + THREAD_ANSWERS_WITHIN_MS;
    while (waiting.size > 0 && performance.now() < deadline) await delay(20);
    for (const ended of waiting) running.delete(ended);
  }
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
