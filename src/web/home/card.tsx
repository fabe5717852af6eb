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
  button: string;
  /** Where the button leads. */
  href: string;
  children: ComponentChildren;
}

/** One thing that needs the user: why, and one button. */
export function Card({ id, title, button, href, children }: CardProps) {
  return (
    <li id={id} class="card attention need">
      <div>
        <h3 id={`${id}-of`}>{title}</h3>
        <p>{children}</p>
      </div>
      <a class="button" href={href} aria-describedby={`${id}-of`}>
        {button}
      </a>
    </li>
  );
}
