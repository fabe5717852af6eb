import { SCRIPT, scriptPath } from '../../web/script.ts';
import { STYLESHEET, stylesheetPath } from '../../web/stylesheet.ts';
import type { HttpApp } from '../dependencies.ts';
import { createAsset } from '../plugins/compressed-asset.ts';
import { notFound } from '../problem.ts';

/** Registers the files that pages load. */
export function registerAssets(app: HttpApp): void {
  const assets = {
    css: createAsset(stylesheetPath(), 'text/css', STYLESHEET),
    js: createAsset(scriptPath(), 'text/javascript', SCRIPT),
  };
  app.get<{ Params: { file: string } }>('/assets/:file', {
    schema: { hide: true },
    handler: async (request, reply) => {
      const path = `/assets/${request.params.file}`;
      const kind = /^\/assets\/latchkey-[\w-]+\.(css|js)$/.exec(path)?.[1];
      if (kind !== 'css' && kind !== 'js') throw notFound();
      const asset = assets[kind];
      // During an upgrade, a page of another version asks for a file that this process does not have. It gets this one,
      // but does not keep it.
      if (path === asset.path) reply.header('cache-control', 'public, max-age=31536000, immutable');
      const { bytes, encoding } = await asset.encodedFor(request.headers['accept-encoding']);
      if (encoding !== undefined) reply.header('content-encoding', encoding);
      return reply.header('vary', 'accept-encoding').type(`${asset.type}; charset=utf-8`).send(bytes);
    },
  });
}
