/**
 * All workflows of a Latchkey worker: the entry of the bundle. It runs in the workflow sandbox, so import only
 * workflows and contracts. A workflow's exported name is its Temporal type, which histories hold: never rename one.
 */
import { installMergeSignals } from './step/merge-signals.ts';
import { installTraceHeaders } from './trace-headers.ts';

export * from './all-workflows.ts';

installMergeSignals();
installTraceHeaders();
