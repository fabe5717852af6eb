import { connectPath } from '../connect/own-page.ts';
import {
  type ConnectionNeed,
  type LapsedConnection,
  type NamedAccount,
  NEED_BUTTONS,
} from '../connection-needs.ts';
import { CONNECTION_REASON_WORDS } from '../connection-reasons.ts';
import type { PageFrame } from '../page.tsx';
import { Since } from '../parts/time.tsx';
import { formatNumber } from '../reader.ts';
import { shortText } from '../short-text.ts';
import { countOf } from '../step-words.ts';
import { Card, type CardFrame } from './card.tsx';
import { AccountName, elementId } from './names.tsx';

/** A connection that steps wait for. */
export function ConnectionCard({ need, frame, nameOfServer }: CardFrame & { need: ConnectionNeed }) {
  return (
    <Card
      id={elementId('need', need.mcpServerId, need.account)}
      title={
        <>
          <bdi>{nameOfServer(need.mcpServerId)}</bdi>
          <AccountName {...need} />
        </>
      }
      button={NEED_BUTTONS[need.kind]}
      href={connectHref(frame, need)}
    >
      <Reason need={need} /> <Waiting need={need} frame={frame} />
    </Card>
  );
}

function Reason({ need }: { need: ConnectionNeed }) {
  switch (need.kind) {
    case 'connect':
      return <>The server is not connected.</>;
    case 'reconnect':
      return <>{CONNECTION_REASON_WORDS[need.reason ?? 'token-rejected']}</>;
    case 'allow-more':
      return (
        <>
          The server asks for more access than you have allowed: <Scopes scopes={need.requiredScopes} />.
        </>
      );
    default:
      return need satisfies never;
  }
}

const MAX_SCOPES = 5;

function Scopes({ scopes }: { scopes: readonly string[] }) {
  const more = scopes.length - MAX_SCOPES;
  return (
    <>
      {scopes.slice(0, MAX_SCOPES).map((scope, index) => (
        <>
          {index > 0 && ', '}
          <code>{shortText(scope, 60)}</code>
        </>
      ))}
      {more > 0 && ` and ${more} more`}
    </>
  );
}

function Waiting({ need, frame: { reader } }: { need: ConnectionNeed; frame: PageFrame }) {
  const { waitingSteps, since } = need;
  const verb = waitingSteps === 1 ? 'has been waiting for' : 'are waiting, the first for';
  return (
    <>
      {countOf(formatNumber(reader, waitingSteps), 'step')} {verb} <Since reader={reader} at={since} />.
    </>
  );
}

/** A connection that has to be made again, though no step waits for it. */
export function LapsedRow({ lapsed, frame, nameOfServer }: CardFrame & { lapsed: LapsedConnection }) {
  return (
    <li id={elementId('lapsed', lapsed.mcpServerId, lapsed.account)}>
      <div class="grow">
        <strong>
          <bdi>{nameOfServer(lapsed.mcpServerId)}</bdi>
          <AccountName {...lapsed} />
        </strong>
        <span class="meta">{CONNECTION_REASON_WORDS[lapsed.reason]} No step waits for it.</span>
      </div>
      <a class="button quiet small" href={connectHref(frame, lapsed)}>
        Reconnect
      </a>
    </li>
  );
}

function connectHref({ base }: PageFrame, { mcpServerId, account }: NamedAccount): string {
  return connectPath(base, { mcpServerId, account, from: 'home' });
}
