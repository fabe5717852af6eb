import type { StepMode, StepTimeouts } from '../contracts/step.ts';

/** How the calls of an agent run. Every adapter takes these options. */
export interface AgentOptions {
  /** The user on whose behalf the tools are called. Take it from your own authentication, never from the model. */
  userId: string;
  /** The task queue of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
  /** Which calls a person approves first. Default: none. */
  modes?: ToolModes;
  /** Time limits of each step, such as `{reauth: '2 days'}`. */
  timeouts?: StepTimeouts;
  /**
   * What the model sees of a step that pauses for a person. `wait` (default): nothing, the call takes that long.
   * `return`: at once, what is missing and the link.
   */
  onPause?: 'wait' | 'return';
  /**
   * With `onPause: 'return'`: what becomes of the paused step. `cancel` (default): it ends before the model is told,
   * so that a repeated call is a new step. `keep`: it stays until its deadline, also after the agent has ended, and
   * runs when its user acts. A repeated call with the same arguments joins it instead of starting another.
   */
  afterReturn?: 'cancel' | 'keep';
  /**
   * Whether a server that its user has to connect first has one tool, `connect_<server>`, by which the model gets the
   * link for the user. Default: with `onPause: 'return'`.
   */
  connectTool?: boolean;
  /** The most bytes of a result that go into the conversation; the rest is a note with a reference. Default 65,536. */
  maxInlineBytes?: number;
  /** `PUBLIC_URL` of Latchkey's server, for links to the pages of steps. Default: the model gets the step id alone. */
  publicUrl?: string;
  /** Whether to set Latchkey's search attributes. Default: as `runMcpStep` decides. */
  searchAttributes?: boolean;
}

/** Modes by the tools' names, and the mode of all others. */
export interface ToolModes {
  /** Default `fully-automated`. */
  default?: StepMode;
  /** By the names that the server gives its tools. */
  tools?: Readonly<Record<string, StepMode>>;
}

export const DEFAULT_MAX_INLINE_BYTES = 65_536;
