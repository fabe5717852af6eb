import { proxyActivities } from '@temporalio/workflow';
import type { CredentialKey, LatchkeyActivities } from '../../contracts/activities.ts';

const activities = proxyActivities<Pick<LatchkeyActivities, 'revokeGrant'>>({
  startToCloseTimeout: '1m',
  scheduleToCloseTimeout: '24h',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10m' },
});

/**
 * Revokes a disconnected grant at its authorization server (RFC 7009), and retries for a day.
 *
 * @internal
 */
export async function revokeGrant(input: CredentialKey): Promise<void> {
  await activities.revokeGrant(input);
}
