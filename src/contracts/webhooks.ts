import type { Sinks } from '@temporalio/workflow';
import type { AwaitingInputReason, ConnectionReason, StepErrorCode, StepStatus } from './step.ts';

/** What a receiver is told of a step: where it stands, never its arguments or its result. */
export interface StepEventData {
  userId: string;
  stepId: string;
  workflowId: string;
  mcpServerId: string;
  status: StepStatus;
  awaitingInputReason?: AwaitingInputReason;
  connectionReason?: ConnectionReason | 'not-connected';
  /** A page's address; holds no secret and has no effect by being opened. */
  connectUrl?: string;
  errorCode?: StepErrorCode;
}

/** What a receiver is told of a connection. */
export interface ConnectionEventData {
  userId: string;
  mcpServerId: string;
  status: 'connected' | 'reauth-required';
  reason?: ConnectionReason;
  /** The credential's: rises with every deposit, so that a receiver can put events in order. */
  version: number;
  connectUrl?: string;
}

/** The body of a webhook. Standard Webhooks, "Payload structure". */
export type WebhookPayload = {
  /** When it happened; ISO 8601, UTC. */
  timestamp: string;
} & (
  | { type: 'step.awaiting_input' | 'step.finished'; data: StepEventData }
  | { type: 'connection.connected' | 'connection.reauth_required'; data: ConnectionEventData }
);

export interface WebhookEvent {
  /** The same on every attempt to deliver it: travels as `webhook-id`. */
  id: string;
  payload: WebhookPayload;
}

export type DeliverWebhookOutcome =
  | 'delivered'
  /** The receiver is gone (HTTP 410): nothing is sent to it until the worker restarts. */
  | 'disabled';

/** What a step tells the world beyond its history. */
export interface StepChange {
  /** Counts the changes of one run: with the run's id it names the event. */
  sequence: number;
  at: string;
  data: StepEventData;
}

/** The sinks that a worker gives its workflows. */
export interface LatchkeySinks extends Sinks {
  webhooks: {
    stepChanged(change: StepChange): void;
  };
}
