import type { Phase } from './phase.ts';
import { speed } from './speed.ts';

/** In the order of the run. */
export const PHASES: readonly Phase[] = [speed];
