// Sets a remembered theme before the first paint; a file of its own because the page's policy allows no inline script.
(() => {
  try {
    const theme = localStorage.getItem("ltb.theme") ?? localStorage.getItem("ltb.theme.account");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is blocked: the system's theme is used.
  }
})();
