// The state of the page, the clock that moves it, and what the reader does to it.

const SECONDS = 14; // for a whole race
const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const view = { scene: null, racers: [], time: 0, rate: 0, friction: 0, playing: false, off: new Set() };
let field = null;

// The scene that the address names, else the first.
const wanted = () => DATA.scenes.find(({ key }) => `#${key}` === location.hash) || DATA.scenes[0];

async function open() {
  let scene;
  do scene = await load(wanted());
  while (scene !== wanted()); // another was asked for meanwhile
  const palette = dark.matches ? DATA.themes.dark : DATA.themes.light;
  const fresh = scene !== view.scene;
  Object.assign(view, { scene, speed: scene.last / SECONDS, theme: readTheme(palette) });
  if (fresh) {
    [view.friction, view.rate] = scene.home;
    view.time = still.matches ? scene.last : 0;
  }
  view.racers = scene.racers.map((racer, k) => ({
    ...racer,
    colour: palette.rules[k % palette.rules.length],
    mark: DATA.shapes[k % DATA.shapes.length],
  }));
  field = null;
  markTab(scene);
  buildStory(scene);
  buildLegend(view, toggle);
  buildFormulas(view);
  retune();
  if (fresh) play(!still.matches);
}

function readTheme(palette) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["ink", "faint", "line", "paper", "halo"];
  const theme = Object.fromEntries(names.map((name) => [name, colour(name)]));
  const ink = theme.ink.match(/\w\w/g).map((hex) => parseInt(hex, 16));
  return { ...theme, contours: ink, field: palette.field, small: `11px ${getComputedStyle(document.body).fontFamily}` };
}

// After a slider moved: other paths at the same time.
function retune() {
  for (const racer of view.racers) {
    racer.track = track(view.scene, racer, view.friction, view.rate);
    racer.on = !view.off.has(racer.name);
  }
  for (const tip of ["map-tip", "chart-tip"]) $(tip).hidden = true;
  draw();
}

function draw() {
  const map = $("map");
  sized(map);
  const { width, height } = map;
  if (!width || !height) return;
  if (!field || field.width !== width || field.height !== height) {
    field = paintField(view.scene, width, height, view.theme.field, view.theme.contours);
  }
  drawMap(map, view, field);
  if (view.scene.last) drawChart($("chart"), view);
  showNumbers(view);
}

function toggle(racer) {
  if (!view.off.delete(racer.name)) view.off.add(racer.name);
  racer.on = !view.off.has(racer.name);
  draw();
}

function seek(time) {
  play(false);
  view.time = Math.min(Math.max(time, 0), view.scene.last);
  draw();
}

function play(on) {
  if (on && view.time >= view.scene.last) view.time = 0;
  view.playing = on;
  view.clock = null;
  showPlaying(on);
  cancelAnimationFrame(view.frame);
  if (on) view.frame = requestAnimationFrame(tick);
  draw();
}

function tick(now) {
  if (!view.playing) return;
  if (view.clock !== null) view.time = Math.min(view.time + ((now - view.clock) / 1000) * view.speed, view.scene.last);
  view.clock = now;
  if (view.time >= view.scene.last) return play(false);
  draw();
  view.frame = requestAnimationFrame(tick);
}

// What the map shows under the pointer: the loss there, and the path that passes within 12 pixels.
function mapTip({ offsetX, offsetY }) {
  const { scene } = view;
  const { clientWidth: width, clientHeight: height } = $("map");
  const [x0, x1, y0, y1] = scene.window;
  const [x, y] = [x0 + (offsetX / width) * (x1 - x0), y1 - (offsetY / height) * (y1 - y0)];
  const { rows, columns, low, high, offset } = scene.field;
  const row = Math.round(((y - y0) / (y1 - y0)) * (rows - 1));
  const column = Math.round(((x - x0) / (x1 - x0)) * (columns - 1));
  const level = scene.heights[Math.min(Math.max(row, 0), rows - 1) * columns + Math.min(Math.max(column, 0), columns - 1)];
  const lines = [`loss about ${short(Number((Math.exp(low + level * (high - low)) + offset).toPrecision(2)))} at ${short(x)}, ${short(y)}`];
  let nearest = 12;
  for (const { on, name, track } of view.racers) {
    for (let i = 0; on && i <= Math.min(view.time, track.ended - 1); i++) {
      const away = Math.hypot(((track.x[i] - x) / (x1 - x0)) * width, ((track.y[i] - y) / (y1 - y0)) * height);
      if (away < nearest) {
        nearest = away;
        lines[1] = `${name}, ${scene.time} ${short(moment(scene, i))}: loss ${shortLoss(scene, track.log[i])}`;
      }
    }
  }
  tell($("map-tip"), offsetX, offsetY, lines);
}

// The curve nearest to the pointer; with the button down the pointer scrubs.
function chartTip({ offsetX, offsetY, buttons }) {
  const { clientWidth: width, clientHeight: height } = $("chart");
  const { py, point } = chartScales(view.scene, width, height);
  const time = Math.round(point(offsetX));
  if (buttons) seek(time);
  const away = ({ track }) => Math.abs(py(track.log[time]) - offsetY);
  const [nearest] = view.racers.filter(({ on, track }) => on && time < track.ended).sort((a, b) => away(a) - away(b));
  const when = `${view.scene.time} ${short(moment(view.scene, time))}`;
  tell($("chart-tip"), offsetX, offsetY, nearest && [`${nearest.name}, ${when}: ${shortLoss(view.scene, nearest.track.log[time])}`]);
}

function press(event) {
  const { tagName, type } = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || (tagName === "BUTTON" && event.key === " ")) return;
  const jumps = { ArrowRight: Math.floor(view.time) + 1, ArrowLeft: Math.ceil(view.time) - 1, Home: 0, End: view.scene.last };
  if (event.key === " ") play(!view.playing);
  else if (event.key in jumps && type !== "range") seek(jumps[event.key]);
  else return;
  event.preventDefault();
}

function wire() {
  $("play").onclick = () => play(!view.playing);
  $("scrub").oninput = () => seek(Number($("scrub").value));
  for (const name of ["rate", "friction"]) {
    $(name).oninput = () => {
      view[name] = Number($(name).value);
      retune();
    };
  }
  $("map").onpointermove = mapTip;
  $("chart").onpointermove = $("chart").onpointerdown = chartTip;
  for (const name of ["map", "chart"]) $(name).onpointerleave = () => tell($(`${name}-tip`), 0, 0, null);
  addEventListener("keydown", press);
  addEventListener("hashchange", open);
  dark.addEventListener("change", open);
  new ResizeObserver(draw).observe($("map"));
}

buildTabs();
open().then(wire);
