import { credentials } from './credentials.ts';
import { deposits } from './deposits.ts';
import { memory } from './memory.ts';
import { paused } from './paused.ts';
import type { Phase } from './phase.ts';
import { resume } from './resume.ts';
import { servers } from './servers.ts';
import { speed } from './speed.ts';
import { stampede } from './stampede.ts';
import { users } from './users.ts';
import { variants } from './variants.ts';

/** In the order of the run. The last four run only if they are named. */
export const PHASES: readonly Phase[] = [
  ...[speed, stampede, memory, resume, variants, paused],
  ...[users, servers, credentials, deposits],
];
