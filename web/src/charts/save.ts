/** Charts as pictures, made in the page; nothing is asked for. */

import { fileName, saveFile } from "../ui/csv";

const PNG_SCALE = 2;
const PADDING_PX = 12;
const LINE_PX = 18;

/** The chart as it is shown: title, legend with its values, and the drawing, at twice its size. */
export async function savePng(figure: HTMLElement, title: string): Promise<void> {
  const blob = await picture(figure, title);
  if (blob) saveFile(blob, `${fileName(title)}.png`);
}

async function picture(figure: HTMLElement, title: string): Promise<Blob | null> {
  const drawing = figure.querySelector<HTMLElement>("[data-drawing]");
  if (!drawing) return null;
  const style = getComputedStyle(figure);
  const size = drawing.getBoundingClientRect();
  const legend = [...figure.querySelectorAll<HTMLElement>(".chart-key:not([aria-pressed=false])")];
  const top = PADDING_PX + LINE_PX * (legend.length > 0 ? 2 : 1) + 6;
  const canvas = document.createElement("canvas");
  canvas.width = (size.width + 2 * PADDING_PX) * PNG_SCALE;
  canvas.height = (size.height + top + PADDING_PX) * PNG_SCALE;
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.scale(PNG_SCALE, PNG_SCALE);
  context.fillStyle = style.backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.textBaseline = "middle";
  write(context, title, PADDING_PX, PADDING_PX + LINE_PX / 2, `600 13px ${style.fontFamily}`, style.color);
  const axis = figure.querySelector(".chart-axis")?.textContent ?? "";
  const after = PADDING_PX + context.measureText(title).width + 8;
  write(context, axis, after, PADDING_PX + LINE_PX / 2, `12px ${style.fontFamily}`, style.color);
  writeLegend(context, legend, style);
  for (const inner of drawing.querySelectorAll("canvas")) {
    const at = inner.getBoundingClientRect();
    context.drawImage(inner, PADDING_PX + at.x - size.x, top + at.y - size.y, at.width, at.height);
  }
  const svg = drawing.querySelector("svg");
  if (svg) drawSvg(context, svg, PADDING_PX, top);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function writeLegend(
  context: CanvasRenderingContext2D,
  keys: readonly HTMLElement[],
  style: CSSStyleDeclaration,
): void {
  let left = PADDING_PX;
  const top = PADDING_PX + LINE_PX * 1.5 + 2;
  for (const key of keys) {
    const line = key.querySelector("line");
    if (line) {
      const look = getComputedStyle(line);
      context.strokeStyle = look.stroke;
      context.lineWidth = 2;
      context.setLineDash(dashes(look.strokeDasharray));
      context.beginPath();
      context.moveTo(left, top);
      context.lineTo(left + 22, top);
      context.stroke();
      context.setLineDash([]);
      left += 28;
    }
    const text = (key.textContent || "").replaceAll(/\s+/g, " ").trim();
    write(context, text, left, top, `12px ${style.fontFamily}`, style.color);
    left += context.measureText(text).width + 16;
  }
}

/** The few shapes that the small charts are made of: lines, circles and text. */
function drawSvg(context: CanvasRenderingContext2D, svg: SVGSVGElement, left: number, top: number): void {
  context.save();
  context.translate(left, top);
  context.textBaseline = "alphabetic";
  for (const element of svg.querySelectorAll("line, polyline, circle, rect, text")) {
    const look = getComputedStyle(element);
    const number = (name: string) => Number(element.getAttribute(name) ?? 0);
    context.strokeStyle = look.stroke;
    context.fillStyle = look.fill;
    context.lineWidth = Number.parseFloat(look.strokeWidth) || 1;
    context.setLineDash(dashes(look.strokeDasharray));
    const path = new Path2D();
    if (element instanceof SVGTextElement) {
      context.textAlign = ({ middle: "center", end: "right" } as const)[look.textAnchor as "middle" | "end"] ?? "left";
      context.font = `${look.fontSize} ${look.fontFamily}`;
      context.fillText(element.textContent ?? "", number("x"), number("y"));
      continue;
    }
    if (element instanceof SVGPolylineElement) for (const { x, y } of element.points) path.lineTo(x, y);
    else if (element instanceof SVGCircleElement) path.arc(number("cx"), number("cy"), number("r"), 0, 2 * Math.PI);
    else if (element instanceof SVGRectElement) path.rect(number("x"), number("y"), number("width"), number("height"));
    else {
      path.moveTo(number("x1"), number("y1"));
      path.lineTo(number("x2"), number("y2"));
    }
    if (look.fill !== "none" && !(element instanceof SVGPolylineElement)) context.fill(path);
    if (look.stroke !== "none") context.stroke(path);
  }
  context.restore();
}

function dashes(value: string): number[] {
  return value.split(/[\s,]+/).flatMap((part) => (Number.parseFloat(part) >= 0 ? [Number.parseFloat(part)] : []));
}

function write(
  context: CanvasRenderingContext2D,
  text: string,
  left: number,
  top: number,
  font: string,
  colour: string,
): void {
  context.font = font;
  context.fillStyle = colour;
  context.textAlign = "left";
  context.fillText(text, left, top);
}
