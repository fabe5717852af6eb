import { playFailedBoots, playOperator } from './scenes/operator.ts';
import { playEchoingMcpServers, playQuotingMcpServers, playQuotingTokenEndpoints } from './scenes/quoting.ts';
import { playAdmin, playReading, playRefusedRequests } from './scenes/requests.ts';
import {
  playApprovals,
  playDisconnect,
  playIdleGrants,
  playLostOutcome,
  playReauthorization,
  playRenewals,
  playResults,
  playScope,
} from './scenes/steps.ts';
import type { StoryStand } from './story-stand.ts';

/** Everything that Latchkey does, and most of what can go wrong with it. */
export async function playStory(stand: StoryStand): Promise<void> {
  await playAdmin(stand);
  await Promise.all([
    playRenewals(stand),
    playReauthorization(stand),
    playScope(stand),
    playApprovals(stand),
    playLostOutcome(stand),
    playResults(stand),
    playDisconnect(stand),
    playIdleGrants(stand),
    playRefusedRequests(stand),
    playQuotingMcpServers(stand),
    playQuotingTokenEndpoints(stand),
    playFailedBoots(stand),
  ]);
  await playEchoingMcpServers(stand);
  await playReading(stand);
  await playOperator(stand);
  await stand.registerIssued();
}
