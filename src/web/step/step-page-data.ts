import type { StepView } from '../../contracts/step.ts';
import type { NameOfServer } from '../home/names.tsx';

/** What the page of a step shows. */
export interface StepPageData {
  step: StepView;
  /** False: no worker answered in time, so the page shows what Temporal itself knows. */
  isAnswered: boolean;
  /** What the tool is called with; absent if it can't be read now. */
  arguments?: Record<string, unknown>;
  server: StepServer;
  /** With a listing that waits: what the servers that it waits for are called. */
  nameOfServer?: NameOfServer | undefined;
  /** The account's label, such as the name at the provider. */
  label?: string | undefined;
  /** It waited for its account, which is connected by now. */
  isAboutToGoOn?: boolean;
  /** The code of a notice: see decision-notice.tsx. */
  said?: string | undefined;
}

/** Absent: the server is not registered any more. */
export interface StepServer {
  title?: string | undefined;
  /** The host of its URL. */
  host?: string | undefined;
}

/** The arguments that an approval is about. Undefined: they can't be read now. */
export function argumentsToApprove({
  step,
  arguments: args,
}: Pick<StepPageData, 'step' | 'arguments'>): Record<string, unknown> | undefined {
  return step.pending?.arguments ?? args;
}
