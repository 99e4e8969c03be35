import { useEffect, useState } from "preact/hooks";
import { type ColumnId, columnOf } from "./columns";
import { SkeletonRow } from "./Row";
import "../../ui/table.css";
import "./table.css";

const ROWS = 12;
// Less would flicker; the place is taken from the start.
const SHOW_AFTER_MS = 300;

/** The table before its first rows are there. */
export function Skeleton({ columns }: { columns: readonly ColumnId[] }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SHOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="list-frame" style={{ visibility: isShown ? "visible" : "hidden" }}>
      <p class="visually-hidden" role="status">
        {isShown && "Loading benchmarks…"}
      </p>
      <table class="table cards benchmark-table" aria-hidden="true">
        <colgroup>
          <col style={{ width: "34px" }} />
          {columns.map((id) => (
            <col key={id} style={id === "name" ? {} : { width: `${columnOf(id).width}px` }} />
          ))}
        </colgroup>
        <tbody>
          {Array.from({ length: ROWS }, (_, index) => (
            <SkeletonRow key={index} index={index} columns={columns} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
