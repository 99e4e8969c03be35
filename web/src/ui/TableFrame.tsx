import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { CopyCell } from "./CopyCell";
import { saveCsv } from "./csv";
import { textOfTable } from "./table-text";
import { useCopies } from "./useCopies";
import "./table.css";

interface TableFrameProps {
  label: string;
  children: ComponentChildren;
  /** Whether the whole of it can be copied and saved. */
  tools?: boolean;
}

/** Around a table that may be wider than its panel; then the keyboard can reach it to scroll. Its cells can be copied. */
export function TableFrame({ label, children, tools }: TableFrameProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  const copied = useCopies();
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = () => setScrolls(element.scrollWidth > element.clientWidth + 1);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    return () => observer.disconnect();
  }, []);
  const region = scrolls ? ({ tabIndex: 0, role: "region", "aria-label": label } as const) : {};
  const framed = (
    <div ref={frame} class="table-frame" {...region}>
      {children}
      <CopyCell frame={frame} />
    </div>
  );
  if (!tools) return framed;
  const table = () => frame.current?.querySelector("table") ?? null;
  return (
    <div class="table-with-tools">
      {framed}
      <p class="table-tools">
        <span role="status">{copied.told.value}</span>
        <button type="button" onClick={() => void copied.table(table())}>
          Copy table
        </button>
        <button
          type="button"
          aria-label={`${label} as CSV`}
          onClick={() => {
            const found = table();
            if (found) saveCsv(label, textOfTable(found));
          }}
        >
          CSV
        </button>
      </p>
    </div>
  );
}
