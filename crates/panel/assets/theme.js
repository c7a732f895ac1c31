// Runs before the page is painted: a reader who follows the system gets its colours without a flash.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const wanted = root.dataset.panelTheme;
    root.setAttribute("data-bs-theme", wanted === "light" || wanted === "dark" ? wanted : dark.matches ? "dark" : "light");
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("stoa:theme", apply);
})();
