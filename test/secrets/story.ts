import { playConnecting } from './scenes/connecting.ts';
import { playFailedBoots, playOperator } from './scenes/operator.ts';
import { playEchoingMcpServers, playQuotingMcpServers, playQuotingTokenEndpoints } from './scenes/quoting.ts';
import { playAdmin, playReading, playRefusedRequests } from './scenes/requests.ts';
import {
  playApprovals,
  playDisconnect,
  playIdleGrants,
  playLostOutcome,
  playPausedServer,
  playReauthorization,
  playRenewals,
  playResults,
  playScope,
} from './scenes/steps.ts';
import type { StoryFixture } from './story-fixture.ts';

/** Everything that Latchkey does, and most of what can go wrong with it. */
export async function playStory(fixture: StoryFixture): Promise<void> {
  await playAdmin(fixture);
  await Promise.all([
    playRenewals(fixture),
    playReauthorization(fixture),
    playConnecting(fixture),
    playScope(fixture),
    playApprovals(fixture),
    playLostOutcome(fixture),
    playResults(fixture),
    playDisconnect(fixture),
    playIdleGrants(fixture),
    playPausedServer(fixture),
    playRefusedRequests(fixture),
    playQuotingMcpServers(fixture),
    playQuotingTokenEndpoints(fixture),
    playFailedBoots(fixture),
  ]);
  await playEchoingMcpServers(fixture);
  await playReading(fixture);
  await playOperator(fixture);
  await fixture.registerIssued();
}
