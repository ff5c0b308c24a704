// Small charts as inline SVG. Colours are the page's variables, so light, dark and print follow by themselves.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes; text, where given, becomes its content. */
function element(name, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

/** About `wanted` round numbers from low to high. */
function ticks(low, high, wanted, whole = false) {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / wanted));
  let step = [1, 2, 5, 10].map((m) => m * power).find((s) => span / s <= wanted) || span;
  if (whole) step = Math.max(1, Math.round(step));
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * span; i++) out.push(i * step);
  return out;
}

/** Round moments from 0 to `end` seconds: whole seconds, minutes, hours or days. */
function timeTicks(end, wanted) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const step = steps.find((s) => end / s <= wanted) || 86400 * Math.ceil(end / 86400 / wanted);
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

const short = (x) => (Math.abs(x) >= 10000 ? `${+(x / 1000).toPrecision(3)}k` : `${+x.toPrecision(6)}`);

/** Seconds for people: 45 s, 3:20, 2 h 05. */
function clock(seconds) {
  const s = Math.round(seconds);
  if (s < 60 || (s < 100 && s % 60)) return `${+seconds.toPrecision(2)} s`;
  if (s < 3600) return s % 60 ? `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} min` : `${s / 60} min`;
  const minutes = Math.floor(s / 60) % 60;
  return `${Math.floor(s / 3600)} h${minutes ? ` ${String(minutes).padStart(2, "0")}` : ""}`;
}

/** An empty chart in `figure`: axes, grid and two scales. Its width is the figure's, so text keeps its size. */
function frame(figure, { x, y, height = 190, xLabel = short, yLabel = short, wholeX = false, wholeY = false, time = false }) {
  const width = Math.max(260, Math.round(figure.clientWidth || 560));
  const yTicks = ticks(y[0], y[1], Math.min(5, wholeY ? Math.max(1, y[1] - y[0]) : 5), wholeY);
  const left = 14 + 7 * Math.max(...yTicks.map((t) => yLabel(t).length), 1);
  const box = { left, right: width - 12, top: 10, bottom: height - 24 };
  const svg = element("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img" });
  const sx = (v) => box.left + ((v - x[0]) / (x[1] - x[0] || 1)) * (box.right - box.left);
  const sy = (v) => box.bottom - ((v - y[0]) / (y[1] - y[0] || 1)) * (box.bottom - box.top);
  for (const t of yTicks) {
    svg.append(element("line", { class: "axis", x1: box.left, x2: box.right, y1: sy(t), y2: sy(t) }));
    svg.append(element("text", { x: box.left - 7, y: sy(t) + 4, "text-anchor": "end" }, yLabel(t)));
  }
  const most = width < 420 ? 4 : 7;
  for (const t of time ? timeTicks(x[1], most) : ticks(x[0], x[1], most, wholeX)) {
    svg.append(element("text", { x: sx(t), y: height - 6, "text-anchor": "middle" }, xLabel(t)));
  }
  svg.append(element("line", { class: "zero", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  figure.replaceChildren(svg);
  return { svg, sx, sy, box };
}

/** Coloured squares with names under a chart. */
function legend(figure, names) {
  const list = document.createElement("div");
  list.className = "legend";
  for (const [name, colour] of names) {
    const item = document.createElement("span");
    const dot = document.createElement("i");
    dot.style.background = colour;
    item.append(dot, name);
    list.append(item);
  }
  figure.append(list);
}

/** Lines. `series`: [{name, colour, points: [[x, y]...], steps, dashed}]; gaps where y is null. */
function lines(figure, series, options) {
  const { svg, sx, sy } = frame(figure, options);
  for (const { name, colour, points, steps, dashed } of [...series].reverse()) { // the first one on top
    let path = "";
    let pen = false;
    for (const [x, y] of points) {
      if (y === null || y === undefined) { pen = false; continue; }
      const [a, b] = [sx(x).toFixed(1), sy(y).toFixed(1)];
      path += !pen ? `M${a} ${b}` : steps ? `H${a}V${b}` : `L${a} ${b}`;
      pen = true;
    }
    const line = element("path", {
      d: path, fill: "none", stroke: colour, "stroke-width": 2, "stroke-linejoin": "round",
      "stroke-dasharray": dashed ? "5 4" : "none", "data-name": name,
    });
    line.append(element("title", {}, name));
    svg.append(line);
    if (points.length === 1 && points[0][1] !== null) {
      svg.append(element("circle", { cx: sx(points[0][0]), cy: sy(points[0][1]), r: 3, fill: colour }));
    }
  }
  legend(figure, series.map((s) => [s.name, s.colour]));
}

/** Bars over whole scores. `bars`: [[score, count]...]; scales are given, so that charts can share them. */
function histogram(figure, bars, colour, low, high, most, mark = null) {
  const options = { x: [low - 0.5, high + 0.5], y: [0, Math.max(1, most)], height: 170, wholeX: true, wholeY: true };
  const { svg, sx, sy, box } = frame(figure, options);
  const width = sx(1) - sx(0);
  const gap = Math.min(2, 0.15 * width);
  for (const [score, count] of bars) {
    const bar = element("rect", {
      class: "bar", x: (sx(score) - width / 2 + gap / 2).toFixed(2), y: sy(count).toFixed(2),
      width: Math.max(0.5, width - gap).toFixed(2), height: (box.bottom - sy(count)).toFixed(2), fill: colour, rx: 1.5,
    });
    bar.append(element("title", {}, `${score} points: ${count} times`));
    svg.append(bar);
  }
  if (mark !== null && mark >= low && mark <= high) {
    svg.append(element("line", {
      x1: sx(mark), x2: sx(mark), y1: box.top, y2: box.bottom, stroke: "var(--red)", "stroke-dasharray": "4 4",
    }));
  }
}

/** Stacked areas as columns, one per row. `rows`: [{x, values: {name: number}}]. */
function stacked(figure, rows, names, colours, options) {
  const { svg, sx, sy } = frame(figure, options);
  const width = Math.max(1, (sx(1) - sx(0)) * (options.step || 1));
  const paths = Object.fromEntries(names.map((n) => [n, ""]));
  for (const { x, values } of rows) {
    let sum = 0;
    for (const name of names) {
      const value = values[name] || 0;
      if (!value) continue;
      const [top, bottom] = [sy(sum + value), sy(sum)];
      paths[name] += `M${(sx(x) - width / 2).toFixed(1)} ${bottom.toFixed(1)}V${top.toFixed(1)}h${(width < 5 ? width : 0.9 * width).toFixed(2)}V${bottom.toFixed(1)}z`;
      sum += value;
    }
  }
  names.forEach((name, i) => svg.append(element("path", { d: paths[name], fill: colours[i], "data-name": name })));
}
