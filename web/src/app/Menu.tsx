/** A button that opens a list of links: places that do not fit, or do not belong, into the bar. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "../ui/icons";
import type { PlaceGroup } from "./places";
import { place, route } from "./router";

interface MenuProps {
  label: string;
  icon?: IconName;
  groups: readonly PlaceGroup[];
  class: string;
}

export function Menu({ label, icon, groups, class: name }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const { path } = place.value;
  useEffect(() => setOpen(false), [path]);
  useEffect(() => {
    if (!isOpen) return;
    const onPress = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    const onFocus = (event: FocusEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", onPress);
    document.addEventListener("focusin", onFocus);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", onPress);
      document.removeEventListener("focusin", onFocus);
      document.removeEventListener("keydown", onKey);
    };
  }, [isOpen]);

  const current = groups.some((group) => group.places.some(({ pages }) => pages.includes(route.value.page)));
  return (
    <div ref={box} class={`menu ${name}`}>
      <button
        ref={button}
        type="button"
        class={`menu-button${current ? " menu-current" : ""}`}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        {icon && <Icon name={icon} />}
        {label}
        <Icon name="down" />
      </button>
      <div id={id} class="menu-list" hidden={!isOpen}>
        {groups.map((group) => (
          <div key={group.label}>
            {groups.length > 1 && <h2 class="menu-title">{group.label}</h2>}
            <ul>
              {group.places.map(({ href, label: word, pages }) => (
                <li key={href}>
                  <a
                    href={href}
                    aria-current={pages.includes(route.value.page) ? "page" : undefined}
                    onClick={() => setOpen(false)}
                  >
                    {word}
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
    </div>
  );
}
