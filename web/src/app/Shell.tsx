/** The frame around every page: where one can go, who is here, and whether live data arrives. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { User } from "../api/types";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { ConnectionBadge } from "./ConnectionBadge";
import { Help, PALETTE_KEY } from "./Help";
import { focusSearch, listen, type Shortcut, typeAhead } from "./keyboard";
import { Menu } from "./Menu";
import { ACCOUNT, placesFor } from "./places";
import { navigate, route } from "./router";
import { may, signOut } from "./session";
import { ThemeSwitch } from "./ThemeSwitch";
import "./shell.css";
import "./connection.css";
import "./help.css";

type PaletteView = typeof import("../features/palette").Palette;

export function Shell({ user, children }: { user: User; children: ComponentChildren }) {
  const [isHelpOpen, setHelpOpen] = useState(false);
  const shortcuts: Shortcut[] = [
    { key: "/", what: "Search this page", run: focusSearch },
    { key: "n", what: "New benchmark", run: () => may("benchmark.create") && navigate("/benchmarks/new") },
    { key: "b", what: "Benchmarks", run: () => navigate("/") },
    { key: "c", what: "Compare", run: () => navigate("/compare") },
    { key: "p", what: "Providers", run: () => navigate("/providers") },
    { key: "?", what: "This help", run: () => setHelpOpen(true) },
  ];
  useEffect(() => listen(shortcuts), []);
  const groups = placesFor((permission) => user.permissions.includes(permission));
  const administration = groups.find((group) => group.label === "Administration");
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const [Palette, setPalette] = useState<{ View: PaletteView } | null>(null);
  const typedAhead = useRef("");
  const openPalette = () => {
    if (document.querySelector("dialog[open]")) return;
    setPaletteOpen(true);
    // Loaded when it is first wanted. What is typed until then is meant for it, and not for the page.
    const ahead = typeAhead();
    // A browser that cannot fetch it has lost the service, which the foot says.
    import("../features/palette").then(
      ({ Palette: View }) => {
        typedAhead.current = ahead.stop();
        setPalette({ View });
      },
      () => {
        ahead.stop();
        setPaletteOpen(false);
      },
    );
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey)
        return;
      event.preventDefault();
      openPalette();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  return (
    <div class="shell">
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <header class="bar">
        <a class="brand" href="/" aria-label="Test Bench">
          <Icon name="pulse" />
          <span>Test Bench</span>
        </a>
        <nav aria-label="Main">
          {groups
            .filter((group) => group !== administration)
            .flatMap((group) => group.places)
            .map((destination) => (
              <a
                key={destination.href}
                class="nav-wide"
                href={destination.href}
                aria-current={destination.pages.includes(route.value.page) ? "page" : undefined}
              >
                {destination.label}
              </a>
            ))}
          {administration && <Menu class="nav-wide" label={administration.label} groups={[administration]} />}
          <Menu
            class="nav-phone"
            label="Menu"
            icon="menu"
            groups={[...groups, { label: user.username, places: [ACCOUNT] }]}
          />
        </nav>
        <div class="bar-end">
          <button
            type="button"
            class="bar-button bar-palette"
            title={`Go anywhere, do anything (${PALETTE_KEY})`}
            aria-label="Command palette"
            aria-keyshortcuts="Control+K Meta+K"
            onClick={openPalette}
          >
            <Icon name="search" />
            <kbd class="bar-wide">{PALETTE_KEY}</kbd>
          </button>
          <button type="button" class="bar-button bar-help" title="Keyboard help (?)" onClick={() => setHelpOpen(true)}>
            <Icon name="keyboard" />
            <span class="visually-hidden">Keyboard help</span>
          </button>
          <ThemeSwitch />
          <a
            class="bar-user"
            href={ACCOUNT.href}
            title={`My account. Signed in as ${user.username}, role ${user.role}`}
            aria-current={route.value.page === "account" ? "page" : undefined}
          >
            {user.username}
          </a>
          <Button kind="quiet" icon="out" title="Sign out" onClick={() => void signOut()}>
            <span class="bar-wide">Sign out</span>
          </Button>
        </div>
      </header>
      <main id="page" tabIndex={-1}>
        {children}
      </main>
      <footer class="foot">
        <ConnectionBadge />
        <span class="foot-end">
          <span class="number" title="Version of the dashboard">
            {__VERSION__}
          </span>
          <span aria-hidden="true"> · </span>
          <a class="foot-link" href="/api/v1/openapi.json" target="_blank" rel="noreferrer">
            API
          </a>
          <span aria-hidden="true"> · </span>
          <kbd>?</kbd> keys
        </span>
      </footer>
      {isPaletteOpen && Palette && (
        <Palette.View
          places={[...groups.flatMap((group) => group.places), ACCOUNT]}
          typed={typedAhead.current}
          onClose={() => setPaletteOpen(false)}
        />
      )}
      {isHelpOpen && <Help shortcuts={shortcuts} onClose={() => setHelpOpen(false)} />}
    </div>
  );
}
