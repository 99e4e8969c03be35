import { useEffect, useState } from "preact/hooks";
import type { ColumnId } from "./columns";
import { gridOf, PHONE_HEIGHT, ROW_HEIGHT } from "./measures";
import { Bones } from "./Row";
import { usePhone } from "./usePhone";
import "../../ui/table.css";
import "./table.css";
import "./cards.css";

const ROWS = 12;
// Less would flicker; the place is taken from the start.
const SHOW_AFTER_MS = 300;

/** The table before its first rows are there. */
export function Skeleton({ columns }: { columns: readonly ColumnId[] }) {
  const [isShown, setShown] = useState(false);
  const isPhone = usePhone();
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SHOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="list-frame" style={{ visibility: isShown ? "visible" : "hidden" }}>
      <p class="visually-hidden" role="status">
        {isShown && "Loading benchmarks…"}
      </p>
      <table class="table cards benchmark-table" style={{ "--columns": gridOf(columns, {}) }} aria-hidden="true">
        <tbody style={{ height: `${ROWS * (isPhone ? PHONE_HEIGHT : ROW_HEIGHT)}px` }}>
          {Array.from({ length: ROWS }, (_, index) => (
            <Bones
              key={index}
              index={index}
              columns={columns}
              style={`transform:translateY(${index * (isPhone ? PHONE_HEIGHT : ROW_HEIGHT)}px)`}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}
