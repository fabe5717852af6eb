import type { ComponentChildren } from 'preact';
import type { PageFrame } from '../page.tsx';
import type { NameOfServer } from './names.tsx';

export interface CardFrame {
  frame: PageFrame;
  nameOfServer: NameOfServer;
}

interface CardProps {
  id: string;
  title: ComponentChildren;
  /** The one button. */
  action: ComponentChildren;
  children: ComponentChildren;
}

/** One thing that needs the user: why, and one button. */
export function Card({ id, title, action, children }: CardProps) {
  return (
    <li id={id} class="card attention need">
      <div>
        <h3>{title}</h3>
        <p>{children}</p>
      </div>
      {action}
    </li>
  );
}
