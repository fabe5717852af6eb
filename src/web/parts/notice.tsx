import type { ComponentChildren } from 'preact';

export type NoticeKind = 'info' | 'success' | 'warning' | 'problem';

/** A message above the content. A problem is announced to screen readers. */
export function Notice({
  kind = 'info',
  id,
  children,
}: {
  kind?: NoticeKind;
  id?: string;
  children: ComponentChildren;
}) {
  return (
    <div id={id} class={`notice ${kind}`} role={kind === 'problem' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}
