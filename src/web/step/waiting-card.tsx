import { connectUrl } from '../../contracts/urls.ts';
import type { PageFrame } from '../page.tsx';
import { formatNumber } from '../reader.ts';
import { shortText } from '../short-text.ts';
import { countOf, REASON_WORDS } from '../step-words.ts';
import { ApprovalCard } from './approval-card.tsx';
import { connectionReasonWords } from './connection-words.ts';
import { ListingCard } from './listing-card.tsx';
import { OutcomeCard } from './outcome-card.tsx';
import type { StepPageData } from './step-page-data.ts';
import { Waiting, type WaitingProps } from './waiting.tsx';

/** What a paused step waits for, why and for how long, with what the reader can do about it. */
export function WaitingCard(props: WaitingProps) {
  const { data, frame } = props;
  const { connections } = data.step;
  if (connections !== undefined) return <ListingCard frame={frame} data={data} connections={connections} />;
  switch (data.step.awaitingInputReason) {
    case 'needs-oauth-reauth':
      return <ConnectCard frame={frame} data={data} />;
    case 'needs-oauth-scope':
      return <ScopeCard frame={frame} data={data} />;
    case 'needs-approval':
      return <ApprovalCard {...props} />;
    case 'outcome-unknown':
      return <OutcomeCard {...props} />;
    default:
      return (
        <Waiting frame={frame} data={data} heading="Waiting for a person">
          <p>This page does not know what it waits for.</p>
        </Waiting>
      );
  }
}

function ConnectCard({ frame, data }: { frame: PageFrame; data: StepPageData }) {
  const { connectionReason, mcpServerId, stepId, account } = data.step;
  const isNew = connectionReason === 'not-connected';
  return (
    <Waiting frame={frame} data={data} heading={REASON_WORDS['needs-oauth-reauth']}>
      <p>{connectionReasonWords(connectionReason) ?? 'The server no longer accepts the access.'}</p>
      <p>The step goes on by itself as soon as you have connected the account.</p>
      <p class="actions">
        <a class="button" href={connectUrl(frame.base, mcpServerId, stepId, account)}>
          {isNew ? 'Connect' : 'Reconnect'}
        </a>
      </p>
    </Waiting>
  );
}

const MAX_SCOPES = 30;

function ScopeCard({ frame, data }: { frame: PageFrame; data: StepPageData }) {
  const { requiredScopes: scopes = [], mcpServerId, stepId, account } = data.step;
  return (
    <Waiting frame={frame} data={data} heading={REASON_WORDS['needs-oauth-scope']}>
      <p>The server wants a wider permission for this call. You will be asked to allow:</p>
      <ul class="scopes">
        {scopes.slice(0, MAX_SCOPES).map((scope) => (
          <li key={scope}>
            <code>{shortText(scope, 200)}</code>
          </li>
        ))}
        {scopes.length > MAX_SCOPES && (
          <li>{countOf(formatNumber(frame.reader, scopes.length - MAX_SCOPES), 'more scope')}</li>
        )}
      </ul>
      <p class="actions">
        <a class="button" href={connectUrl(frame.base, mcpServerId, stepId, account)}>
          Allow more access
        </a>
      </p>
    </Waiting>
  );
}
