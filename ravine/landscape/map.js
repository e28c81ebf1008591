// Paths on the field: a faint line so far, a bright tail, a head with the rule's own shape.

const TAIL = 1.2; // seconds of play that the tail shows

// Multiples of 1, 2 or 5 times a power of ten, about `count` of them.
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= 0.75 * raw);
  const marks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) marks.push(Number((k * step).toPrecision(12)));
  return marks;
}

function shape(context, name, x, y, r) {
  const corners = { square: [4, Math.PI / 4, 1.15], diamond: [4, 0, 1.25], triangle: [3, -Math.PI / 2, 1.3], pentagon: [5, -Math.PI / 2, 1.15] };
  context.beginPath();
  if (!corners[name]) return context.arc(x, y, r, 0, 2 * Math.PI);
  const [n, turn, size] = corners[name];
  for (let k = 0; k < n; k++) {
    const angle = turn + (2 * Math.PI * k) / n;
    context.lineTo(x + size * r * Math.cos(angle), y + size * r * Math.sin(angle));
  }
  context.closePath();
}

function drawMap(canvas, view, field) {
  const { scene, theme } = view;
  const { context, width, height } = sized(canvas);
  const [x0, x1, y0, y1] = scene.window;
  const px = (x) => ((x - x0) / (x1 - x0)) * width;
  const py = (y) => ((y1 - y) / (y1 - y0)) * height;
  context.drawImage(field, 0, 0, width, height);
  drawFrame(context, scene, theme, px, py, width, height);
  Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1.5 });
  for (const [x, y] of scene.minima) {
    context.beginPath();
    for (const [dx, dy] of [[4, 0], [0, 4]]) {
      context.moveTo(px(x) - dx, py(y) - dy);
      context.lineTo(px(x) + dx, py(y) + dy);
    }
    context.stroke();
  }
  shape(context, "circle", px(scene.start[0]), py(scene.start[1]), 4.5);
  context.stroke();
  const shown = view.racers.filter((racer) => racer.on);
  for (const racer of shown) drawPath(context, racer, view, px, py);
  for (const racer of shown) drawHead(context, racer, view, px, py);
}

function drawFrame(context, scene, theme, px, py, width, height) {
  const [x0, x1, y0, y1] = scene.window;
  context.font = theme.small;
  context.fillStyle = theme.faint;
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  const free = width - context.measureText(scene.axes[0]).width - 30;
  for (const x of ticks(x0, x1, 6)) if (px(x) > 24 && px(x) < free) context.fillText(short(x), px(x), height - 8);
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const y of ticks(y0, y1, 5)) if (py(y) > 28 && py(y) < height - 30) context.fillText(short(y), 10, py(y));
  context.fillStyle = theme.ink;
  context.fillText(scene.axes[1], 10, 14);
  context.textAlign = "right";
  context.fillText(scene.axes[0], width - 10, height - 12);
}

// Where the racer is at a time between two steps: [x, y].
function position(track, time) {
  const at = Math.min(time, track.ended - 1, track.x.length - 1);
  const i = Math.floor(at);
  const j = Math.min(i + 1, track.x.length - 1);
  return [track.x[i] + (at - i) * (track.x[j] - track.x[i]), track.y[i] + (at - i) * (track.y[j] - track.y[i])];
}

function drawPath(context, { track, colour }, { time, speed, theme }, px, py) {
  const last = Math.min(time, track.ended - 1, track.x.length - 1);
  const line = (from, colour, width, alpha) => {
    context.beginPath();
    context.moveTo(...position(track, from).map((v, k) => (k ? py(v) : px(v))));
    for (let i = Math.floor(from) + 1; i <= last; i++) context.lineTo(px(track.x[i]), py(track.y[i]));
    const [x, y] = position(track, time);
    context.lineTo(px(x), py(y));
    Object.assign(context, { strokeStyle: colour, lineWidth: width, globalAlpha: alpha });
    context.stroke();
  };
  context.lineJoin = context.lineCap = "round";
  line(0, theme.halo, 3.5, 0.45);
  line(0, colour, 1.4, 0.75);
  for (let k = 1; k <= 4; k++) line(Math.max(0, last - (TAIL * speed * k) / 4), colour, 1.4 + (5 - k) * 0.45, 0.4);
  context.globalAlpha = 1;
}

function drawHead(context, { track, colour, mark }, { time, theme }, px, py) {
  const [x, y] = position(track, time).map((v, k) => (k ? py(v) : px(v)));
  shape(context, mark, x, y, 5.5);
  Object.assign(context, { fillStyle: colour, strokeStyle: theme.halo, lineWidth: 2, lineJoin: "round" });
  context.stroke();
  context.fill();
}

// A context in CSS pixels on a canvas as fine as the screen; at most 2 x 2 of its pixels for one.
function sized(canvas) {
  const fine = Math.min(window.devicePixelRatio || 1, 2);
  const { clientWidth: width, clientHeight: height } = canvas;
  const [w, h] = [Math.round(width * fine), Math.round(height * fine)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.setTransform(fine, 0, 0, fine, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height, fine };
}
