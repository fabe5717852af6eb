import { STYLESHEET, stylesheetPath } from '../../web/stylesheet.ts';
import type { HttpApp } from '../dependencies.ts';
import { notFound } from '../problem.ts';

/** Registers the files that pages load. */
export function registerAssets(app: HttpApp): void {
  app.get<{ Params: { file: string } }>('/assets/:file', {
    schema: { hide: true },
    handler: async (request, reply) => {
      const path = `/assets/${request.params.file}`;
      if (!/^\/assets\/latchkey-[\w-]+\.css$/.test(path)) throw notFound();
      // During an upgrade, a page of another version asks for a stylesheet that this process does not have. It gets this
      // one, but does not keep it.
      if (path === stylesheetPath()) reply.header('cache-control', 'public, max-age=31536000, immutable');
      return reply.type('text/css; charset=utf-8').send(Buffer.from(STYLESHEET));
    },
  });
}
