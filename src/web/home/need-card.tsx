import type { ComponentChildren } from 'preact';
import { connectUrl } from '../../contracts/urls.ts';
import type { StepSummary } from '../../steps/step-summary.ts';
import { REASONS } from '../connection-reasons.ts';
import type { PageFrame } from '../page.tsx';
import { Since } from '../parts/time.tsx';
import { stepPath } from '../paths.ts';
import { formatNumber } from '../reader.ts';
import { shortText } from '../short-text.ts';
import { countOf } from '../step-words.ts';
import { AccountName, elementId, type NameOfServer, StepName } from './names.tsx';
import type { LapsedConnection, NamedAccount, Need } from './needs.ts';

export interface CardFrame {
  frame: PageFrame;
  nameOfServer: NameOfServer;
}

type ConnectionNeed = Exclude<Need, { step: StepSummary }>;

/** One thing that needs the user: why, and one button. */
export function NeedCard({ need, ...context }: CardFrame & { need: Need }) {
  return 'step' in need ? (
    <DecisionCard need={need} {...context} />
  ) : (
    <ConnectionCard need={need} {...context} />
  );
}

const BUTTONS = { connect: 'Connect', reconnect: 'Reconnect', 'allow-more': 'Allow more access' } as const;

function ConnectionCard({ need, frame, nameOfServer }: CardFrame & { need: ConnectionNeed }) {
  return (
    <Card
      id={elementId('need', need.mcpServerId, need.account)}
      title={
        <>
          <bdi>{nameOfServer(need.mcpServerId)}</bdi>
          <AccountName {...need} />
        </>
      }
      action={
        <a class="button" href={connectHref(frame, need)}>
          {BUTTONS[need.kind]}
        </a>
      }
    >
      <ConnectionReasonText need={need} /> <WaitText need={need} frame={frame} />
    </Card>
  );
}

function ConnectionReasonText({ need }: { need: ConnectionNeed }) {
  switch (need.kind) {
    case 'connect':
      return <>You have not connected this server yet.</>;
    case 'reconnect':
      return (
        <>{need.reason === undefined ? 'The server no longer accepts the access.' : REASONS[need.reason]}</>
      );
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
          <code key={scope}>{shortText(scope, 60)}</code>
        </>
      ))}
      {more > 0 && ` and ${more} more`}
    </>
  );
}

function WaitText({ need, frame: { reader } }: { need: ConnectionNeed; frame: PageFrame }) {
  const { waitingSteps, since } = need;
  const verb = waitingSteps === 1 ? 'has been waiting for' : 'are waiting, the first for';
  return (
    <>
      {countOf(formatNumber(reader, waitingSteps), 'step')} {verb} <Since reader={reader} at={since} />.
    </>
  );
}

function DecisionCard({
  need: { kind, step },
  frame,
  nameOfServer,
}: CardFrame & { need: Extract<Need, { step: StepSummary }> }) {
  const since = <Since reader={frame.reader} at={step.updatedAt} />;
  return (
    <Card
      id={elementId('need', step.workflowId)}
      title={<StepName step={step} />}
      action={
        <a class="button" href={stepPath(frame.base, step.stepId)}>
          {kind === 'approve' ? 'Review' : 'Decide'}
        </a>
      }
    >
      {kind === 'approve' ? (
        <>
          Asks before it calls <ToolAtServer step={step} nameOfServer={nameOfServer} />. It has been waiting
          for your approval for {since}.
        </>
      ) : (
        <>
          The call of <ToolAtServer step={step} nameOfServer={nameOfServer} /> was sent and no answer came. It
          may have happened or not. It has been waiting for your decision for {since}.
        </>
      )}
    </Card>
  );
}

function ToolAtServer({ step, nameOfServer }: { step: StepSummary; nameOfServer: NameOfServer }) {
  return (
    <>
      <code>{shortText(step.tool, 60)}</code> at <bdi>{nameOfServer(step.mcpServerId)}</bdi>
      <AccountName {...step} />
    </>
  );
}

interface CardProps {
  id: string;
  title: ComponentChildren;
  action: ComponentChildren;
  children: ComponentChildren;
}

function Card({ id, title, action, children }: CardProps) {
  return (
    <li id={id} class="card attention need">
      <div>
        <h3>{title}</h3>
        <p>{children}</p>
      </div>
      {action}
    </li>
  );
}

/** A connection that has to be made again, though no step waits for it. */
export function LapsedRow({ lapsed, frame, nameOfServer }: CardFrame & { lapsed: LapsedConnection }) {
  return (
    <li id={elementId('lapsed', lapsed.mcpServerId, lapsed.account)}>
      <div class="grow">
        <bdi>{nameOfServer(lapsed.mcpServerId)}</bdi>
        <AccountName {...lapsed} />
        <span class="meta">{REASONS[lapsed.reason]} No step waits for it.</span>
      </div>
      <a class="button quiet small" href={connectHref(frame, lapsed)}>
        Reconnect
      </a>
    </li>
  );
}

function connectHref({ base }: PageFrame, { mcpServerId, account }: NamedAccount): string {
  return connectUrl(base, mcpServerId, undefined, account);
}
