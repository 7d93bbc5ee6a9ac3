/** The script of a page: theme, copying, and figures that come alive when they are scrolled to. */
export const pageScript = `
(() => {
  const root = document.documentElement;
  const key = "notebook-theme";
  const store = (value) => { try { localStorage.setItem(key, value); } catch {} };
  const stored = () => { try { return localStorage.getItem(key); } catch { return null; } };
  const darkMedia = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme === "auto" ? darkMedia.matches : root.dataset.theme === "dark");
  const toggle = document.querySelector("button.theme");
  const chosen = stored();
  if (root.dataset.theme === "auto" && (chosen === "dark" || chosen === "light")) root.dataset.theme = chosen;
  const label = () => toggle?.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
  toggle?.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    store(root.dataset.theme);
    redraw();
  });
  darkMedia.addEventListener("change", () => redraw());

  for (const box of document.querySelectorAll(".input")) {
    const button = document.createElement("button");
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(box.querySelector("code")?.textContent ?? "");
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    box.append(button);
  }

  const contents = new Map([...document.querySelectorAll(".toc a")].map((a) => [decodeURIComponent(a.hash.slice(1)), a]));
  const headings = [...document.querySelectorAll("main [id]")].filter((h) => /^H[1-6]$/.test(h.tagName) && contents.has(h.id));
  const mark = () => {
    let current = headings[0];
    for (const heading of headings) if (heading.getBoundingClientRect().top < 120) current = heading;
    for (const a of contents.values()) a.removeAttribute("aria-current");
    if (current) contents.get(current.id)?.setAttribute("aria-current", "true");
  };
  let waiting = false;
  addEventListener("scroll", () => {
    if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; mark(); }); }
  }, { passive: true });
  mark();

  const drawn = new Set();
  const draw = async (figure) => {
    const kind = figure.dataset.figure;
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const live = figure.querySelector(".live");
    const still = figure.querySelector(".static");
    try {
      if (kind === "plotly") await drawPlotly(live, spec, still);
      else await drawVega(live, spec, kind);
      live.hidden = false;
      still.hidden = true;
    } catch (error) {
      console.warn("A figure stays as a picture:", error);
      live.hidden = true;
      still.hidden = false;
    }
  };
  const darkVega = {
    background: "transparent",
    title: { color: "#e6edf3", subtitleColor: "#9da7b3" },
    style: { "guide-label": { fill: "#c9d1d9" }, "guide-title": { fill: "#c9d1d9" } },
    axis: { domainColor: "#6e7681", gridColor: "#30363d", tickColor: "#6e7681", labelColor: "#c9d1d9", titleColor: "#c9d1d9" },
    legend: { labelColor: "#c9d1d9", titleColor: "#c9d1d9" },
    header: { labelColor: "#c9d1d9", titleColor: "#c9d1d9" },
    view: { stroke: "#30363d" },
  };
  const drawVega = async (live, spec, kind) => {
    // usermeta could set options of the embedding.
    const { $schema, usermeta, ...own } = spec;
    live.hidden = false;
    const dark = isDark();
    const shown = dark ? { ...own, background: "transparent" } : own;
    await globalThis.vegaEmbed(live, shown, {
      mode: kind, ast: true, renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false },
      config: dark ? darkVega : { background: "transparent" },
    });
  };
  // What a figure's own config may say: how it looks and answers, not which address a button sends it to.
  const ownConfig = ["displayModeBar", "doubleClick", "editable", "modeBarButtons", "modeBarButtonsToRemove", "responsive", "scrollZoom",
    "showAxisDragHandles", "showAxisRangeEntryBoxes", "showTips", "staticPlot", "toImageButtonOptions"];
  const drawPlotly = async (live, spec, still) => {
    live.hidden = false;
    const dark = isDark();
    const { width, height, ...layout } = spec.layout ?? {};
    const axis = dark ? { gridcolor: "#30363d", zerolinecolor: "#484f58", linecolor: "#6e7681" } : {};
    const themed = { ...layout, height: height ?? 420, autosize: true, paper_bgcolor: "transparent",
      margin: { t: layout.title ? 56 : 24, b: 56, l: 64, r: 24, ...layout.margin },
      modebar: { bgcolor: "transparent", color: "#8b949e", activecolor: dark ? "#e2e8ef" : "#1f2328" } };
    if (dark) {
      themed.plot_bgcolor = "transparent";
      themed.font = { ...layout.font, color: "#c9d1d9" };
      for (const name of Object.keys(layout).filter((n) => /^[xy]axis\\d*$/.test(n)).concat(["xaxis", "yaxis"])) {
        themed[name] = { ...layout[name], ...axis };
      }
    }
    const own = Object.fromEntries(Object.entries(spec.config ?? {}).filter(([name]) => ownConfig.includes(name)));
    live.style.maxWidth = width ? width + "px" : "100%";
    globalThis.Plotly.purge(live);
    await globalThis.Plotly.newPlot(live, spec.data ?? [], themed, { responsive: true, displaylogo: false, ...own });
    if (spec.frames) await globalThis.Plotly.addFrames(live, spec.frames);
  };
  const figures = [...document.querySelectorAll("[data-figure]")];
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target)) {
        drawn.add(entry.target);
        draw(entry.target);
      }
    }
  }, { rootMargin: "600px" });
  for (const figure of figures) seen.observe(figure);
  const redraw = () => {
    label();
    for (const figure of drawn) draw(figure);
  };
  label();
})();
`;
