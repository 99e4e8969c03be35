import { Icon, type IconName } from "./icons";
import "./badge.css";

export type Tone = "ok" | "warn" | "bad" | "active" | "quiet";

interface BadgeProps {
  tone: Tone;
  icon: IconName;
  word: string;
  title?: string;
}

/** A state as icon, colour and word, so that no one of them has to carry it alone. */
export function Badge({ tone, icon, word, title }: BadgeProps) {
  return (
    <span class={`badge badge-${tone}`} title={title}>
      <Icon name={icon} />
      {word}
    </span>
  );
}

const STATUSES: Record<string, { tone: Tone; icon: IconName }> = {
  pending: { tone: "quiet", icon: "clock" },
  running: { tone: "active", icon: "play" },
  cancelling: { tone: "warn", icon: "stop" },
  completed: { tone: "ok", icon: "check" },
  failed: { tone: "bad", icon: "cross" },
  cancelled: { tone: "quiet", icon: "stop" },
};

/** The state of a benchmark. */
export function StatusBadge({ status, title }: { status: string; title?: string }) {
  const look = STATUSES[status] ?? { tone: "quiet", icon: "info" };
  return <Badge tone={look.tone} icon={look.icon} word={status} title={title} />;
}
