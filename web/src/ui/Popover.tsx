import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";
import "./popover.css";

interface PopoverProps {
  label: string;
  icon?: IconName;
  /** Beside the label, e.g. how many. */
  badge?: ComponentChildren;
  title?: string;
  /** To which edge of the button the panel keeps. */
  side?: "left" | "right";
  /** Above the button instead of below. */
  above?: boolean;
  children: (close: () => void) => ComponentChildren;
}

/** A button that shows a panel: esc and a click elsewhere close it, and the focus goes back to the button. */
export function Popover({ label, icon, badge, title, side = "left", above, children }: PopoverProps) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLElement>(null);
  const id = useId();
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!isOpen) return;
    panel.current?.querySelector<HTMLElement>("input, select, button, a")?.focus();
    const onPress = (event: PointerEvent) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    // What had the focus in the panel may be gone or disabled since: then no key reaches the panel.
    const onLostKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || document.activeElement !== document.body) return;
      event.stopPropagation();
      close();
    };
    document.addEventListener("pointerdown", onPress);
    document.addEventListener("keydown", onLostKey, { capture: true });
    return () => {
      document.removeEventListener("pointerdown", onPress);
      document.removeEventListener("keydown", onLostKey, { capture: true });
    };
  }, [isOpen]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears what bubbles up from the button and the panel
    <div
      ref={box}
      class={`popover popover-${side}${above ? " popover-above" : ""}`}
      onKeyDown={(event) => {
        if (!isOpen || event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        ref={button}
        type="button"
        class="button button-plain"
        aria-expanded={isOpen}
        aria-controls={id}
        title={title}
        onClick={() => setOpen(!isOpen)}
      >
        {icon && <Icon name={icon} />}
        {label}
        {badge}
      </button>
      <section id={id} ref={panel} class="popover-panel" aria-label={label} hidden={!isOpen}>
        {isOpen && children(close)}
      </section>
    </div>
  );
}
