import type { HttpApp } from '../dependencies.ts';
import { notAvailable } from '../problem.ts';

// Routes that the API's contract names and this version does not implement yet. A route gets a file of its own when
// it is implemented.

const config = { problems: [501] };

/** Routes that require a token. */
export function registerNotAvailable(api: HttpApp): void {
  const handler = async () => {
    throw notAvailable('This');
  };
  api.get('/events', {
    schema: { tags: ['Connecting'], operationId: 'streamEvents', summary: 'Events for the web page' },
    config,
    handler,
  });
}
