import { exact, relative } from "./times";
import { useNow } from "./useNow";

/** An instant as people say it; the exact time on hover. */
export function Moment({ at, none = "never" }: { at: string | null; none?: string }) {
  const now = useNow(10_000);
  if (at === null) return <span class="muted">{none}</span>;
  return (
    <time dateTime={at} title={exact(at)}>
      {relative(at, now)}
    </time>
  );
}
