import type { Report } from '../../bench/report/figures.ts';

const SPREAD = { median: 20, min: 18, max: 22 };

/** A whole report in which every target is met. */
export const SAMPLE: Report = {
  mode: 'full',
  at: '2026-01-02T03:04:05.000Z',
  machine: {
    cores: 2,
    cpu: 'A CPU',
    memoryGiB: 24,
    platform: 'linux x64',
    node: '22.0.0',
    temporal: '1.29.1',
    postgres: '18.4',
    loadBefore: 0.1,
  },
  seconds: { start: 5, speed: 100 },
  stepThroughput: 29,
  bareThroughput: 30,
  throughputRatio: 0.967,
  stepLatencyMs: { p50: 150, p95: 170 },
  bareLatencyMs: { p50: 149, p95: 169 },
  stepCpuMs: 16,
  bareCpuMs: 15,
  cpuRatio: 1.067,
  workflowKiB: 190,
  bareWorkflowKiB: 180,
  historyEventsHappyPath: 11,
  requestsPerCall: 1,
  stampede: { steps: 1_000, workerProcesses: 4, grants: 1, seconds: 40 },
  resume: { waiters: 1_000, seconds: 26, rawSignalSeconds: 28, ratio: 0.929 },
  paused: { steps: 10_000, maxCachedWorkflows: 500, workerRssMiB: 300, databaseBytesPerStep: 900 },
  spread: {
    stepThroughput: SPREAD,
    bareThroughput: SPREAD,
    stepCpuMs: SPREAD,
    bareCpuMs: SPREAD,
    workflowKiB: SPREAD,
    bareWorkflowKiB: SPREAD,
    resumeSeconds: SPREAD,
    rawSignalSeconds: SPREAD,
  },
  workflowHeapKiB: 150,
  bareWorkflowHeapKiB: 140,
  bareRequestsPerCall: 1,
  cpuByProgram: {
    step: { worker: 16, temporal: 30, postgres: 1.5, benchmark: 10 },
    bare: { worker: 15, temporal: 29, postgres: 0.1, benchmark: 9 },
  },
  resumeCpu: {
    step: { worker: 20, temporal: 35, postgres: 2.5, benchmark: 3 },
    bare: { worker: 17, temporal: 30, postgres: 0.1, benchmark: 5 },
  },
  throughputCurve: [
    { concurrency: 1, step: 6, bare: 6.5 },
    { concurrency: 50, step: 29, bare: 30 },
  ],
  resumeCurve: [
    { maxCachedWorkflows: 100, waiters: 500, seconds: 13, rawSignalSeconds: 14 },
    { maxCachedWorkflows: 100, waiters: 1_000, seconds: 26, rawSignalSeconds: 28 },
  ],
  pausedCurve: [
    { steps: 500, workerRssMiB: 290, databaseMiB: 0.4 },
    { steps: 10_000, workerRssMiB: 300, databaseMiB: 8.6 },
  ],
  variants: {
    eachCall: [
      { variant: 'connectEachCall', perSecond: 15, cpuMs: 40, requestsPerCall: 5, tokenRequestsPerCall: 0 },
      { variant: 'refreshEachCall', perSecond: 20, cpuMs: 18, requestsPerCall: 1, tokenRequestsPerCall: 1 },
    ],
    sharedMutex: { workflows: 1_000, workerProcesses: 4, grants: 1, refused: 3, failed: 990 },
    polling: {
      waiters: 300,
      everySeconds: 10,
      seconds: 14,
      eventsPerWaitingHour: 3_960,
      cpuMsPerWaitingHour: 6_000,
    },
  },
  temporalBytesPerStep: 9_000,
};
