// The document that Python wrote, and how its packed numbers are read (payload.py writes them).

const DATA = JSON.parse(document.getElementById("data").textContent);
const TOP = 65535;

// base64(zlib(differences)) -> Uint16Array
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const view = new DataView(await new Response(stream).arrayBuffer());
  const numbers = new Uint16Array(view.byteLength / 2);
  for (let i = 0, sum = 0; i < numbers.length; i++) numbers[i] = sum += view.getUint16(2 * i, true);
  return numbers;
}

// Unpacks a scene once, when it is first opened.
async function load(scene) {
  if (scene.loaded) return scene;
  scene.heights = Float32Array.from(await unpack(scene.field.data), (h) => h / TOP);
  for (const racer of scene.racers) racer.numbers = await unpack(racer.data);
  scene.loaded = true;
  return scene;
}

// The path and the losses of a racer at the sliders' notches.
function track(scene, racer, friction, rate) {
  const row = Math.min(friction, racer.momenta - 1);
  const points = scene.last + 1;
  const start = 3 * points * (row * scene.factors.length + rate);
  const column = (i, low, high) =>
    Float32Array.from(racer.numbers.subarray(start + i * points, start + (i + 1) * points), (q) => low + (q / TOP) * (high - low));
  const [x0, x1, y0, y1] = scene.room;
  const ended = racer.ended[row][rate];
  return {
    x: column(0, x0, x1),
    y: column(1, y0, y1),
    log: column(2, ...scene.loss).map((log) => (log > scene.loss[0] ? log : -1e3)), // below all that the chart shows
    rate: racer.rates[rate],
    ended: ended < 0 ? Infinity : ended,
  };
}

// How much time had passed at a point of a path, or between two.
function moment(scene, point) {
  if (!scene.times.length) return point;
  const i = Math.min(Math.floor(point), scene.last);
  return scene.times[i] + (point - i) * ((scene.times[i + 1] ?? 0) - scene.times[i]);
}

// The point of a path, or the place between two, that belongs to a time.
function pointAt(scene, time) {
  if (!scene.times.length) return time;
  const i = Math.max(scene.times.findLastIndex((t) => t <= time), 0);
  return i < scene.last ? i + (time - scene.times[i]) / (scene.times[i + 1] - scene.times[i]) : scene.last;
}

// A loss as text from its logarithm.
function shortLoss(scene, log) {
  return log < scene.loss[0] ? `< ${short(Number((10 ** scene.loss[0]).toPrecision(1)))}` : short(10 ** log);
}

// 0.00312, 47, −2, 1.2e−6
function short(number) {
  const size = Math.abs(number);
  const plain = number === 0 || (size < 1e5 && size >= 1e-3);
  const text = plain ? String(Number(number.toPrecision(size >= 100 ? 4 : 3))) : Number(number.toPrecision(2)).toExponential();
  return text.replace("e+", "e").replaceAll("-", "−");
}
