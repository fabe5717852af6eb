import type { KnownConnections } from '../../credentials/known-connections.ts';
import type { StepSummary } from '../../steps/step-summary.ts';
import { isAboutToGoOn } from '../connection-needs.ts';
import type { PageFrame } from '../page.tsx';
import { AboutToGoOnBadge, StatusBadge } from '../parts/status-badge.tsx';
import { Ago, Since, Time } from '../parts/time.tsx';
import { stepPath } from '../paths.ts';
import { shortText } from '../short-text.ts';
import { AccountName, elementId, type NameOfServer, StepName } from './names.tsx';

interface Rows {
  frame: PageFrame;
  steps: readonly StepSummary[];
  nameOfServer: NameOfServer;
  /** The ids of the servers that an operator has paused. */
  pausedServers: ReadonlySet<string>;
  known: KnownConnections;
}

export function StepRows({ frame, steps, nameOfServer, pausedServers, known }: Rows) {
  return (
    <ul class="rows">
      {steps.map((step) => (
        <li key={step.workflowId} id={elementId('step', step.workflowId)} data-step-id={step.stepId}>
          <div class="grow">
            <a href={stepPath(frame.base, step.stepId)}>
              <StepName step={step} />
            </a>
            <span class="meta">
              {step.title !== undefined && step.tool !== '' && (
                <>
                  <code dir="auto">{shortText(step.tool, 60)}</code>
                  {' at '}
                </>
              )}
              <bdi>{nameOfServer(step.mcpServerId)}</bdi>
              <AccountName account={step.account} /> · <When frame={frame} step={step} />
              {step.status === 'running' && pausedServers.has(step.mcpServerId) && ' · the server is paused'}
            </span>
          </div>
          {isAboutToGoOn(step, known) ? (
            <AboutToGoOnBadge />
          ) : (
            <StatusBadge status={step.status} reason={step.awaitingInputReason} />
          )}
        </li>
      ))}
    </ul>
  );
}

const DAY_MS = 86_400_000;

function When({ frame: { reader }, step }: { frame: PageFrame; step: StepSummary }) {
  if (step.status === 'awaiting-input') {
    return (
      <>
        waiting for <Since reader={reader} at={step.updatedAt} />
      </>
    );
  }
  const [verb, at] = step.status === 'running' ? ['started', step.createdAt] : ['ended', step.updatedAt];
  const isRecent = reader.now.getTime() - Date.parse(at) < DAY_MS;
  return (
    <>
      {verb} {isRecent ? <Ago reader={reader} at={at} /> : <Time reader={reader} at={at} />}
    </>
  );
}
