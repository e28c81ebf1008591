// The loss as bands of colour with thin contours between them.

// Where each of `size` pixels lies between `n` samples, with the four weights of Catmull and Rom's cubic.
function taps(n, size) {
  return Array.from({ length: size }, (_, pixel) => {
    const at = (pixel / Math.max(size - 1, 1)) * (n - 1);
    const i = Math.min(Math.floor(at), n - 2);
    const t = at - i;
    const near = [i - 1, i, i + 1, i + 2].map((j) => Math.min(Math.max(j, 0), n - 1));
    const weights = [t * (t * (2 - t) - 1), t * t * (3 * t - 5) + 2, t * (t * (4 - 3 * t) + 1), t * t * (t - 1)];
    return [near, weights.map((w) => w / 2)];
  });
}

// `rows` x `columns` samples -> `height` x `width` pixels, the top row first.
function resample(samples, rows, columns, height, width) {
  const wide = new Float32Array(rows * width);
  taps(columns, width).forEach(([near, weights], x) => {
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += weights[k] * samples[row * columns + near[k]];
      wide[row * width + x] = sum;
    }
  });
  const pixels = new Float32Array(height * width);
  taps(rows, height).forEach(([near, weights], y) => {
    const line = (height - 1 - y) * width;
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += weights[k] * wide[near[k] * width + x];
      pixels[line + x] = sum;
    }
  });
  return pixels;
}

// A canvas of the field; `colours` from the lowest band to the highest, `ink` of the contours [r, g, b].
function paintField(scene, width, height, colours, ink) {
  const { rows, columns } = scene.field;
  const bands = colours.length;
  const heights = resample(scene.heights, rows, columns, height, width);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const level = heights[i] * bands;
      const right = heights[x + 1 < width ? i + 1 : i - 1] * bands - level;
      const below = heights[y + 1 < height ? i + width : i - width] * bands - level;
      const slope = Math.hypot(right, below) + 1e-9; // bands a pixel
      const edge = Math.round(level);
      // The two bands that meet at the edge, mixed over one pixel, and the line between them
      const mixed = Math.min(Math.max((level - edge) / slope + 0.5, 0), 1);
      const lower = colours[Math.min(Math.max(edge - 1, 0), bands - 1)];
      const upper = colours[Math.min(Math.max(edge, 0), bands - 1)];
      const inside = edge > 0 && edge < bands;
      const line = inside ? 0.2 * Math.max(0, 1.1 - Math.abs(level - edge) / slope) * Math.min(1, 0.4 / slope) : 0;
      for (let c = 0; c < 3; c++) {
        const fill = lower[c] + mixed * (upper[c] - lower[c]);
        image.data[4 * i + c] = fill + line * (ink[c] - fill);
      }
      image.data[4 * i + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
