import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons";
import "./button.css";

interface ButtonProps {
  children: ComponentChildren;
  onClick?: () => void;
  kind?: "plain" | "primary" | "danger" | "quiet";
  type?: "button" | "submit";
  icon?: IconName;
  disabled?: boolean;
  /** Why it is disabled, or more than its words say. */
  title?: string;
  busy?: boolean;
}

export function Button({
  children,
  onClick,
  kind = "plain",
  type = "button",
  icon,
  disabled,
  title,
  busy,
}: ButtonProps) {
  return (
    <button
      type={type}
      class={`button button-${kind}`}
      disabled={disabled}
      // Not `disabled`: that would take the focus away from who pressed it.
      aria-disabled={busy || undefined}
      aria-busy={busy}
      title={title}
      onClick={busy ? (event) => event.preventDefault() : onClick}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A link that looks like a button: it goes somewhere, it does nothing. */
export function LinkButton({
  href,
  children,
  kind = "plain",
  icon,
}: { href: string } & Pick<ButtonProps, "children" | "kind" | "icon">) {
  return (
    <a class={`button button-${kind}`} href={href}>
      {icon && <Icon name={icon} />}
      {children}
    </a>
  );
}
