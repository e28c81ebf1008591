"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)"), finger = matchMedia("(pointer: coarse)");
  function draw() {
    const { data, layout } = figures[dark.matches ? "dark" : "light"];
    const still = finger.matches ? { dragmode: false } : {};
    Plotly.react("curve", data, { ...layout, ...still }, { displayModeBar: false, responsive: true, typesetMath: false });
  }
  draw();
  dark.addEventListener("change", draw);
})();
