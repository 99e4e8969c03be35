import { useLayoutEffect, useState } from "preact/hooks";
import type { Problems } from "./problems";

/** The control of a path: in a part of the form that may be closed. */
function controlOf(path: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`.new-benchmark [data-path="${CSS.escape(path)}"]`);
}

function labelOf(path: string): string {
  const control = controlOf(path);
  const label =
    control instanceof HTMLInputElement ||
    control instanceof HTMLSelectElement ||
    control instanceof HTMLTextAreaElement
      ? control.labels?.[0]
      : null;
  return label?.textContent?.trim() ?? path;
}

export function focusField(path: string): void {
  const control = controlOf(path);
  const section = control?.closest("details");
  if (section) section.open = true;
  control?.focus();
  control?.scrollIntoView({ block: "center" });
}

/** Everything that is wrong, each a way to its field. */
export function ProblemList({ problems, rest }: { problems: Problems; rest: readonly string[] }) {
  const paths = Object.keys(problems);
  const [labels, setLabels] = useState<Record<string, string>>({});
  // Labels are the form's own words, which are there once it has been drawn.
  useLayoutEffect(() => setLabels(Object.fromEntries(paths.map((path) => [path, labelOf(path)]))), [paths.join("\n")]);
  if (paths.length + rest.length === 0) return null;
  return (
    <div class="problem-list">
      <p>
        <strong>
          {paths.length + rest.length === 1
            ? "One thing to put right"
            : `${paths.length + rest.length} things to put right`}
        </strong>
      </p>
      <ul>
        {paths.map((path) => (
          <li key={path}>
            <button type="button" class="problem-link" onClick={() => focusField(path)}>
              {labels[path] ?? path}
            </button>{" "}
            {problems[path]}
          </li>
        ))}
        {rest.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </div>
  );
}
