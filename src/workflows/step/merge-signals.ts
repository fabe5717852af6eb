import type { ActivateInput, Next, WorkflowInternalsInterceptor } from '@temporalio/workflow';
import { maybeGetActivator } from '@temporalio/workflow/lib/global-attributes.js';
import { payloadConverter } from '../../contracts/lenient-payload-converter.ts';
import { credentialDeposited, credentialsRestored, historyRestored } from '../../contracts/messages.ts';
import { versionOf } from './credential-watch.ts';
import { isObject } from './json-guards.ts';

type Job = NonNullable<ActivateInput['activation']['jobs']>[number];

/** Signals of one name that one workflow task hands to their handler as they came. */
const HANDED_OVER = 10;
const NONE: ReadonlySet<Job> = new Set();

/**
 * Merges the signals of one workflow task. The SDK makes about ten promises of each signal, and traces each promise:
 * half a millisecond, so that 10,000 signals take longer than its limit of 5 s for one task. Here a signal is a
 * hint and no code of the workflow runs between two signals of a task. So only the newest version matters.
 *
 * The first ten of each name stay as they are. Nothing that a workflow asks for depends on the rest, so histories of
 * workers that did not merge replay alike.
 */
class MergeSignals implements WorkflowInternalsInterceptor {
  #mcpServerId: string | undefined;

  activate(input: ActivateInput, next: Next<WorkflowInternalsInterceptor, 'activate'>): void {
    const { activation } = input;
    const jobs = activation.jobs ?? [];
    this.#mcpServerId ??= serverOf(jobs);
    const needless = jobs.length > HANDED_OVER ? findNeedless(jobs, this.#mcpServerId) : NONE;
    if (needless.size === 0) next(input);
    else next({ ...input, activation: { ...activation, jobs: jobs.filter((job) => !needless.has(job)) } });
  }
}

/**
 * Registers the merging for the step that this code is being loaded for. Done here and not by the bundler's list of
 * interceptors: others bundle these workflows too, and each of them would have to know the list.
 */
export function installMergeSignals(): void {
  const activator = maybeGetActivator();
  if (activator?.info.workflowType === 'mcpStep') activator.interceptors.internals.push(new MergeSignals());
}

function serverOf(jobs: readonly Job[]): string | undefined {
  const started = jobs.find((job) => job.initializeWorkflow)?.initializeWorkflow;
  const payload = started?.arguments?.[0];
  const input: unknown = payload && payloadConverter.fromPayload(payload);
  return isObject(input) && typeof input.mcpServerId === 'string' ? input.mcpServerId : undefined;
}

function findNeedless(jobs: readonly Job[], mcpServerId: string | undefined): Set<Job> {
  const beyond = (name: string) =>
    jobs.filter(({ signalWorkflow }) => signalWorkflow?.signalName === name).slice(HANDED_OVER);
  const hints = beyond(credentialDeposited.name);
  const needless = new Set([...hints, ...beyond(historyRestored.name), ...beyond(credentialsRestored.name)]);
  const newest = newestOf(hints, mcpServerId);
  if (newest !== undefined) needless.delete(newest);
  return needless;
}

// No server is known where the input makes no sense: then the step ends, and no hint matters.
function newestOf(hints: readonly Job[], mcpServerId = ''): Job | undefined {
  let newest: Job | undefined;
  let version = 0;
  for (const hint of hints) {
    const payload = hint.signalWorkflow?.input?.[0];
    const hinted = payload ? versionOf(payloadConverter.fromPayload(payload), mcpServerId) : 0;
    if (hinted > version) [newest, version] = [hint, hinted];
  }
  return newest;
}
