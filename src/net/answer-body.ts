import { pipeline, type Readable, type Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip } from 'node:zlib';
import { NetworkError } from './network.ts';
import { networkFailure } from './network-failure.ts';

/** The content codings that a request accepts, and that are decoded. */
export const ACCEPTED_ENCODINGS = 'gzip, br';

export interface BodyRules {
  /** Counts decoded bytes, so that a small answer cannot decompress into a large one. */
  maxBytes: number;
  headers: Headers;
}

/**
 * Returns the body decoded and limited to `maxBytes`. Nothing is read ahead of the caller, except what `source` buffers
 * itself. Cancelling the stream destroys `source`.
 *
 * @throws NetworkError when read: `body-too-large`, `malformed-answer`, or what `source` failed with
 */
export function answerBody(source: Readable, rules: BodyRules): ReadableStream<Uint8Array> {
  const decoded = decode(source, rules.headers.get('content-encoding'));
  const chunks: AsyncIterator<Uint8Array> = decoded[Symbol.asyncIterator]();
  let left = rules.maxBytes;
  // The header already says that the body is too large.
  if (Number(rules.headers.get('content-length')) > left)
    source.destroy(new NetworkError('body-too-large', true));
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await chunks.next();
          if (next.done) return controller.close();
          left -= next.value.byteLength;
          if (left < 0) throw new NetworkError('body-too-large', true);
          controller.enqueue(next.value);
        } catch (error) {
          source.destroy();
          throw networkFailure(error, { sent: true, secure: false });
        }
      },
      cancel() {
        source.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}

/** RFC 9110 §8.4. A coding that was not asked for is left to the caller, as in browsers. */
function decode(source: Readable, contentEncoding: string | null): Readable {
  switch (contentEncoding?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      // Flushing instead of finishing reads answers without their last block, as curl and browsers do, and passes on an
      // event stream event by event.
      return through(
        source,
        createGunzip({ flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }),
      );
    case 'br': {
      const flush = constants.BROTLI_OPERATION_FLUSH;
      return through(source, createBrotliDecompress({ flush, finishFlush: flush }));
    }
    default:
      return source;
  }
}

function through(source: Readable, decoder: Transform): Readable {
  // The decoder passes a failure on to its reader. Without a callback the failure would also be unhandled.
  pipeline(source, decoder, () => {});
  return decoder;
}
