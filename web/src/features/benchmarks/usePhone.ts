import { useEffect, useState } from "preact/hooks";

// As in the style sheets.
const PHONE = "(max-width: 760px)";

/** Whether the window is as narrow as a phone's, where each row is a card. */
export function usePhone(): boolean {
  const [isPhone, setPhone] = useState(() => matchMedia(PHONE).matches);
  useEffect(() => {
    const media = matchMedia(PHONE);
    const follow = () => setPhone(media.matches);
    follow();
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, []);
  return isPhone;
}
