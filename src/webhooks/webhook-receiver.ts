/** Whom events are delivered to. */
export interface WebhookReceiver {
  url: string;
  /** `whsec_…`, one or, while they are exchanged, two: each signs. */
  secrets: readonly string[];
}
