/** What a chart shows without its cursor, kept aside: a moving pointer does not draw thousands of cells again. */

export class Layer {
  readonly #canvas = document.createElement("canvas");
  #isFresh = false;

  /** What is shown has changed. */
  forget(): void {
    this.#isFresh = false;
  }

  /**
   * Sizes the canvas to its place, puts the picture onto it, and gives its context, scaled to CSS pixels; null when there
   * is nothing to draw on. `paint` draws the picture where it is not known.
   */
  draw(target: HTMLCanvasElement, paint: (context: CanvasRenderingContext2D) => void): CanvasRenderingContext2D | null {
    const ratio = devicePixelRatio || 1;
    const width = Math.round(target.clientWidth * ratio);
    const height = Math.round(target.clientHeight * ratio);
    resize(target, width, height);
    if (resize(this.#canvas, width, height)) this.#isFresh = false;
    const context = target.getContext("2d");
    const kept = this.#canvas.getContext("2d");
    if (!context || !kept || width === 0 || height === 0) return null;
    if (!this.#isFresh) {
      this.#isFresh = true;
      kept.setTransform(1, 0, 0, 1, 0, 0);
      kept.clearRect(0, 0, width, height);
      kept.scale(ratio, ratio);
      paint(kept);
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.drawImage(this.#canvas, 0, 0);
    context.scale(ratio, ratio);
    return context;
  }
}

/** Only when it has another size: a canvas that is given one, even its own, starts anew. */
function resize(canvas: HTMLCanvasElement, width: number, height: number): boolean {
  if (canvas.width === width && canvas.height === height) return false;
  canvas.width = width;
  canvas.height = height;
  return true;
}

/** Draws inside of the axes only. */
export function clipped(
  context: CanvasRenderingContext2D,
  box: { left: number; top: number; width: number; height: number },
  draw: () => void,
): void {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  draw();
  context.restore();
}
