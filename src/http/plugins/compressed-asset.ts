import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** A file that browsers may get compressed. Pages are never compressed: they hold secrets beside what others supply. */
interface Asset {
  path: string;
  type: string;
  /** The bytes and their `Content-Encoding`; undefined: none. */
  encodedFor(acceptEncoding: string | undefined): Promise<{ bytes: Buffer; encoding: Encoding | undefined }>;
}

type Encoding = 'br' | 'gzip';

const toBrotli = promisify(brotliCompress);
const toGzip = promisify(gzip);

/** Each encoding is made at the first request for it, and kept. */
export function createAsset(path: string, type: string, text: string): Asset {
  const plain = Buffer.from(text);
  const made = new Map<Encoding, Promise<Buffer>>();
  const encoded = (encoding: Encoding) => {
    const bytes = made.get(encoding) ?? compress(plain, encoding);
    made.set(encoding, bytes);
    return bytes;
  };
  return {
    path,
    type,
    async encodedFor(acceptEncoding) {
      const encoding = chooseEncoding(acceptEncoding);
      return { bytes: encoding === undefined ? plain : await encoded(encoding), encoding };
    },
  };
}

function compress(plain: Buffer, encoding: Encoding): Promise<Buffer> {
  if (encoding === 'gzip') return toGzip(plain, { level: 9 });
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
  };
  return toBrotli(plain, { params });
}

/** RFC 9110 §12.5.3, without regard to preferences other than a refusal. */
function chooseEncoding(acceptEncoding = ''): Encoding | undefined {
  const accepted = acceptEncoding
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => !/;\s*q=0(\.0*)?$/.test(part))
    .map((part) => part.split(';')[0]?.trim());
  return (['br', 'gzip'] as const).find((encoding) => accepted.includes(encoding));
}
