// The page's moving parts: draws what the JSON in the page holds.
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const LEVELS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const at = (id) => document.getElementById(id);
const percent = (x) => (x === null || x === undefined ? "-" : `${Math.round(100 * x)} %`);
const GENERATIONS = DATA.generations;
// words for the origins of starts come with the data; an origin of an earlier version stands for itself
const ORIGINS = { ...DATA.origins };
for (const g of GENERATIONS) for (const o of Object.keys(g.origins)) ORIGINS[o] ??= o;

function drawScores() {
  const colours = ["var(--blue)", "var(--gold)"];
  const end = Math.max(...DATA.curves.flatMap((c) => c.points.map((p) => p[0])), 1);
  const scores = DATA.curves.flatMap((c) => c.points.map((p) => p[1])).concat(DATA.known ?? []);
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  const series = DATA.curves.map(({ name, points }, i) => ({ name, points, colour: colours[i], steps: true }));
  if (DATA.known !== null) {
    const points = [[0, DATA.known], [end, DATA.known]];
    series.push({ name: `best known: ${DATA.known}`, points, colour: "var(--red)", dashed: true });
  }
  const pad = high === low ? 1 : 0.06 * (high - low);
  lines(at("scores"), series, { x: [0, end], y: [low - pad, high + pad], xLabel: clock, time: true, wholeY: true, height: 240 });
}

function drawShares() {
  const along = (name) => GENERATIONS.map((g) => [g.generation, g[name]]);
  const series = [
    ["valid", "valid: samples that break no rule", "var(--green)"],
    ["improved", "improved: starts that local search made better", "var(--blue)"],
    ["new", "new: walks that gave the pool something new", "var(--gold)"],
  ].map(([key, name, colour]) => ({ name, colour, points: along(key) }))
    .filter((s) => s.points.some((p) => p[1] !== null));
  lines(at("shares"), series, { ...generationAxis(), y: [0, 1], yLabel: percent });
}

function generationAxis() {
  const [first, last] = [GENERATIONS[0].generation, GENERATIONS[GENERATIONS.length - 1].generation];
  return { x: [Math.min(first, last - 1), last], wholeX: true };
}

function drawPhases() {
  const names = ["train", "sample", "tables", "search", "verify", "other"];
  const colours = ["var(--violet)", "var(--gold)", "var(--red)", "var(--blue)", "var(--green)", "var(--grey)"];
  const used = names.filter((n) => GENERATIONS.some((g) => g.phases[n] > 0));
  const paint = used.map((n) => colours[names.indexOf(n)]);
  const total = (g) => used.reduce((sum, n) => sum + (g.phases[n] || 0), 0);
  const most = Math.max(...GENERATIONS.map(total), 0.1);
  const axis = generationAxis();
  const rows = GENERATIONS.map((g) => ({ x: g.generation, values: g.phases }));
  const step = GENERATIONS.length > 1 ? (axis.x[1] - axis.x[0]) / (GENERATIONS.length - 1) : 1;
  const x = [axis.x[0] - step / 2, axis.x[1] + step / 2];
  stacked(at("phases"), rows, used, paint, { x, y: [0, most], yLabel: clock, wholeX: true, step });
  const all = GENERATIONS.reduce((sum, g) => sum + total(g), 0) || 1;
  const share = (n) => GENERATIONS.reduce((sum, g) => sum + (g.phases[n] || 0), 0) / all;
  legend(at("phases"), used.map((n, i) => [`${n} ${percent(share(n))}`, paint[i]]));
}

function drawLoss() {
  const series = [
    { name: "training batch", colour: "var(--gold)", points: DATA.loss.map((p) => [p[0], p[1]]) },
    { name: "held out", colour: "var(--blue)", points: DATA.loss.map((p) => [p[0], p[2]]) },
  ].filter((s) => s.points.some((p) => p[1] !== null));
  if (DATA.counted.length) {
    series.push({ name: "counting tokens alone", colour: "var(--red)", points: DATA.counted, dashed: true });
  }
  const values = series.flatMap((s) => s.points.map((p) => p[1])).filter((v) => v !== null);
  if (!values.length) return;
  const x = [Math.floor(DATA.loss[0][0]), DATA.loss[DATA.loss.length - 1][0]];
  lines(at("loss"), series, { x, y: [Math.min(...values) * 0.95, Math.max(...values) * 1.02], wholeX: true });
}

// -- histograms with their slider -------------------------------------------------------------------------------------

const histogramsOf = (g, origin) => (origin === "all" ? g.all : g.origins[origin]) || {};
const barsOf = (h) => Object.entries(h || {}).map(([s, c]) => [Number(s), c]);

function drawHistograms() {
  const generation = GENERATIONS[Number(at("slider").value)];
  const origin = at("origin").value;
  const all = GENERATIONS.flatMap((g) => Object.values(histogramsOf(g, origin)).flatMap((h) => Object.keys(h).map(Number)));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const { before, after } = histogramsOf(generation, origin);
  for (const [id, histogramData, colour] of [["before", before, "var(--gold)"], ["after", after, "var(--blue)"]]) {
    const bars = barsOf(histogramData);
    const figure = at(id).querySelector(".plot");
    if (!bars.length) {
      figure.textContent = id === "before" ? "no starts but the empty board" : "no walks";
      figure.className = "plot soft";
      at(id).querySelector("output").textContent = "";
      continue;
    }
    figure.className = "plot";
    histogram(figure, bars, colour, low, high, Math.max(...bars.map((b) => b[1])), generation.best);
    const walks = bars.reduce((sum, b) => sum + b[1], 0);
    const mean = bars.reduce((sum, b) => sum + b[0] * b[1], 0) / walks;
    at(id).querySelector("output").textContent =
      `${walks} sets, mean ${mean.toFixed(1)}, best ${Math.max(...bars.map((b) => b[0]))}`;
  }
  at("generation").textContent = `generation ${generation.generation}, best ${generation.best}`;
}

