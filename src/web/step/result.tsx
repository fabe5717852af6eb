import { isWithin } from '../../contracts/json-size.ts';
import type { ToolResult } from '../../contracts/step.ts';
import type { PageFrame } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';
import { stepPath } from '../paths.ts';
import { formatBytes, formatNumber } from '../reader.ts';
import { shortText } from '../short-text.ts';
import { countOf } from '../step-words.ts';
import { createByteBudget } from './byte-budget.ts';
import { type ContentBlock, contentBlock } from './content-block.ts';
import { JsonTree } from './json-tree.tsx';
import { Block } from './result-block.tsx';

/** The bytes of a page that a result may take up. */
const RESULT_BYTES = 80_000;
const MAX_BLOCKS = 50;
const MAX_WARNINGS = 20;

interface ResultProps {
  frame: PageFrame;
  stepId: string;
  result: ToolResult;
}

/** A tool's result. Of a large one it shows a part, and the whole is offered for download. */
export function Result({ frame, stepId, result }: ResultProps) {
  const budget = createByteBudget(RESULT_BYTES);
  const { structuredContent, stored } = result;
  const warnings = Array.isArray(result.warnings) ? result.warnings : [];
  const content = Array.isArray(result.content) ? result.content : [];
  return (
    <section id="result">
      <h2>Result</h2>
      {warnings.length > 0 && <Warnings warnings={warnings} />}
      {stored !== undefined && warnings.length === 0 && (
        <p>
          The result is too large to be shown here: {formatBytes(frame.reader, stored.bytes)}. Download it to
          read it.
        </p>
      )}
      {structuredContent !== undefined && (
        <div class="card">
          <JsonTree reader={frame.reader} budget={budget} id="result-data" value={structuredContent} />
        </div>
      )}
      {shownBlocks(content, structuredContent).map((shown) => (
        <Block key={shown.index} {...shown} frame={frame} stepId={stepId} budget={budget} />
      ))}
      {content.length > MAX_BLOCKS && (
        <p class="muted">
          And {countOf(formatNumber(frame.reader, content.length - MAX_BLOCKS), 'more part')}, which the
          download has.
        </p>
      )}
      {content.length === 0 && structuredContent === undefined && stored === undefined && (
        <p class="muted">The tool answered without content.</p>
      )}
      <p>
        <a href={`${stepPath(frame.base, stepId)}/result`} download>
          Download the whole result (JSON)
        </a>
      </p>
    </section>
  );
}

interface IndexedBlock {
  index: number;
  block: ContentBlock;
}

// Servers repeat structured content as a text, for clients that don't know it. MCP 2025-11-25, server/tools.
function shownBlocks(content: readonly unknown[], structured: unknown): IndexedBlock[] {
  const blocks = content.slice(0, MAX_BLOCKS).map((one, index) => ({ index, block: contentBlock(one) }));
  const text = structured === undefined ? undefined : textToCompare(structured);
  return text === undefined ? blocks : blocks.filter(({ block }) => !repeats(block, text));
}

/** Longer texts are shown, although they may repeat the structured content. */
const MAX_COMPARED = 100_000;

/** Undefined: it is too large to be compared with a text. */
function textToCompare(structured: unknown): string | undefined {
  // The size of a value is an estimate, of up to twice as much as its text.
  return isWithin(structured, 2 * MAX_COMPARED) ? JSON.stringify(structured) : undefined;
}

function repeats(block: ContentBlock, structured: string): boolean {
  if (block.kind !== 'text' || block.text.length > MAX_COMPARED) return false;
  if (2 * block.text.length < structured.length) return false;
  try {
    return JSON.stringify(JSON.parse(block.text)) === structured;
  } catch {
    return false;
  }
}

function Warnings({ warnings }: { warnings: readonly string[] }) {
  return (
    <Notice kind="warning">
      <ul class="plain">
        {warnings.slice(0, MAX_WARNINGS).map((warning) => (
          <li key={warning} dir="auto">
            {shortText(String(warning), 300)}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
