import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { StepView, ToolResult } from './step.ts';

/** A credential changed for the better. A hint to look again, never the truth itself. */
export interface CredentialDeposited {
  mcpServerId: string;
  version: number;
}

export interface ApproveStep {
  arguments?: Record<string, unknown>;
}

export interface RejectStep {
  reason?: string;
}

export interface ResolveStep {
  action: 'retry' | 'succeed' | 'fail';
  result?: ToolResult;
}

export const credentialDeposited = defineSignal<[CredentialDeposited]>('credentialDeposited');
export const approve = defineUpdate<StepView, [ApproveStep?]>('approve');
export const reject = defineUpdate<StepView, [RejectStep?]>('reject');
export const resolve = defineUpdate<StepView, [ResolveStep]>('resolve');
export const step = defineQuery<StepView>('step');
