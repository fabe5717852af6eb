import type { ApproveStep, RejectStep, ResolveStep } from '../contracts/messages.ts';
import { present } from '../contracts/present.ts';
import type { StepRequest, StepStatus, StepView } from '../contracts/step.ts';
import { answerOfApi, type LatchkeyApiOptions, requestApi } from './api-request.ts';

/** A step as a list shows it. */
export type ListedStep = Omit<StepView, 'pending' | 'result' | 'timeline'>;

export interface StepsPage {
  steps: ListedStep[];
  nextCursor?: string;
}

export interface StepsFilter {
  status?: StepStatus | undefined;
  mcpServerId?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** The user's steps over the HTTP API. All methods throw `LatchkeyApiError`. */
export interface StepsApi {
  /** `created` is false where a step with this id and request was there already. */
  start(request: StepRequest): Promise<{ step: StepView; created: boolean }>;
  show(stepId: string): Promise<StepView>;
  /**
   * Returns the step when its status has changed, when it has ended, or after 20 s.
   *
   * @throws the reason of `signal`
   */
  afterChange(stepId: string, signal: AbortSignal): Promise<StepView>;
  list(filter: StepsFilter): Promise<StepsPage>;
  approve(stepId: string, message: ApproveStep): Promise<StepView>;
  reject(stepId: string, message: RejectStep): Promise<StepView>;
  resolve(stepId: string, message: ResolveStep): Promise<StepView>;
  cancel(stepId: string): Promise<void>;
}

/** A change between two requests is seen after this time at the latest. */
const WAIT = '20s';

export function createStepsApi(options: LatchkeyApiOptions): StepsApi {
  // The casts trust the contract of our own API.
  const get = async (path: string, signal?: AbortSignal) =>
    (await requestApi(options, { method: 'GET', path, signal })) as StepView;
  const decide = async (stepId: string, decision: string, message: object) => {
    const request = { method: 'POST', path: `${pathOf(stepId)}/${decision}`, body: message } as const;
    return (await requestApi(options, request)) as StepView;
  };
  return {
    async start(step) {
      const request = { method: 'POST', path: '/steps', body: step } as const;
      const { status, body } = await answerOfApi(options, request);
      return { step: body as StepView, created: status === 202 };
    },
    show: (stepId) => get(pathOf(stepId)),
    afterChange: (stepId, signal) => get(`${pathOf(stepId)}?wait=${WAIT}`, signal),
    async list(filter) {
      const path = `/steps${queryOf(filter)}`;
      return (await requestApi(options, { method: 'GET', path })) as StepsPage;
    },
    approve: (stepId, message) => decide(stepId, 'approve', message),
    reject: (stepId, message) => decide(stepId, 'reject', message),
    resolve: (stepId, message) => decide(stepId, 'resolve', message),
    async cancel(stepId) {
      await requestApi(options, { method: 'DELETE', path: pathOf(stepId) });
    },
  };
}

function pathOf(stepId: string): string {
  return `/steps/${encodeURIComponent(stepId)}`;
}

function queryOf(filter: StepsFilter): string {
  const members = Object.entries(present(filter)).map(([name, value]): [string, string] => [
    name,
    `${value}`,
  ]);
  return members.length === 0 ? '' : `?${new URLSearchParams(members)}`;
}
