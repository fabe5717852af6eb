import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { MemoryBudget } from '../../async/memory-budget.ts';
import { hasEnded } from '../../contracts/step.ts';
import { contentBlock, decodeBase64 } from '../../web/step/content-block.ts';
import { safeMedia } from '../../web/step/media-types.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { admitResult } from '../plugins/admit-result.ts';
import { HttpProblem, unknownStep } from '../problem.ts';
import { MAX_SHOWN_BYTES, unlessUnreachable } from './step-page-reading.ts';

const paramsSchema = z.object({ stepId: z.string(), index: z.string().regex(/^\d{1,6}$/) });

/**
 * Registers the address of one block of a result: an image, a sound, a text or bytes. What a server answered must never
 * run in our origin: a browser gets one of a few types that hold no script, or a download, in a sandbox without
 * permissions.
 */
export function registerStepContent(
  app: HttpApp,
  { steps, results }: Pick<HttpDependencies, 'steps'> & { results: MemoryBudget },
): void {
  app.get('/step/:stepId/content/:index', {
    schema: { hide: true, params: paramsSchema },
    handler: (request: FastifyRequest<{ Params: { stepId: string; index: string } }>, reply: FastifyReply) =>
      unlessUnreachable(request, reply, async (key) => {
        const admit = admitResult(results, reply, key.userId);
        const shown = await steps.show({ ...key, maxStoredBytes: MAX_SHOWN_BYTES, admit });
        if (shown === undefined) throw unknownStep();
        const index = Number(request.params.index);
        const file = fileOf(shown.step.result?.content?.[index], `step-${key.stepId}-${index + 1}`);
        if (file === undefined) throw new HttpProblem(404, 'not-found', 'The result has no such part.');
        // A page with many images is rendered with every change. The part of an ended step does not change any more.
        if (file.isInline === true && hasEnded(shown.step)) keepInBrowser(reply);
        return sendFile(reply, file);
      }),
  });
}

/** Only for the session that asked: the next person at this browser has another cookie. */
function keepInBrowser(reply: FastifyReply): void {
  reply.header('cache-control', 'private, max-age=600, immutable').header('vary', 'cookie');
}

interface SentFile {
  bytes: Buffer;
  /** A media type that this server chose. */
  type: string;
  /** Of the characters that a step id may have. */
  name: string;
  /** The browser may show it. Default: it is a download. */
  isInline?: boolean;
}

export function sendFile(
  reply: FastifyReply,
  { bytes, type, name, isInline = false }: SentFile,
): FastifyReply {
  return reply
    .header('content-type', type)
    .header('x-content-type-options', 'nosniff')
    .header('content-security-policy', "sandbox; default-src 'none'; frame-ancestors 'none'")
    .header('content-disposition', `${isInline ? 'inline' : 'attachment'}; filename="${name}"`)
    .send(bytes);
}

function fileOf(block: unknown, name: string): SentFile | undefined {
  const content = contentBlock(block);
  switch (content.kind) {
    case 'image':
    case 'audio': {
      const bytes = decodeBase64(content.data);
      const media = safeMedia(content.type);
      if (bytes === undefined || media === undefined) return undefined;
      return { bytes, type: media.type, name: `${name}.${media.extension}`, isInline: true };
    }
    case 'bytes': {
      const bytes = decodeBase64(content.data);
      return bytes && { bytes, type: 'application/octet-stream', name: `${name}.bin` };
    }
    case 'text':
    case 'resource':
      return { bytes: Buffer.from(content.text), type: 'text/plain; charset=utf-8', name: `${name}.txt` };
    case 'link':
    case 'other':
      return undefined;
    default:
      return content satisfies never;
  }
}
