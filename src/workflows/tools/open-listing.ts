import {
  ApplicationFailure,
  CancellationScope,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { INVALID_ARGUMENTS, type McpToolsInput } from '../../contracts/mcp-tools.ts';
import { approve, REFUSED, reject, resolve, step as stepQuery } from '../../contracts/messages.ts';
import { refusal } from '../step/decision-guards.ts';
import { carriedIn } from '../step/open-step.ts';
import { acceptRestorations, CredentialWatch, hearDeposits } from '../step/signals.ts';
import { fail } from '../step/step.ts';
import { forgetConsents } from '../step/step-progress.ts';
import { StepRecord } from '../step/step-record.ts';
import type { CarriedListing, Listing, ListingProgress } from './listing.ts';
import { parseListingInput, planForBadListing } from './listing-input.ts';

/**
 * Begins a run: checks the input, restores what a previous run carried over, and registers query, signals and updates.
 *
 * @throws ApplicationFailure of type `invalid-arguments`
 */
export function openListing(input: McpToolsInput, carriedOver: CarriedListing | undefined): Listing {
  const { workflowId } = workflowInfo();
  const carried = carriedIn(carriedOver);
  const parsed = parseListingInput(input, workflowId);
  const plan = parsed.ok ? parsed.plan : planForBadListing(input, workflowId);
  const record = new StepRecord(plan, carried?.record);
  setHandler(stepQuery, () => record.view());
  if (!parsed.ok) {
    if (plan.waits) record.finish(fail(INVALID_ARGUMENTS, parsed.message));
    throw ApplicationFailure.nonRetryable(parsed.message, INVALID_ARGUMENTS);
  }
  void CancellationScope.current().cancelRequested.catch(() => record.cancelling());
  if (carried !== undefined) record.writeCreation();
  const credentials = plan.servers.map((server) => new CredentialWatch(server));
  const listing = { input, plan, record, credentials, progress: carried?.progress ?? {} };
  hearDeposits(credentials);
  refuseDecisions();
  acceptRestorations({ record, credentials, onCredentials: () => forgetAllConsents(listing.progress) });
  return listing;
}

// Without a handler Temporal would keep the decision and answer nothing.
function refuseDecisions(): void {
  const validator = () => {
    throw refusal(REFUSED.notWaiting, 'a listing of tools waits for no decision');
  };
  for (const { name } of [approve, reject, resolve]) {
    setHandler(defineUpdate(name), () => undefined, { validator });
  }
}

function forgetAllConsents({ askedScopes = {} }: ListingProgress): void {
  for (const [position, asked] of Object.entries(askedScopes)) {
    const progress = { askedScopes: asked };
    forgetConsents(progress);
    askedScopes[position] = progress.askedScopes;
  }
}
