import type { LapsedConnection } from '../connection-needs.ts';
import { Notice } from '../parts/notice.tsx';
import { connectionsPath, homePath } from '../paths.ts';
import { formatNumber } from '../reader.ts';
import type { CardFrame } from './card.tsx';
import { ConnectionCard, LapsedRow } from './connection-card.tsx';
import { DecisionCard } from './decision-card.tsx';
import type { Need } from './needs.ts';

interface NeedListProps extends CardFrame {
  needs: readonly Need[];
  /** There are more needs. */
  isCut: boolean;
  /** Those that have waited longest may be missing: not all could be read. */
  isPartial: boolean;
  /** False: there may be steps to decide about, and they can't be read. */
  isKnown: boolean;
  /** Shows only how many there are: the reader looks for a step. */
  isFolded: boolean;
  lapsed: readonly LapsedConnection[];
}

/** What needs the user now, before everything else. */
export function NeedList(props: NeedListProps) {
  const { needs, isCut, lapsed, isFolded, isKnown } = props;
  if (isFolded) return needs.length === 0 ? null : <FoldedNeeds {...props} />;
  if (needs.length === 0 && lapsed.length === 0 && !isCut) {
    return isKnown ? <p class="muted">Nothing needs you now.</p> : null;
  }
  return (
    <section aria-labelledby="needs">
      <h2 id="needs">Needs you now</h2>
      <Cards {...props} />
      {lapsed.length > 0 && <Lapsed {...props} />}
    </section>
  );
}

function FoldedNeeds({ needs, isCut, frame: { base, reader } }: NeedListProps) {
  const count = `${isCut ? 'More than ' : ''}${formatNumber(reader, needs.length)}`;
  const isOne = needs.length === 1 && !isCut;
  return (
    <Notice kind="warning" id="needs-notice">
      <p>
        {count} {isOne ? 'thing needs' : 'things need'} you.{' '}
        <a href={homePath(base)}>Show {isOne ? 'it' : 'them'}</a>
      </p>
    </Notice>
  );
}

function Cards({ needs, isCut, isPartial, frame, nameOfServer }: NeedListProps) {
  return (
    <>
      {needs.length > 0 && (
        <ul class="plain">
          {needs.map((need) => (
            <NeedCard need={need} frame={frame} nameOfServer={nameOfServer} />
          ))}
        </ul>
      )}
      {isCut && (
        <p>
          {cutWords(needs.length, isPartial)}{' '}
          <a href={homePath(frame.base, { status: 'awaiting-input' })}>all steps that wait for you</a>
        </p>
      )}
    </>
  );
}

function cutWords(shown: number, isPartial: boolean): string {
  if (shown === 0) return 'Many steps wait:';
  return isPartial ? 'And many more:' : `These are the ${shown} that have waited longest. See`;
}

function NeedCard({ need, ...context }: CardFrame & { need: Need }) {
  return 'step' in need ? (
    <DecisionCard need={need} {...context} />
  ) : (
    <ConnectionCard need={need} {...context} />
  );
}

const MAX_LAPSED = 5;

function Lapsed({ lapsed, frame, nameOfServer }: NeedListProps) {
  const more = lapsed.length - MAX_LAPSED;
  return (
    <>
      <ul class="rows">
        {lapsed.slice(0, MAX_LAPSED).map((one) => (
          <LapsedRow lapsed={one} frame={frame} nameOfServer={nameOfServer} />
        ))}
      </ul>
      {more > 0 && (
        <p>
          And {formatNumber(frame.reader, more)} more:{' '}
          <a href={connectionsPath(frame.base)}>all connections</a>
        </p>
      )}
    </>
  );
}
