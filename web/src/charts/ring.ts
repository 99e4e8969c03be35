/**
 * A bounded table of numbers in typed arrays: one x column that only grows, and y columns beside it. The oldest rows fall
 * out when it is full. Every column is written twice, half a buffer apart, so that its rows are always one contiguous view.
 */

/** "Nothing happened here" in a y column. */
export const NOTHING = Number.NaN;

export class Ring<Column extends string> {
  readonly capacity: number;
  readonly columns: readonly Column[];
  readonly #x: Float64Array;
  readonly #y: Map<Column, Float64Array>;
  #start = 0;
  #length = 0;
  #version = 0;

  constructor(columns: readonly Column[], capacity: number) {
    this.columns = columns;
    this.capacity = capacity;
    this.#x = new Float64Array(capacity * 2);
    this.#y = new Map(columns.map((column) => [column, new Float64Array(capacity * 2)]));
  }

  get length(): number {
    return this.#length;
  }

  /** Grows with every change; equal versions mean equal content. */
  get version(): number {
    return this.#version;
  }

  /** The x of the newest row, or null when empty. */
  get lastX(): number | null {
    return this.#length === 0 ? null : (this.#x[this.#start + this.#length - 1] ?? null);
  }

  clear(): void {
    this.#start = 0;
    this.#length = 0;
    this.#version += 1;
  }

  /** Adds a row, or replaces the newest when it has the same x. Rows older than the newest are refused: false. */
  put(x: number, row: Partial<Record<Column, number | null | undefined>>): boolean {
    const last = this.lastX;
    if (!Number.isFinite(x) || (last !== null && x < last)) return false;
    const index = this.#start + this.#length - 1;
    // Four times a second the same newest point comes again: charts have nothing to draw then.
    if (x === last && this.#holds(index, row)) return false;
    if (x !== last) this.#grow();
    this.#fill(this.#start + this.#length - 1, x, row);
    this.#version += 1;
    return true;
  }

  /**
   * More is known of a row that was added before; where there is none of that x, it is put into its place. Columns that
   * are left out become "nothing happened".
   */
  amend(x: number, row: Partial<Record<Column, number | null | undefined>>): boolean {
    const xs = this.x();
    if (!Number.isFinite(x) || xs.length === 0 || x < (xs[0] ?? x)) return false;
    const at = firstFrom(xs, x);
    if (at === xs.length) return this.put(x, row);
    const isThere = xs[at] === x;
    if (isThere && this.#holds(this.#start + at, row)) return false;
    const place = isThere ? at : this.#open(at);
    this.#fill(this.#start + place, x, row);
    this.#version += 1;
    return true;
  }

  /** Makes room for a row, those behind it move on by one; gives its place. */
  #open(at: number): number {
    const isFull = this.#length === this.capacity;
    this.#grow();
    // The oldest has fallen out when it was full, so everything is one place further to the front by now.
    const hole = isFull ? at - 1 : at;
    for (const values of [this.#x, ...this.#y.values()]) {
      for (let row = this.#length - 1; row > hole; row -= 1) {
        this.#write(values, this.#start + row, values[(this.#start + row - 1) % this.capacity] ?? NOTHING);
      }
    }
    return hole;
  }

  #holds(index: number, row: Partial<Record<Column, number | null | undefined>>): boolean {
    for (const [column, values] of this.#y) {
      if (!Object.is(values[index % this.capacity], row[column] ?? NOTHING)) return false;
    }
    return true;
  }

  #fill(index: number, x: number, row: Partial<Record<Column, number | null | undefined>>): void {
    this.#write(this.#x, index, x);
    for (const [column, values] of this.#y) this.#write(values, index, row[column] ?? NOTHING);
  }

  /** The x column, oldest first: a view, valid until the next `put`. */
  x(): Float64Array {
    return this.#x.subarray(this.#start, this.#start + this.#length);
  }

  /** A y column, oldest first: a view, valid until the next `put`. */
  y(column: Column): Float64Array {
    const values = this.#y.get(column);
    if (!values) throw new RangeError(`no column ${column}; there are ${this.columns.join(", ")}`);
    return values.subarray(this.#start, this.#start + this.#length);
  }

  #grow(): void {
    if (this.#length < this.capacity) this.#length += 1;
    else this.#start = (this.#start + 1) % this.capacity;
  }

  #write(values: Float64Array, index: number, value: number): void {
    const low = index % this.capacity;
    values[low] = value;
    values[low + this.capacity] = value;
  }
}

/** The first position whose value is not below `x`; the values ascend. */
function firstFrom(values: Float64Array, x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
