/** The events that Latchkey sends to a receiver, and the sink by which a step announces its changes. */
import type { Sinks } from '@temporalio/workflow';
import type { AwaitingInputReason, ConnectionReason, StepErrorCode, StepStatus } from './step.ts';

/** An event about a step: its status, never its arguments or its result. */
export interface StepEventData {
  userId: string;
  stepId: string;
  workflowId: string;
  mcpServerId: string;
  account: string;
  status: StepStatus;
  awaitingInputReason?: AwaitingInputReason;
  connectionReason?: ConnectionReason | 'not-connected';
  /** Holds no secret; opening it has no effect. */
  connectUrl?: string;
  /** With a listing of tools that is paused: all the connections that it waits for. */
  connections?: { mcpServerId: string; account: string; connectUrl: string }[];
  errorCode?: StepErrorCode;
}

/** An event about a user's connection to a server. */
export interface ConnectionEventData {
  userId: string;
  mcpServerId: string;
  account: string;
  status: 'connected' | 'reauth-required';
  reason?: ConnectionReason;
  /** The credential's version. It rises with every deposit, so that a receiver can order events. */
  version: number;
  connectUrl?: string;
}

/** The body of a webhook. Standard Webhooks, "Payload structure". */
export type WebhookPayload = {
  /** The time of the change; ISO 8601, UTC. */
  timestamp: string;
} & (
  | { type: 'step.awaiting_input' | 'step.finished'; data: StepEventData }
  | { type: 'connection.connected' | 'connection.reauth_required'; data: ConnectionEventData }
);

export interface WebhookEvent {
  /** The same on every attempt to deliver it; sent as `webhook-id`. */
  id: string;
  payload: WebhookPayload;
}

export type DeliverWebhookOutcome =
  | 'delivered'
  /** The receiver answered HTTP 410: nothing more is sent to it until the worker restarts. */
  | 'disabled';

/** A change of a step that webhooks announce. */
export interface StepChange {
  /** The number of the change in its run. The event's id is made of it and the run's id. */
  sequence: number;
  at: string;
  data: StepEventData;
}

/** The sinks by which workflows announce changes. */
export interface LatchkeySinks extends Sinks {
  webhooks: {
    stepChanged(change: StepChange): void;
  };
}
