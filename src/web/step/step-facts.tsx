import type { ComponentChildren } from 'preact';
import { STEP_MODES, type StepMode } from '../../contracts/step.ts';
import type { PageFrame } from '../page.tsx';
import { Ago, Time } from '../parts/time.tsx';
import { formatDuration } from '../reader.ts';
import { accountWords, MODE_WORDS } from '../step-words.ts';
import { cut } from './byte-budget.ts';
import type { StepPageData } from './step-page-data.ts';

const MAX_CHARACTERS = 300;

/** Where the step calls, as whom, how and when. */
export function StepFacts({ frame: { reader }, data }: { frame: PageFrame; data: StepPageData }) {
  const { step, server, label } = data;
  const ended = step.status !== 'running' && step.status !== 'awaiting-input';
  return (
    <dl class="card facts">
      {step.mcpServerId !== '' && (
        <Fact name="Server">
          <bdi>{cut(server.title ?? step.mcpServerId, MAX_CHARACTERS)}</bdi>
          {server.host !== undefined && <span class="meta">{server.host}</span>}
        </Fact>
      )}
      {step.title !== undefined && step.tool !== '' && (
        <Fact name="Tool">
          <code dir="auto">{cut(step.tool, MAX_CHARACTERS)}</code>
        </Fact>
      )}
      <Fact name="Account">
        <bdi>{cut(accountWords({ account: step.account, label }), MAX_CHARACTERS)}</bdi>
      </Fact>
      <Fact name="Mode">{modeWords(step.mode)}</Fact>
      <Fact name="Started">
        <Time reader={reader} at={step.createdAt} />
        <span class="meta">
          <Ago reader={reader} at={step.createdAt} />
        </span>
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
  return known === undefined ? cut(mode, 50) : MODE_WORDS[known];
}
