import { SCRIPT, scriptPath } from '../../web/script.ts';
import { STYLESHEET, stylesheetPath } from '../../web/stylesheet.ts';
import type { HttpApp } from '../dependencies.ts';
import { notFound } from '../problem.ts';

/** Registers the files that pages load. */
export function registerAssets(app: HttpApp): void {
  app.get<{ Params: { file: string } }>('/assets/:file', {
    schema: { hide: true },
    handler: async (request, reply) => {
      const path = `/assets/${request.params.file}`;
      const kind = /^\/assets\/latchkey-[\w-]+\.(css|js)$/.exec(path)?.[1];
      if (kind === undefined) throw notFound();
      const [current, text, type] =
        kind === 'css'
          ? [stylesheetPath(), STYLESHEET, 'text/css']
          : [scriptPath(), SCRIPT, 'text/javascript'];
      // During an upgrade, a page of another version asks for a file that this process does not have. It gets this one,
      // but does not keep it.
      if (path === current) reply.header('cache-control', 'public, max-age=31536000, immutable');
      return reply.type(`${type}; charset=utf-8`).send(Buffer.from(text));
    },
  });
}