function wireHistograms() {
  const slider = at("slider");
  slider.max = GENERATIONS.length - 1;
  slider.value = DATA.opening;
  const present = Object.keys(ORIGINS).filter((o) => o === "all" || GENERATIONS.some((g) => g.origins[o]?.after));
  for (const origin of present) at("origin").add(new Option(ORIGINS[origin], origin));
  slider.addEventListener("input", drawHistograms);
  at("origin").addEventListener("change", drawHistograms);
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; at("play").textContent = "Play"; };
  at("play").addEventListener("click", () => {
    if (timer !== null) return stop();
    if (slider.value === slider.max) slider.value = 0;
    at("play").textContent = "Pause";
    drawHistograms();
    timer = setInterval(() => {
      if (slider.value === slider.max) return stop();
      slider.stepUp();
      drawHistograms();
    }, Math.max(60, Math.min(500, 15000 / GENERATIONS.length)));
  });
  slider.addEventListener("pointerdown", () => timer !== null && stop());
}

// -- attention --------------------------------------------------------------------------------------------------------

/** Weights of step `row` in the chosen layer and head (or the mean of heads): size, class, then the cells so far. */
function weightsAt(row) {
  const heads = DATA.attention.weights[Number(at("layer").value)];
  const head = at("head").value;
  const chosen = head === "mean" ? heads : [heads[Number(head)]];
  const decode = (c) => (LEVELS.indexOf(c) / (LEVELS.length - 1)) ** 2;
  return [...chosen[0][row]].map((_, i) => chosen.reduce((sum, h) => sum + decode(h[row][i]), 0) / chosen.length);
}

function drawAttention() {
  const { cells, n, board } = DATA.attention;
  const step = Number(at("step").value);
  const weights = weightsAt(step);
  const top = Math.max(...weights.slice(2), 1e-9);
  const next = step < cells.length ? `token ${step + 1} of ${cells.length}` : "the end";
  at("step-text").textContent = `writes ${next}`;
  at("prefix").textContent = `${percent(weights[0])} on the size, ${percent(weights[1])} on the class`;
  if (board) {
    const svg = element("svg", { class: "board-svg", viewBox: `-0.3 -0.3 ${n + 0.6} ${n + 0.6}`, role: "img" });
    svg.append(element("rect", { class: "paper", width: n, height: n }));
    let path = "";
    for (let i = 0; i <= n; i++) path += `M0 ${i}H${n}M${i} 0V${n}`;
    svg.append(element("path", { class: "lines", d: path, "stroke-width": n / 800 }));
    const dot = (cell, attributes) => svg.append(element("circle", { cx: cell[1] + 0.5, cy: cell[0] + 0.5, ...attributes }));
    cells.forEach((orbit, i) => orbit.forEach((cell, k) => {
      if (i > step) return;
      if (i === step) return dot(cell, { class: "head", r: 0.36, "stroke-width": 0.12, "stroke-dasharray": k ? "0.2 0.16" : "none" });
      dot(cell, { class: "free", r: 0.42 });
      dot(cell, { class: "ink", r: 0.42, opacity: (weights[i + 2] / top).toFixed(3) });
    }));
    at("attention-board").replaceChildren(svg);
  }
  at("attention-board").closest("figure").hidden = !board; // a cube or a graph has its matrix only
  drawMatrix(step);
}

function drawMatrix(step) {
  const rows = DATA.attention.cells.length + 1;
  const svg = element("svg", { class: "board-svg", viewBox: `0 0 ${rows + 1} ${rows}`, role: "img" });
  svg.append(element("rect", { class: "paper", width: rows + 1, height: rows }));
  for (let r = 0; r < rows; r++) {
    const weights = weightsAt(r);
    const most = Math.max(...weights);
    weights.forEach((w, c) => {
      if (w > 0.002) svg.append(element("rect", { class: "ink", x: c, y: r, width: 1, height: 1, opacity: (w / most).toFixed(3) }));
    });
  }
  svg.append(element("rect", { class: "head", x: 0, y: step, width: step + 2, height: 1, "stroke-width": rows / 150 }));
  at("attention-matrix").replaceChildren(svg);
}

function wireAttention() {
  const { cells, weights } = DATA.attention;
  weights.forEach((_, i) => at("layer").add(new Option(`layer ${i + 1}`, i)));
  at("layer").value = weights.length - 1;
  at("head").add(new Option("mean of heads", "mean"));
  weights[0].forEach((_, i) => at("head").add(new Option(`head ${i + 1}`, i)));
  at("step").max = cells.length;
  at("step").value = Math.max(1, cells.length - 1);
  for (const id of ["layer", "head", "step"]) at(id).addEventListener("input", drawAttention);
}

// -- all of it --------------------------------------------------------------------------------------------------------

function draw() {
  if (!GENERATIONS.length) return;
  drawScores();
  drawShares();
  drawPhases();
  if (DATA.loss.length) drawLoss();
  drawHistograms();
}

if (GENERATIONS.length) wireHistograms();
if (DATA.attention) { wireAttention(); drawAttention(); }
at("copy")?.addEventListener("click", () => {
  getSelection().selectAllChildren(at("command"));
  document.execCommand("copy");
  at("copy").textContent = "Copied";
});
draw();
let width = document.body.clientWidth;
addEventListener("resize", () => {
  if (document.body.clientWidth !== width) { width = document.body.clientWidth; draw(); }
});
