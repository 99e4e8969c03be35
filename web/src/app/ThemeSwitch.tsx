import { Icon, type IconName } from "../ui/icons";
import { nextTheme, type Theme, theme } from "./theme";

const LOOKS: Record<Theme, { icon: IconName; label: string }> = {
  system: { icon: "auto", label: "Theme: as the system" },
  light: { icon: "sun", label: "Theme: light" },
  dark: { icon: "moon", label: "Theme: dark" },
};

export function ThemeSwitch() {
  const { icon, label } = LOOKS[theme.value];
  return (
    <button type="button" class="bar-button" title={label} aria-label={label} onClick={nextTheme}>
      <Icon name={icon} />
    </button>
  );
}
