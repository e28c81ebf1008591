"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const live = JSON.parse(document.getElementById("live").textContent);
  const phone = matchMedia("(max-width: 700px)"), dark = matchMedia("(prefers-color-scheme: dark)");
  const finger = matchMedia("(pointer: coarse)");

  // "$accent" and "$accent/40" are colours of the page; no text of anybody's has a "$" in it (figures_theme.plain)
  function coloured(value, style) {
    if (Array.isArray(value)) return value.map((inner) => coloured(inner, style));
    if (value !== null && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner, style)]));
    const found = typeof value === "string" && value.match(/^\$([a-z-]+)(?:\/(\d+))?$/);
    if (!found) return value;
    const solid = style.getPropertyValue("--" + found[1]).trim();
    if (found[2] === undefined) return solid;
    const part = (i) => parseInt(solid.slice(i, i + 2), 16);
    return `rgba(${part(1)},${part(3)},${part(5)},${found[2] / 100})`;
  }

  function merged(base, own) {
    const all = { ...base };
    for (const [key, value] of Object.entries(own))
      all[key] = value !== null && typeof value === "object" && !Array.isArray(value) ? merged(base[key] ?? {}, value) : value;
    return all;
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    for (const [id, { data, layout, narrow }] of Object.entries(figures)) {
      const arranged = coloured(phone.matches ? merged(layout, narrow) : layout, style);
      const still = finger.matches ? { dragmode: false } : {};
      const config = { displayModeBar: false, responsive: true, typesetMath: false };
      Plotly.react(document.getElementById(id), coloured(data, style), { ...arranged, ...still }, config);
    }
  }

  // browsers keep the place over a reload, and this what was unfolded
  function unfold() {
    document.querySelectorAll("details").forEach((one, i) => { one.open = history.state?.[i] ?? one.open; });
  }

  function reload() {
    history.replaceState([...document.querySelectorAll("details")].map((one) => one.open), "");
    location.reload();
  }

  function watch() {
    const silent = Date.now() / 1000 - live.written;
    document.getElementById("silent").hidden = silent < live.patience;
    const pause = silent < live.patience ? live.pause : 60;
    setTimeout(() => {
      if (!document.hidden) return reload();
      document.addEventListener("visibilitychange", reload, { once: true });
    }, 1000 * pause);
  }

  async function copy(button) {
    const text = document.getElementById(button.dataset.copies).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copies));
      button.textContent = "selected";
    }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  }

  draw();
  phone.addEventListener("change", draw);
  dark.addEventListener("change", draw);
  document.querySelectorAll("button[data-copies]").forEach((one) => one.addEventListener("click", () => copy(one)));
  unfold();
  if (live) watch();
})();
