/**
 * Forms that a server sends while a tool runs (elicitation). No process of Latchkey sets a `fillForm`, so a deployed
 * Latchkey does not announce the capability. The conformance suite sets one, because its scenarios send forms.
 */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { type ClientCapabilities, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** Answers a form that a server sends while a tool runs. */
export type FillForm = (message: string) => Promise<FilledForm>;

/** Fields that an accepted form leaves out get the defaults of the server's schema. */
export type FilledForm =
  | { action: 'accept'; content: Record<string, string | number | boolean | string[]> }
  | { action: 'decline' | 'cancel' };

/** The method of a form. */
export const FORM_METHOD = 'elicitation/create';

/** What a client announces that fills in forms. */
export const FILLS_FORMS: ClientCapabilities = { elicitation: { form: { applyDefaults: true } } };

/**
 * Lets a client answer forms. It must have announced `FILLS_FORMS`.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
 */
export function answerForms(client: Client, fillForm: FillForm): void {
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => fillForm(params.message));
}
