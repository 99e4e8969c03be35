import { useEffect, useRef } from "preact/hooks";
import { Button } from "./Button";
import type { Pages } from "./usePages";

/** Below a list that comes in pages: fetches the next as soon as its end comes near; the button does it too. */
export function MoreRows<Item>({ pages }: { pages: Pages<Item> }) {
  const end = useRef<HTMLDivElement>(null);
  const hasMore = pages.hasMore.value;
  const count = pages.items.value?.length ?? 0;
  const failed = pages.error.value !== null;
  useEffect(() => {
    const element = end.current;
    // After a failure only the button tries again.
    if (!element || !hasMore || failed) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) pages.more();
      },
      { rootMargin: "400px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [hasMore, count, failed]);
  return (
    <div ref={end} class="more-rows">
      {hasMore && (
        <Button busy={pages.loading.value} onClick={pages.more}>
          {pages.loading.value ? "Loading…" : "Load more"}
        </Button>
      )}
    </div>
  );
}
