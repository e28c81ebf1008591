// The parts of the page around the two pictures, made from the scene.

const $ = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// The rule's shape in its colour, as a small canvas.
function badge({ mark, colour }) {
  const canvas = element("canvas", { width: 36, height: 36, className: "badge", ariaHidden: "true" });
  const context = canvas.getContext("2d");
  shape(context, mark, 18, 18, 11);
  context.fillStyle = colour;
  context.fill();
  return canvas;
}

// `momentum(nesterov=true)` with places where it may break.
function named(name) {
  return name.split(/(?<=[(,])/).flatMap((part) => [part, element("wbr")]);
}

function buildTabs() {
  $("scenes").hidden = DATA.scenes.length < 2;
  const tabs = DATA.scenes.map(({ key }) => element("a", { href: `#${key}`, textContent: key.replaceAll("-", " ") }));
  $("scenes").append(...tabs);
}

function markTab(scene) {
  for (const tab of $("scenes").children) {
    const current = tab.hash === `#${scene.key}`;
    tab.setAttribute("aria-current", current ? "page" : "false");
    if (current) $("scenes").scrollLeft = tab.offsetLeft - $("scenes").clientWidth / 3;
  }
}

function buildStory(scene) {
  for (const part of ["trap", "title", "sentences", "note"]) $(part).textContent = scene[part];
  $("trap").hidden = !scene.trap;
  for (const part of document.querySelectorAll(".transport, .chart, .keys")) part.hidden = !scene.last; // nothing moves
  $("marks").textContent = scene.minima.length ? "○ is the start, + a minimum." : scene.last ? "○ is the start." : "";
  $("chart-title").textContent = `loss against ${scene.time}`;
  $("map").setAttribute("aria-label", `${scene.title}: contours of the loss, and the path of each rule`);
  $("chart").setAttribute("aria-label", `Loss of each rule against the ${scene.time}`);
  $("scrub").max = scene.last;
  $("scrub").setAttribute("aria-label", scene.time);
  $("rate-control").hidden = scene.factors.length < 2;
  $("friction-control").hidden = scene.frictions.length < 2;
  $("rate").max = scene.factors.length - 1;
  $("friction").max = Math.max(scene.frictions.length - 1, 0);
}

function buildLegend(view, toggle) {
  view.rows = view.racers.map((racer) => {
    const rate = element("span", { className: "rate" });
    const loss = element("span", { className: "loss" });
    const name = element("span", { className: "name" }, ...named(racer.name));
    const button = element("button", { type: "button", onclick: () => toggle(racer) }, badge(racer), name, rate, loss);
    return { button, rate, loss };
  });
  $("legend").replaceChildren(...view.rows.map(({ button }) => element("li", {}, button)));
}

function buildFormulas(view) {
  const lines = (text) => text.split("\n").map((line) => element("div", { textContent: line }));
  const cards = view.racers.map((racer) =>
    element("article", {}, element("h3", {}, badge(racer), element("span", {}, ...named(racer.name))), element("pre", {}, ...lines(racer.formula))),
  );
  $("formulas").replaceChildren(...cards);
}

// Whatever changes with time or a slider.
function showNumbers(view) {
  const { scene, time, friction, rate } = view;
  const at = Math.floor(time);
  const factor = scene.factors[rate];
  const said = (slider, value, text) => {
    $(slider).value = value;
    $(slider).setAttribute("aria-valuetext", text);
    return text;
  };
  const clock = said("scrub", at, `${scene.time} ${short(moment(scene, at))}`);
  $("clock").textContent = `${clock} / ${short(moment(scene, scene.last))}`;
  $("rate-value").textContent = said("rate", rate, factor < 1 ? `× 1/${short(1 / factor)}` : `× ${short(factor)}`);
  $("friction-value").textContent = said("friction", friction, short(scene.frictions[friction] || 0));
  view.racers.forEach(({ on, track }, k) => {
    const row = view.rows[k];
    const gone = time >= track.ended;
    row.button.setAttribute("aria-pressed", on);
    row.rate.textContent = track.rate ? `lr ${short(track.rate)}` : "";
    row.loss.textContent = gone ? `diverged at ${track.ended}` : shortLoss(scene, track.log[at]);
    row.loss.classList.toggle("gone", gone);
  });
}

function showPlaying(playing) {
  $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  $("play-icon").setAttribute("d", playing ? "M5 3h3.5v14H5zM11.5 3H15v14h-3.5z" : "M5.5 3 16 10 5.5 17z");
}

// A line or two beside the pointer, inside the picture.
function tell(tip, x, y, lines) {
  tip.hidden = !lines;
  if (!lines) return;
  tip.replaceChildren(...lines.map((line) => element("div", { textContent: line })));
  const { clientWidth: width, clientHeight: height } = tip.parentElement;
  const left = x + 14 + tip.offsetWidth < width ? x + 14 : x - 14 - tip.offsetWidth;
  const top = Math.min(Math.max(y - tip.offsetHeight / 2, 2), height - tip.offsetHeight - 2);
  tip.style.transform = `translate(${Math.max(left, 2)}px, ${top}px)`;
}
