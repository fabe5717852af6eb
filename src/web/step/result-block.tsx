import type { ComponentChildren } from 'preact';
import type { PageFrame } from '../page.tsx';
import { stepPath } from '../paths.ts';
import { formatBytes, formatNumber } from '../reader.ts';
import { shortText } from '../short-text.ts';
import { countOf } from '../step-words.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { ContentBlock } from './content-block.ts';
import { JsonTree } from './json-tree.tsx';

/** Characters that are shown of a text. */
const MAX_TEXT = 20_000;
/** The markup around one block, estimated. */
const BLOCK_BYTES = 500;

interface BlockProps {
  frame: PageFrame;
  stepId: string;
  /** Its place in the tool's content. */
  index: number;
  block: ContentBlock;
  budget: ByteBudget;
}

/** One block of a tool's content. What a browser could run is only offered for download. */
export function Block(props: BlockProps) {
  const { block, index, budget, frame } = props;
  if (!budget.spend(BLOCK_BYTES)) {
    return <p class="muted">Part {index + 1} is left out here. The download has it.</p>;
  }
  switch (block.kind) {
    case 'text':
      return <Text {...props} text={block.text} />;
    case 'resource':
      return (
        <div class="card" id={`content-${index}-resource`}>
          <From uri={block.uri} mimeType={block.mimeType} />
          <Text {...props} text={block.text} />
        </div>
      );
    case 'image':
      return (
        <Figure index={index} caption={<Download {...props} data={block.data} type={block.type} />}>
          <img src={contentPath(props)} alt={`Part ${index + 1} of the result`} loading="lazy" />
        </Figure>
      );
    case 'audio':
      return (
        <Figure index={index} caption={<Download {...props} data={block.data} type={block.type} />}>
          {/* biome-ignore lint/a11y/useMediaCaption: a server sends no captions. */}
          <audio src={contentPath(props)} controls preload="none" />
        </Figure>
      );
    case 'bytes':
      return (
        <div class="card" id={`content-${index}`}>
          <From uri={block.uri} mimeType={block.mimeType} />
          <Download {...props} data={block.data} />
        </div>
      );
    case 'link':
      return <Link index={index} link={block} />;
    case 'other':
      return (
        <div class="card" id={`content-${index}`}>
          <JsonTree reader={frame.reader} budget={budget} id={`content-${index}-data`} value={block.value} />
        </div>
      );
    default:
      return block satisfies never;
  }
}

function Text({ frame, stepId, index, budget, text }: BlockProps & { text: string }) {
  const shown = budget.take(text, MAX_TEXT);
  return (
    <div id={`content-${index}`}>
      <pre class="words" dir="auto">
        {shown.text}
        {shown.left > 0 && '…'}
      </pre>
      {shown.left > 0 && (
        <p class="hint">
          {countOf(formatNumber(frame.reader, shown.left), 'more character')}.{' '}
          <a href={contentPath({ frame, stepId, index })} download>
            Download the whole text
          </a>
        </p>
      )}
    </div>
  );
}

function Figure({
  index,
  caption,
  children,
}: {
  index: number;
  caption: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <figure class="media" id={`content-${index}`}>
      {children}
      <figcaption>{caption}</figcaption>
    </figure>
  );
}

function Download({ frame, stepId, index, data, type }: BlockProps & { data: string; type?: string }) {
  // Base64 has four characters for three bytes.
  const bytes = Math.floor((data.length * 3) / 4);
  return (
    <a href={contentPath({ frame, stepId, index })} download>
      Download ({type === undefined ? '' : `${type}, `}
      {formatBytes(frame.reader, bytes)})
    </a>
  );
}

function From({ uri, mimeType }: { uri: string | undefined; mimeType: string | undefined }) {
  if (uri === undefined && mimeType === undefined) return null;
  return (
    <p class="meta" dir="auto">
      {[uri, mimeType].flatMap((part) => (part === undefined ? [] : shortText(part, 300))).join(' · ')}
    </p>
  );
}

function Link({ index, link }: { index: number; link: Extract<ContentBlock, { kind: 'link' }> }) {
  const { uri, name, description, mimeType } = link;
  const url = httpsUrl(uri);
  return (
    <div class="card" id={`content-${index}`}>
      <p>
        {url === undefined ? (
          <strong dir="auto">{shortText(name ?? uri, 300)}</strong>
        ) : (
          <>
            <a href={url.href} rel="noopener noreferrer nofollow" target="_blank">
              <bdi>{shortText(name ?? uri, 300)}</bdi>
            </a>{' '}
            <span class="meta">at {url.host}</span>
          </>
        )}
        {mimeType !== undefined && <span class="meta"> · {shortText(mimeType, 100)}</span>}
      </p>
      {url === undefined && name !== undefined && (
        <p>
          <code dir="ltr">{shortText(uri, 300)}</code>
        </p>
      )}
      {description !== undefined && <p dir="auto">{shortText(description, 1_000)}</p>}
    </div>
  );
}

const MAX_URL = 2_048;

/** Only https: a link with another scheme could run a script, open an app or lead into the user's own network. */
function httpsUrl(text: string): URL | undefined {
  if (text.length > MAX_URL) return undefined;
  const url = URL.parse(text);
  const isShown = url?.protocol === 'https:' && url.username === '' && url.password === '';
  return isShown ? url : undefined;
}

function contentPath({ frame, stepId, index }: Pick<BlockProps, 'frame' | 'stepId' | 'index'>): string {
  return `${stepPath(frame.base, stepId)}/content/${index}`;
}
