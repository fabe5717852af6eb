import { DEFAULT_ACCOUNT } from '../../contracts/accounts.ts';
import type { AwaitedConnectionView } from '../../contracts/step.ts';
import { connectUrl } from '../../contracts/urls.ts';
import { AccountName, elementId } from '../home/names.tsx';
import type { PageFrame } from '../page.tsx';
import { shortText } from '../short-text.ts';
import { accountWords, REASON_WORDS } from '../step-words.ts';
import { connectionReasonWords } from './connection-words.ts';
import type { StepPageData } from './step-page-data.ts';
import { Waiting } from './waiting.tsx';

interface ListingCardProps {
  frame: PageFrame;
  data: StepPageData;
  connections: readonly AwaitedConnectionView[];
}

/** A listing of tools waits for all of its connections. */
export function ListingCard({ frame, data, connections }: ListingCardProps) {
  const { heading, todo } = wordsOf(connections);
  const nameOf = data.nameOfServer ?? ((id: string) => shortText(id, MAX_NAME));
  return (
    <Waiting frame={frame} data={data} heading={heading}>
      <p>It goes on by itself as soon as you have {todo}:</p>
      <ul class="rows">
        {connections.map((connection) => (
          <AwaitedRow
            key={`${connection.mcpServerId} ${connection.account}`}
            connection={connection}
            name={nameOf(connection.mcpServerId)}
            href={connectUrl(frame.base, connection.mcpServerId, data.step.stepId, connection.account)}
          />
        ))}
      </ul>
    </Waiting>
  );
}

const MAX_NAME = 60;

function wordsOf(connections: readonly AwaitedConnectionView[]): { heading: string; todo: string } {
  const these = connections.length === 1 ? 'this' : 'these';
  const wider = connections.filter(isWider).length;
  if (wider === 0) return { heading: REASON_WORDS['needs-oauth-reauth'], todo: `connected ${these}` };
  if (wider === connections.length) {
    return { heading: REASON_WORDS['needs-oauth-scope'], todo: `allowed ${these} more access` };
  }
  return { heading: 'Needs connections and more access', todo: 'connected or allowed all of these' };
}

function isWider({ awaitingInputReason }: AwaitedConnectionView): boolean {
  return awaitingInputReason === 'needs-oauth-scope';
}

interface AwaitedRowProps {
  connection: AwaitedConnectionView;
  name: string;
  href: string;
}

function AwaitedRow({ connection, name, href }: AwaitedRowProps) {
  const { mcpServerId, account } = connection;
  const { verb, why } = rowWords(connection);
  const isDefault = account === DEFAULT_ACCOUNT;
  const whose = isDefault ? name : `${name}, ${shortText(accountWords({ account }), MAX_NAME)}`;
  return (
    <li id={elementId('awaited', mcpServerId, account)}>
      <div class="grow">
        <bdi>{name}</bdi>
        <AccountName account={account} />
        <span class="meta">{why}</span>
      </div>
      <a class="button" href={href} aria-label={`${verb}: ${whose}`}>
        {verb}
      </a>
    </li>
  );
}

function rowWords(connection: AwaitedConnectionView): { verb: string; why: string } {
  if (isWider(connection)) return { verb: 'Allow more access', why: 'The server wants a wider permission.' };
  const { connectionReason } = connection;
  const why = connectionReasonWords(connectionReason) ?? 'The server no longer accepts the access.';
  return { verb: connectionReason === 'not-connected' ? 'Connect' : 'Reconnect', why };
}
