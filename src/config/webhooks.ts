import { z } from 'zod';
import type { NetworkPolicy } from '../net/network.ts';
import { readOutboundAddress } from './outbound-address.ts';
import { type Part, part, type Report } from './part.ts';
import { Secret } from './secret.ts';

export interface WebhookConfig {
  /** A secret, because knowing the URL is often enough to send to it. */
  url: Secret<string>;
  /** One or two of the form `whsec_…`. */
  secrets: Secret<readonly string[]>;
}

const HELP = [
  { name: 'WEBHOOK_URL', meaning: 'receives the webhooks of steps and connections', unset: 'off' },
  {
    name: 'WEBHOOK_SECRETS',
    meaning: 'one or two whsec_… that sign the webhooks; required beside WEBHOOK_URL',
    unset: 'off',
  },
];
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/**
 * `WEBHOOK_URL` and `WEBHOOK_SECRETS`: both or neither.
 *
 * @param defaultPolicy the `NETWORK_POLICY` of a role if none is set; the policy decides which addresses are allowed
 */
export function webhooks(defaultPolicy: NetworkPolicy): Part<WebhookConfig | undefined> {
  return part((env, report) => {
    const { WEBHOOK_URL, WEBHOOK_SECRETS } = env;
    if (WEBHOOK_URL === undefined && WEBHOOK_SECRETS === undefined) return undefined;
    if (WEBHOOK_URL === undefined) report('WEBHOOK_URL', 'is required beside WEBHOOK_SECRETS');
    const url =
      WEBHOOK_URL === undefined
        ? z.NEVER
        : readOutboundAddress('WEBHOOK_URL', { env, defaultPolicy }, report);
    return { url: new Secret(url), secrets: new Secret(readSecrets(WEBHOOK_SECRETS, report)) };
  }, HELP);
}

function readSecrets(value: string | undefined, report: Report): string[] {
  if (value === undefined) {
    report('WEBHOOK_SECRETS', 'is required beside WEBHOOK_URL');
    return z.NEVER;
  }
  const entries = value.split(',').map((entry) => entry.trim());
  if (entries.length > 2) report('WEBHOOK_SECRETS', 'must be one secret, or two while they are exchanged');
  if (new Set(entries).size < entries.length) report('WEBHOOK_SECRETS', 'holds the same secret twice');
  for (const [index, entry] of entries.entries()) {
    const problem = problemOf(entry);
    if (problem !== undefined) report('WEBHOOK_SECRETS', `entry ${index + 1} ${problem}`);
  }
  return entries;
}

// Standard Webhooks, "Signature scheme": 24 to 64 random bytes, in base64 behind `whsec_`.
function problemOf(entry: string): string | undefined {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(entry) ?? [];
  if (encoded === undefined) return 'must have the form whsec_ and base64';
  const bytes = Buffer.from(encoded, 'base64');
  // The signing library accepts only this form, with padding.
  if (bytes.toString('base64') !== encoded) return 'is not base64 with its padding';
  return bytes.byteLength < MIN_SECRET_BYTES || bytes.byteLength > MAX_SECRET_BYTES
    ? `holds ${bytes.byteLength} bytes instead of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES}`
    : undefined;
}
