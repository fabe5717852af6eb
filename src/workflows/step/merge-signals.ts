import type { ActivateInput, Next, WorkflowInternalsInterceptor } from '@temporalio/workflow';
import { maybeGetActivator } from '@temporalio/workflow/lib/global-attributes.js';
import { payloadConverter } from '../../contracts/lenient-payload-converter.ts';
import {
  credentialDeposited,
  credentialsRestored,
  historyRestored,
  serverResumed,
} from '../../contracts/messages.ts';
import { isEncodableObject } from './field-problems.ts';
import { isResumptionOf, versionOf, type WatchedCredential } from './signals.ts';

type Job = NonNullable<ActivateInput['activation']['jobs']>[number];

/** The first signals of each name in a workflow task, which are not merged. */
const UNMERGED = 10;
const NONE: ReadonlySet<Job> = new Set();

/**
 * Merges the signals of one workflow task. The SDK creates and traces about ten promises for a signal. That takes
 * half a millisecond, so that 10,000 signals exceed its limit of 5 s for a task. A signal here is a hint, and no
 * workflow code runs between two signals of a task, so only the newest version matters, and one resumption.
 *
 * The first ten signals of each name are kept. No command of the workflow depends on the others, so histories of
 * older workers, which did not merge, still replay.
 */
class MergeSignals implements WorkflowInternalsInterceptor {
  #targets: readonly WatchedCredential[] | undefined;

  activate(input: ActivateInput, next: Next<WorkflowInternalsInterceptor, 'activate'>): void {
    const { activation } = input;
    const jobs = activation.jobs ?? [];
    this.#targets ??= watchedCredentialsIn(jobs);
    const redundant = jobs.length > UNMERGED ? findRedundant(jobs, this.#targets ?? []) : NONE;
    if (redundant.size === 0) next(input);
    else next({ ...input, activation: { ...activation, jobs: jobs.filter((job) => !redundant.has(job)) } });
  }
}

/**
 * Registers the interceptor if this code is being loaded for a step or a listing. The bundler's list of interceptors would not do:
 * other applications bundle these workflows too, and each would need the list.
 */
export function installMergeSignals(): void {
  const activator = maybeGetActivator();
  const workflowType = activator?.info.workflowType;
  if (workflowType === 'mcpStep' || workflowType === 'mcpTools')
    activator?.interceptors.internals.push(new MergeSignals());
}

// A step names one credential, a listing several. Undefined: the workflow was not started in this task.
function watchedCredentialsIn(jobs: readonly Job[]): WatchedCredential[] | undefined {
  const started = jobs.find((job) => job.initializeWorkflow)?.initializeWorkflow;
  if (started == null) return undefined;
  const payload = started.arguments?.[0];
  const input: unknown = payload && payloadConverter.fromPayload(payload);
  if (!isEncodableObject(input)) return [];
  const named: unknown[] = Array.isArray(input.servers) ? input.servers : [input];
  return named.flatMap((one) => watchedCredentialOf(one) ?? []);
}

function watchedCredentialOf(named: unknown): WatchedCredential | undefined {
  if (!isEncodableObject(named) || typeof named.mcpServerId !== 'string') return undefined;
  const { mcpServerId, account } = named;
  return { mcpServerId, ...(typeof account === 'string' && { account }) };
}

function findRedundant(jobs: readonly Job[], targets: readonly WatchedCredential[]): Set<Job> {
  const beyond = (name: string) =>
    jobs.filter(({ signalWorkflow }) => signalWorkflow?.signalName === name).slice(UNMERGED);
  const hints = beyond(credentialDeposited.name);
  const resumptions = beyond(serverResumed.name);
  const restorations = [...beyond(historyRestored.name), ...beyond(credentialsRestored.name)];
  const redundant = new Set([...hints, ...resumptions, ...restorations]);
  const kept = targets.flatMap((target) => [
    newestOf(hints, target),
    resumptions.find((job) => isResumption(job, target)),
  ]);
  for (const job of kept) if (job !== undefined) redundant.delete(job);
  return redundant;
}

function isResumption({ signalWorkflow }: Job, target: WatchedCredential): boolean {
  const payload = signalWorkflow?.input?.[0];
  return payload != null && isResumptionOf(payloadConverter.fromPayload(payload), target);
}

function newestOf(hints: readonly Job[], target: WatchedCredential): Job | undefined {
  let newest: Job | undefined;
  let version = 0;
  for (const hint of hints) {
    const payload = hint.signalWorkflow?.input?.[0];
    const hinted = payload ? versionOf(payloadConverter.fromPayload(payload), target) : 0;
    if (hinted > version) [newest, version] = [hint, hinted];
  }
  return newest;
}
