import type { ServerAuth } from '../../servers/registered-server.ts';

/** How requests to a server are authorized, in a few words. */
export const AUTH_WORDS: Readonly<Record<ServerAuth['type'], string>> = {
  oauth2: 'OAuth, each user connects',
  bearer: 'One token for all users',
  none: 'None',
};
