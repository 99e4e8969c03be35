import type { Provider } from "../../api/types";
import { Badge } from "../../ui/Badge";

/** Whether there is a key, and where it is. */
export function KeyBadge({ provider }: { provider: Provider }) {
  if (!provider.has_api_key) return <Badge tone="quiet" icon="minus" word="none" />;
  return (
    <Badge
      tone="ok"
      icon="check"
      word={provider.api_key_ref ? "by reference" : "stored"}
      title={provider.api_key_ref ?? undefined}
    />
  );
}
