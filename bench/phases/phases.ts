import { memory } from './memory.ts';
import { paused } from './paused.ts';
import type { Phase } from './phase.ts';
import { resume } from './resume.ts';
import { speed } from './speed.ts';
import { stampede } from './stampede.ts';
import { variants } from './variants.ts';

/** In the order of the run. */
export const PHASES: readonly Phase[] = [speed, stampede, memory, resume, variants, paused];
