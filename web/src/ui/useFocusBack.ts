import { useEffect } from "preact/hooks";

/**
 * When this goes, the focus is again where it was when it came, unless it is somewhere else by then. The browser does
 * that only for a dialog that closes before it is taken out of the page.
 */
export function useFocusBack(): void {
  useEffect(() => {
    const opener = document.activeElement;
    return () => {
      // Once what goes is gone: until then the focus is in it.
      queueMicrotask(() => {
        const isLost = document.activeElement === null || document.activeElement === document.body;
        if (isLost && opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
      });
    };
  }, []);
}
