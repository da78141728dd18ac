/* Runs before the first paint, so that a theme chosen earlier does not flash in the other one. */
(() => {
  const night = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("playground.theme");
    } catch {
      return null; // Storage may be closed to the page; then the system decides.
    }
  };
  const apply = () => {
    const theme = chosen();
    document.documentElement.dataset.theme = theme === "light" || theme === "dark" ? theme : night.matches ? "dark" : "light";
  };
  night.addEventListener("change", apply);
  apply();
})();
