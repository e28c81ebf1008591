// Loss against time, on a logarithmic axis, with a cursor at the time that the map shows.

const MARGIN = { left: 46, right: 12, top: 8, bottom: 24 };

// Functions from a path's point and log10(loss) to pixels, and from pixels to a point. The axis is that of time.
function chartScales(scene, width, height) {
  const { left, right, top, bottom } = MARGIN;
  const [low, high] = scene.loss;
  const [first, last] = [moment(scene, 0), moment(scene, scene.last)];
  const across = (x) => Math.min(Math.max((x - left) / (width - left - right), 0), 1);
  return {
    px: (point) => left + ((moment(scene, point) - first) / (last - first)) * (width - left - right),
    py: (log) => top + ((high - log) / (high - low)) * (height - top - bottom),
    point: (x) => pointAt(scene, first + across(x) * (last - first)),
  };
}

function drawChart(canvas, view) {
  const { scene, theme, time } = view;
  const { context, width, height } = sized(canvas);
  const { px, py } = chartScales(scene, width, height);
  drawAxes(context, scene, theme, px, py, width, height);
  context.save();
  context.beginPath();
  context.rect(MARGIN.left, MARGIN.top - 3, width, height - MARGIN.top - MARGIN.bottom + 6);
  context.clip();
  context.lineJoin = "round";
  for (const { on, track, colour } of view.racers) {
    if (!on) continue;
    const line = (until, alpha, width) => {
      const last = Math.min(until, track.ended - 1, scene.last);
      context.beginPath();
      for (let i = 0; i <= last; i++) context.lineTo(px(i), py(track.log[i]));
      Object.assign(context, { strokeStyle: colour, globalAlpha: alpha, lineWidth: width });
      context.stroke();
    };
    line(scene.last, 0.28, 1.25);
    line(time, 1, 1.75);
  }
  context.restore();
  context.strokeStyle = theme.ink;
  context.lineWidth = 1;
  context.globalAlpha = 0.55;
  context.beginPath();
  context.moveTo(px(time), MARGIN.top);
  context.lineTo(px(time), height - MARGIN.bottom);
  context.stroke();
  context.globalAlpha = 1;
  for (const { on, track, colour, mark } of view.racers) {
    if (!on || time >= track.ended) continue;
    shape(context, mark, px(time), py(track.log[Math.floor(time)]), 3.5);
    Object.assign(context, { fillStyle: colour, strokeStyle: theme.paper, lineWidth: 1.5 });
    context.stroke();
    context.fill();
  }
}

function drawAxes(context, scene, theme, px, py, width, height) {
  const [low, high] = scene.loss;
  Object.assign(context, { font: theme.small, fillStyle: theme.faint, strokeStyle: theme.line, lineWidth: 1 });
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const [log, text] of logTicks(low, high)) {
    const y = Math.round(py(log)) + 0.5;
    context.beginPath();
    context.moveTo(MARGIN.left, y);
    context.lineTo(width - MARGIN.right, y);
    context.stroke();
    context.fillText(text, MARGIN.left - 8, y);
  }
  context.textAlign = "center";
  const times = ticks(moment(scene, 0), moment(scene, scene.last), 5);
  for (const t of times) context.fillText(short(t), px(pointAt(scene, t)), height - 9);
}

// Decades, every other or third where there are many, 1-2-5 where there are few: [log10, text].
function logTicks(low, high) {
  const every = Math.max(1, Math.ceil((high - low) / 7));
  const marks = [];
  for (let decade = Math.floor(low); decade <= high; decade++) {
    for (const m of high - low < 2.5 ? [1, 2, 5] : [1]) {
      const log = decade + Math.log10(m);
      if (decade % every === 0 && log >= low && log <= high) marks.push([log, short(Number(`${m}e${decade}`))]);
    }
  }
  return marks;
}
