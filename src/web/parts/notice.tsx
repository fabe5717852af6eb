import type { ComponentChildren } from 'preact';

export type NoticeKind = 'info' | 'success' | 'warning' | 'problem';

/** A message above the content. A problem is announced to screen readers. */
export function Notice({
  kind = 'info',
  id,
  hasFocus = false,
  children,
}: {
  kind?: NoticeKind;
  id?: string;
  /** A page that opens with it begins there, for the keyboard and for screen readers. */
  hasFocus?: boolean;
  children: ComponentChildren;
}) {
  return (
    <div
      id={id}
      class={`notice ${kind}`}
      role={kind === 'problem' ? 'alert' : 'status'}
      {...(hasFocus && { tabindex: -1, autofocus: true })}
    >
      {children}
    </div>
  );
}
