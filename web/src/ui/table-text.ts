/** A table of the page as rows of text: what is shown, as it is shown. */

/** Every row has a text for every column, also where a cell spans several. */
export function textOfTable(table: HTMLTableElement): string[][] {
  const rows: string[][] = [];
  const spanning = new Map<number, { text: string; left: number }>();
  for (const row of table.rows) {
    const texts: string[] = [];
    const open = () => {
      for (let above = spanning.get(texts.length); above && above.left > 0; above = spanning.get(texts.length)) {
        above.left -= 1;
        texts.push(above.text);
      }
    };
    for (const cell of row.cells) {
      open();
      const text = textOfCell(cell);
      for (let column = 0; column < cell.colSpan; column += 1) {
        if (cell.rowSpan > 1) spanning.set(texts.length, { text, left: cell.rowSpan - 1 });
        texts.push(text);
      }
    }
    open();
    rows.push(texts);
  }
  return rows;
}

/** Parts of a cell that stand below each other are told apart. */
export function textOfCell(cell: HTMLElement): string {
  const parts = [...cell.childNodes].map((node) => node.textContent?.replaceAll(/\s+/g, " ").trim() ?? "");
  return parts.filter(Boolean).join(" ");
}
