import type { ComponentChildren } from 'preact';
import { STEP_MODES, type StepMode } from '../../contracts/step.ts';
import type { PageFrame } from '../page.tsx';
import { Ago, Time } from '../parts/time.tsx';
import { formatDuration } from '../reader.ts';
import { shortText } from '../short-text.ts';
import { accountWords, MODE_WORDS } from '../step-words.ts';
import type { StepPageData } from './step-page-data.ts';

const MAX_CHARACTERS = 300;

/** What the step calls, where, and since when, in one line. */
export function Subtitle({
  frame: { reader },
  data: { step, server },
}: {
  frame: PageFrame;
  data: StepPageData;
}) {
  const isNamed = step.title !== undefined && step.tool !== '';
  return (
    <p class="meta">
      {isNamed && (
        <>
          <code dir="auto">{shortText(step.tool, 100)}</code>
          {' at '}
        </>
      )}
      {step.mcpServerId !== '' && <bdi>{shortText(server.title ?? step.mcpServerId, 100)}</bdi>}
      {' · started '}
      <Ago reader={reader} at={step.createdAt} />
    </p>
  );
}

/** Where the step calls, as whom, how and when. */
export function StepFacts({ frame: { reader }, data }: { frame: PageFrame; data: StepPageData }) {
  const { step, server, label } = data;
  const ended = step.status !== 'running' && step.status !== 'awaiting-input';
  return (
    <dl class="card facts">
      {step.mcpServerId !== '' && (
        <Fact name="Server">
          <bdi>{shortText(server.title ?? step.mcpServerId, MAX_CHARACTERS)}</bdi>
          {server.host !== undefined && <span class="meta">{server.host}</span>}
        </Fact>
      )}
      {step.tool !== '' && (
        <Fact name="Tool">
          <code dir="auto">{shortText(step.tool, MAX_CHARACTERS)}</code>
        </Fact>
      )}
      <Fact name="Account">
        <bdi>{shortText(accountWords({ account: step.account, label }), MAX_CHARACTERS)}</bdi>
      </Fact>
      {step.kind !== 'listing' && <Fact name="Approval">{modeWords(step.mode)}</Fact>}
      <Fact name="Started">
        <Time reader={reader} at={step.createdAt} />
      </Fact>
      {ended && (
        <Fact name="Ended">
          <Time reader={reader} at={step.updatedAt} />
          <span class="meta">{`after ${formatDuration(reader, lasted(step))}`}</span>
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function lasted({ createdAt, updatedAt }: StepPageData['step']): number {
  return Math.max(Date.parse(updatedAt) - Date.parse(createdAt), 0);
}

// The memo may come from another version.
function modeWords(mode: StepMode): string {
  const known = STEP_MODES.find((one) => one === mode);
  return known === undefined ? shortText(mode, 50) : MODE_WORDS[known];
}
