/** Sixteen-pixel line icons, always beside a word or a label. */

const PATHS = {
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  clock: "M8 4.5V8l2.5 1.5M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z",
  play: "M5 3.5v9l7-4.5-7-4.5Z",
  stop: "M4.5 4.5h7v7h-7z",
  minus: "M4 8h8",
  alert: "M8 2.5 14.5 13.5h-13L8 2.5ZM8 6.5v3.2M8 11.6v.1",
  info: "M8 7v4.2M8 4.8v.1M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z",
  plus: "M8 3v10M3 8h10",
  search: "M10.5 10.5 14 14M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Z",
  sun: "M8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1",
  moon: "M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6Z",
  auto: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 2v12M10 3v10M12 4.5v7",
  copy: "M6 6h7v7H6zM3.5 10V3H10",
  pulse: "M1.5 8.5h3l2-5 3 9 2-4h3",
  keyboard: "M1.5 4.5h13v7h-13zM4 7h.1M6.6 7h.1M9.3 7h.1M12 7h.1M5 9.3h6",
  down: "M4.5 6.5 8 10l3.5-3.5",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5.3a2.5 2.5 0 0 1 5 0v2.2",
  user: "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8ZM2.8 13.8a5.2 5.2 0 0 1 10.4 0",
  key: "M9.5 9.5a3.5 3.5 0 1 0-3-3L2 11v3h3v-2h2v-2l.5-.5ZM11 5v.1",
  filter: "M2 3.5h12L9.5 9v4l-3 1.5V9L2 3.5Z",
  columns: "M2.5 3.5h11v9h-11zM6.2 3.5v9M9.8 3.5v9",
  tag: "M8.5 2.5h5v5L7 14 2 9l6.5-6.5ZM11 5v.1",
  share:
    "M12 5.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM4 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM12 14.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM5.8 7l4.4-2.5M5.8 9l4.4 2.5",
  save: "M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
  bin: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.7 9h5.6l.7-9",
  star: "M8 2l1.8 3.8 4.2.5-3.1 2.9.8 4.1L8 11.3l-3.7 2 .8-4.1L2 6.3l4.2-.5L8 2Z",
  up: "M8 13V3M4 7l4-4 4 4",
  fall: "M8 3v10M4 9l4 4 4-4",
  out: "M6 3H3v10h3M7 8h6.5M11 5.2 13.8 8 11 10.8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
