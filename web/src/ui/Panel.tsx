import type { ComponentChildren } from "preact";
import "./panel.css";

interface PanelProps {
  title?: string;
  /** At the right of the title. */
  aside?: ComponentChildren;
  children: ComponentChildren;
  /** Content up to the panel's edge, for tables. */
  flush?: boolean;
}

export function Panel({ title, aside, children, flush }: PanelProps) {
  return (
    <section class={`panel${flush ? " panel-flush" : ""}`}>
      {title && (
        <header class="panel-head">
          <h2>{title}</h2>
          {aside && <div class="panel-aside">{aside}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

interface PageHeadProps {
  title: ComponentChildren;
  /** Where the page belongs: a link back up. */
  crumb?: ComponentChildren;
  status?: ComponentChildren;
  actions?: ComponentChildren;
}

export function PageHead({ title, crumb, status, actions }: PageHeadProps) {
  return (
    <header class="page-head">
      <div class="page-title">
        {crumb && <nav aria-label="Breadcrumb">{crumb}</nav>}
        <h1>{title}</h1>
        {status}
      </div>
      {actions && <div class="page-actions">{actions}</div>}
    </header>
  );
}
