// The sheet itself: rows, changing numbers, the walk, predicting, links and pictures.

const page = JSON.parse(document.getElementById("computation").textContent);
const byId = (id) => document.getElementById(id);
const values = page.values.map((v) => (v.numbers ? array(v.rows ? [v.rows, v.numbers.length / v.rows] : v.shape, Float64Array.from(v.numbers, Number)) : null));
page.values.forEach((v, i) => { if (v.rows && values[i]) values[i].shape = [v.rows, v.numbers.length / v.rows]; });
const recorded = [...values];
const stepByResult = new Map(page.steps.flatMap((s) => s[3].map((r) => [r, s])));
const forwardSteps = stepsFor([page.loss, ...page.decisions.map((d) => d.v)]);
const missing = [...new Set(page.steps.map((s) => s[0]).filter((name) => !Object.hasOwn(K, name)))];
const obstacle = page.obstacle || (missing.length ? `the page has no JavaScript for ${missing.map((m) => `np.${m}`).join(", ")}` : otherwise());
const inputs = new Set(obstacle ? [] : page.inputs.filter((i) => i.floating).map((i) => i.v));
const changes = new Map();
let strayed = "";
const changeable = (v) => sourceOf(v) !== null;
const live = () => !obstacle;
const rounds = new Map();

// The first function that gives other numbers here than were recorded, as a sentence; "" if none does.
function otherwise() {
  const largest = (a) => a.data.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  for (const step of page.steps) {
    const copy = [...recorded], read = [...operandsOf([step])], all = [...read, ...step[3]];
    const coarse = all.some((v) => /float(16|32)/.test(page.values[v].dtype)) ? 1e-3 : 1e-9;
    const isSame = (v) => {
      const a = copy[v], b = recorded[v];
      if (String(a.shape) !== String(b.shape)) return false;
      const allowed = Math.max(...[v, ...read].map((r) => largest(recorded[r]))) * coarse;
      return b.data.every((x, k) => Object.is(x, a.data[k]) || x === a.data[k] || Math.abs(x - a.data[k]) <= allowed);
    };
    let same = false;
    try { run(step, copy); same = step[3].every(isSame); } catch { /* It is said below. */ }
    if (!same) return `${step[0]} gives other numbers in the page than in NumPy`;
  }
  return "";
}

function stepsFor(wanted) {
  const needed = new Set(wanted), found = [];
  for (const step of [...page.steps].reverse()) if (step[3].some((r) => needed.has(r))) { found.push(step); operandsOf([step], needed); }
  return found.reverse();
}

// The values that steps read.
function operandsOf(steps, found = new Set()) {
  const walk = (tree) => {
    if (tree === null || typeof tree !== "object") return;
    if ("v" in tree) found.add(tree.v); else Object.values(tree).forEach(walk);
  };
  for (const step of steps) { walk(step[1]); walk(step[2]); }
  return found;
}

// Rows.

const MATH = "http://www.w3.org/1998/Math/MathML";
function mathOf([name, ...children]) {
  const made = document.createElementNS(MATH, name);
  if (name === "math") made.setAttribute("displaystyle", "true");
  if (name === "mspace") made.setAttribute("width", "0.17em");
  for (const child of children) made.append(typeof child === "string" ? child : mathOf(child));
  return made;
}

function isInfix(x) {
  if (x.label || !x.a) return true;
  return x.symbol && x.symbol !== "**" && x.a.length === 2 && x.a.every(isInfix);
}
function leavesOf(x, found = []) {
  if (x.label) found.push(x);
  else for (const inner of x.a ?? []) leavesOf(inner, found);
  return found;
}
function infix(x, parts, strength = 0) {
  if (x.label) { parts.push(arrayView(x.v, x.label)); return parts; }
  if (!x.a) { parts.push(element("span", { class: "number" }, x.text)); return parts; }
  const own = "+-".includes(x.symbol) ? 1 : 2, sign = { "*": "×", "-": "−", "/": "÷" }[x.symbol] ?? x.symbol;
  if (own < strength) parts.push(operator("("));
  infix(x.a[0], parts, own);
  parts.push(operator(sign));
  infix(x.a[1], parts, x.symbol === "-" || x.symbol === "/" ? own + 1 : own);
  if (own < strength) parts.push(operator(")"));
  return parts;
}
const operator = (text) => element("span", { class: "op" }, text);

function flowOf(statement) {
  const flow = element("div", { class: "flow" });
  const leaves = leavesOf(statement.x);
  if (isInfix(statement.x) && leaves.length <= 4) flow.append(...infix(statement.x, []), operator("="));
  else {
    const distinct = [...new Map(leaves.map((l) => [l.v, l])).values()].slice(0, 6);
    distinct.forEach((l) => flow.append(arrayView(l.v, l.label)));
    flow.append(operator("→"));
  }
  flow.append(arrayView(statement.v, statement.adds ? `${statement.label} +=` : statement.label));
  if (statement.total !== undefined) flow.append(operator("total"), arrayView(statement.total, statement.label));
  return flow;
}

function statementView(statement, backward) {
  const made = element("div", { class: "statement" });
  made.statement = statement;
  if (backward) made.append(element("code", { class: "code" }, statement.text));
  made.append(element("div", { class: "equation" }, mathOf(statement.math)));
  const verdict = backward && page.verdicts?.[statement.label];
  if (verdict) made.append(element("p", { class: "verdict", "data-status": verdict.status }, verdict.text));
  const series = page.series[statement.at];
  if (series) made.append(sparks(series));
  made.append(flowOf(statement));
  const opens = graphButton(statement);
  if (opens) made.append(opens);
  if (backward && page.predictions) ask(made, statement);
  return made;
}

// Curves over the epochs: the size of the numbers, dead rows, and how far a parameter moved.
function sparks({ sizes, dead, moved, broken }) {
  const made = element("p", { class: "spark" });
  if (broken) made.append(element("strong", { class: "answer no" }, `not finite since epoch ${broken}`));
  const add = (name, list, logarithmic, text) => made.append(element("span", {}, name), curve(list, logarithmic), element("span", {}, text));
  add("size", sizes, true, ends(sizes));
  if (dead.some((x) => x > 0)) add("dead", dead, false, `${Math.round(100 * dead.at(-1))} %`);
  if (moved.some((x) => x)) add("moved per epoch", moved, true, ends(moved));
  return made;
}
const ends = (list) => { const some = list.filter((x) => x !== null); return some.length ? `${shown(some[0])} → ${shown(some.at(-1))}` : ""; };
function curve(list, logarithmic) {
  const scale = (x) => (logarithmic ? Math.log(Math.max(x, 1e-30)) : x);
  const some = list.filter((x) => x !== null && x > 0).map(scale), low = Math.min(...some), high = Math.max(...some);
  const y = (x) => 24 - (high > low ? ((scale(x) - low) / (high - low)) * 22 : 11);
  let pen = "M";
  const d = list.map((x, i) => {
    if (x === null || (logarithmic && x <= 0)) { pen = "M"; return ""; }
    const point = `${pen} ${1 + (118 * i) / Math.max(1, list.length - 1)} ${y(x)}`;
    pen = "L";
    return point;
  }).join(" ");
  return drawn("svg", { viewBox: "0 0 120 26", "aria-hidden": "true" }, drawn("path", { d }));
}

// A button that opens the statement into its graph.
function graphButton(statement) {
  if (!statement.x.a || statement.x.label) return null;
  const button = element("button", { type: "button", class: "opens", "aria-expanded": "false" }, "graph");
  let graph = null;
  button.addEventListener("click", () => {
    if (graph) { graph.remove(); graph = null; } else { graph = graphOf(statement); button.after(graph); }
    button.setAttribute("aria-expanded", String(Boolean(graph)));
  });
  return button;
}

function roundOf(row) {
  return row.rounds[Math.min(rounds.get(key(row)) ?? row.rounds.length - 1, row.rounds.length - 1)];
}
const key = (row) => (row.rounds.length > 1 ? `${row.function} ${row.rounds.length}` : row);

function fill(made) {
  const row = made.row, round = roundOf(row);
  const code = row.code || round.forward.map((s) => s.text).join("; ");
  const line = element("div", { class: "line" }, element("small", {}, row.line ? String(row.line) : ""), element("code", { class: "code" }, code));
  const front = element("div", { class: "reading" }, line), back = element("div", { class: "half b" });
  if (row.rounds.length > 1) front.append(slider(row));
  round.forward.forEach((s) => front.append(statementView(s, false)));
  round.backward.forEach((s) => back.append(statementView(s, true)));
  if (!round.backward.length) back.append(element("p", { class: "note" }, note(row)));
  const halves = element("div", { class: "halves" }, element("div", { class: "half f" }, front), back);
  made.replaceChildren(halves);
  if (round.inner.length) {
    const open = element("button", { type: "button", "aria-expanded": String(Boolean(made.open)) }, made.open ? "close" : `open ${round.inner[0].function}`);
    open.addEventListener("click", () => { made.open = !made.open; fill(made); drawArcs(); made.querySelector(".line button")?.focus(); });
    line.append(open);
    if (made.open) {
      const inner = element("ol", { class: "inner" });
      round.inner.forEach((r) => inner.append(rowView(r, true)));
      made.append(inner);
    }
  }
  made.filled = true;
}

function note(row) {
  const flat = page.rows.flatMap((r) => r.rounds), here = flat.indexOf(roundOf(row));
  if (here < 0) return "";
  for (let i = here - 1; i >= 0; i--) if (flat[i].backward.length) return `its slope is a part of ${flat[i].backward[0].label} above`;
  return "nothing here is differentiated";
}

function slider(row) {
  const input = element("input", { type: "range", min: "0", max: String(row.rounds.length - 1), "aria-label": `Round of line ${row.line}` });
  input.value = row.rounds.indexOf(roundOf(row));
  const label = element("span", {}, `round ${Number(input.value) + 1} of ${row.rounds.length}`);
  input.addEventListener("input", () => {
    rounds.set(key(row), Number(input.value));
    const holder = input.closest(".row");
    refill(row);
    holder.querySelector(".rounds input").focus();
  });
  return element("div", { class: "rounds" }, `× ${row.rounds.length}`, input, label);
}

// All rows of the loop that a row is in.
function refill(row) {
  for (const made of document.querySelectorAll(".row")) if (made.filled && key(made.row) === key(row)) fill(made);
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting && !target.filled) fill(target);
}, { rootMargin: "600px" });

function rowView(row, now = false) {
  const made = element("li", { class: "row" });
  made.row = row;
  if (now) fill(made);
  else {
    made.append(element("div", { class: "half f line" }, element("small", {}, String(row.line || "")), element("code", { class: "code" }, row.code)));
    seen.observe(made);
  }
  return made;
}

// Arcs from the row that makes a value to the rows, further down, that read it.

function drawArcs() {
  const arcs = byId("arcs"), list = [...byId("rows").children];
  arcs.replaceChildren();
  if (list.length > 60) return;
  const maker = new Map();
  list.forEach((made, i) => made.row.rounds.forEach((r) => r.forward.forEach((s) => { if (!maker.has(s.v)) maker.set(s.v, i); })));
  const drawn = new Set(), top = byId("rows").parentNode.getBoundingClientRect().top;
  const middle = (i) => { const box = list[i].getBoundingClientRect(); return box.top - top + 18; };
  list.forEach((made, i) => made.row.rounds.forEach((r) => r.forward.forEach((s) => leavesOf(s.x).forEach((leaf) => {
    const from = maker.get(leaf.v);
    if (from === undefined || i - from < 2 || drawn.has(`${from} ${i}`)) return;
    drawn.add(`${from} ${i}`);
    const width = parseFloat(getComputedStyle(byId("rows").parentNode).paddingLeft);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const reach = width - Math.min(width - 4, 8 + 6 * (i - from));
    path.setAttribute("d", `M ${width} ${middle(from)} C ${reach} ${middle(from)}, ${reach} ${middle(i)}, ${width} ${middle(i)}`);
    arcs.append(path);
  }))));
}

// Numbers that change.

const VIEWS = new Set("getitem transpose matrix_transpose swapaxes moveaxis reshape ravel squeeze expand_dims broadcast_to flip diagonal".split(" "));
const sources = new Map();

// The input that a value is, or whose elements it holds in other places, and the place of each; else null.
function sourceOf(v) {
  if (inputs.has(v)) return { v, at: values[v].data.map((_, k) => k) };
  if (!sources.has(v)) {
    const step = stepByResult.get(v), of = step && VIEWS.has(step[0]) && step[1][0]?.v;
    const inner = typeof of === "number" ? sourceOf(of) : null;
    sources.set(v, inner && { step, of, inner });
  }
  const found = sources.get(v);
  if (!found) return null;
  try { return { v: found.inner.v, at: placesIn(found.step, found.inner.at) }; } catch { return null; }
}

// For each element of a view that a step makes, the one of `places` that belongs to its element of the operand.
function placesIn(step, places) {
  const copy = [...values], of = step[1][0].v;
  copy[of] = array(values[of].shape, Float64Array.from(places));
  run(step, copy);
  return copy[step[3][0]].data;
}

function recompute() {
  for (const v of inputs) values[v] = recorded[v];
  for (const [v, some] of changes) {
    values[v] = array(recorded[v].shape, Float64Array.from(recorded[v].data));
    for (const [k, x] of some) values[v].data[k] = x;
  }
  strayed = "";
  if (!changes.size) recorded.forEach((value, v) => { values[v] = value; });
  else strayed = computed(values);
  if (strayed) for (const v of stepByResult.keys()) values[v] = array(recorded[v].shape, new Float64Array(recorded[v].data.length).fill(NaN));
  showState();
  paintAll();
}

// Computes all values; what stands in the way with these numbers, as a sentence.
function computed(values) {
  try { for (const step of page.steps) run(step, values); } catch (error) { return error.message; }
  return decidedOtherwise(values);
}

// The program is one way through the function: it holds while what was decided on stays as it was.
function decidedOtherwise(values) {
  const equal = (a, b) => a.data.length === b.data.length && a.data.every((x, k) => Object.is(x, b.data[k]) || x === b.data[k]);
  const other = page.decisions.find(({ v }) => values[v] !== recorded[v] && !equal(values[v], recorded[v]));
  return other ? `with these numbers, “${other.code}” goes another way, which was not recorded` : "";
}

let waiting = 0;
function change(v, k, x) {
  if (!changes.has(v)) changes.set(v, new Map());
  changes.get(v).set(k, x);
  if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; recompute(); remember(); });
}

function showState() {
  byId("loss-value").textContent = values[page.loss] && !strayed ? shown(sumOf(values[page.loss])) : "?";
  const badge = byId("badge");
  badge.dataset.state = obstacle ? "fixed" : strayed ? "strayed" : changes.size ? "live" : "recorded";
  const text = obstacle ? `read-only: ${obstacle}` : strayed ? `not computed: ${strayed}` : changes.size ? "live" : "as recorded · drag an underlined number";
  if (badge.textContent !== text) badge.textContent = text;
  byId("reset").hidden = !changes.size;
}

let drag = null;
addEventListener("pointerdown", (event) => {
  const at = event.button ? null : cellAt(event);
  if (!at || event.target.closest("input")) return;
  point(at);
  const v = Number(at.view.dataset.v);
  if (!changeable(v)) return;
  const x = values[v].data[at.k], source = sourceOf(v);
  drag = { v: source.v, k: source.at[at.k], x, from: event.clientX, scale: Math.max(Math.abs(x), 0.2) / 60, at };
  if (event.pointerType === "mouse") event.preventDefault();
  at.view.focus?.({ preventScroll: true });
});
addEventListener("pointermove", (event) => {
  if (drag) {
    if (Math.abs(event.clientX - drag.from) < 3 && !changes.has(drag.v)) return;
    change(drag.v, drag.k, Number((drag.x + (event.clientX - drag.from) * drag.scale).toPrecision(4)));
    point(drag.at);
    return;
  }
  const at = event.pointerType === "mouse" ? cellAt(event) : null;
  if (at) point(at);
});
for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => { drag = null; });

function point(at) {
  const { text, cells } = explained(at.view, at.k);
  byId("why").replaceChildren(element("p", {}, text));
  light(cells, at.view);
  at.cell?.classList.add("at");
  at.view.dataset.at = at.k;
}

function edit(view, k) {
  const v = Number(view.dataset.v), cell = view.querySelector(`td[data-k="${k}"]`);
  if (!cell || !changeable(v)) return;
  const input = element("input", { type: "text", inputmode: "decimal", "aria-label": `New value of ${nameOfCell(view.dataset.label, k, values[v].shape)}` });
  input.value = String(values[v].data[k]);
  cell.replaceChildren(input);
  input.focus();
  input.select();
  let done = false;
  const end = (take) => {
    if (done) return;
    done = true;
    const text = input.value.trim().replace("−", "-"), x = Number(text);
    input.remove();
    const source = sourceOf(v);
    if (take && text !== "" && Number.isFinite(x)) change(source.v, source.at[k], x);
    view.paint();
    view.focus();
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") end(true);
    if (event.key === "Escape") end(false);
  });
  input.addEventListener("blur", () => end(true));
}

addEventListener("dblclick", (event) => { const at = cellAt(event); if (at) edit(at.view, at.k); });

// The walk: down through the lines, and up again.

const stops = [
  ...page.rows.flatMap((row, i) => row.rounds.map((r, n) => ({ i, n, at: r.at, list: r.forward.map((_, s) => s), half: "f" }))).sort((a, b) => a.at - b.at),
  ...page.rows.flatMap((row, i) => row.rounds.map((r, n) => ({ i, n, at: r.at, list: r.backward.map((_, s) => s), half: "b" }))).sort((a, b) => b.at - a.at),
].flatMap(({ i, n, list, half }) => list.map((s) => ({ i, n, s, half })));
let now = -1, timer = 0;

function go(to, scroll = true) {
  now = Math.max(0, Math.min(stops.length - 1, to));
  const stop = stops[now];
  if (!stop) return;
  const made = byId("rows").children[stop.i], row = made.row;
  if (row.rounds.length > 1 && (rounds.get(key(row)) ?? row.rounds.length - 1) !== stop.n) { rounds.set(key(row), stop.n); refill(row); }
  if (!made.filled) fill(made);
  for (const lit of document.querySelectorAll(".statement.lit")) lit.classList.remove("lit");
  const lit = made.querySelectorAll(`:scope > .halves > .half.${stop.half} .statement`)[stop.s];
  lit?.classList.add("lit");
  if (scroll) lit?.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  byId("slider").value = now;
  byId("slider").setAttribute("aria-valuetext", `${now + 1} of ${stops.length}, ${lit?.statement.text ?? ""}`);
  byId("counter").textContent = `${now + 1} of ${stops.length} · ${stop.half === "f" ? "forward" : "backward"}`;
  remember();
}

function play() {
  const playing = !timer;
  clearInterval(timer);
  timer = 0;
  if (playing) {
    if (now >= stops.length - 1) go(0);
    timer = setInterval(() => (now < stops.length - 1 ? go(now + 1) : play()), 1100);
  }
  byId("play").classList.toggle("playing", playing);
  byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
}

const moves = { first: () => go(0), back: () => go(now - 1), forward: () => go(now + 1), last: () => go(stops.length - 1), play };
for (const [id, move] of Object.entries(moves)) byId(id).addEventListener("click", move);
byId("slider").max = Math.max(0, stops.length - 1);
byId("slider").addEventListener("input", (event) => go(Number(event.target.value)));

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, dialog")) return;
  const view = event.target.closest(".matrix, figure.heat");
  if (view) { if (moveInside(view, event.key)) event.preventDefault(); return; }
  const named = { ArrowRight: "forward", ArrowLeft: "back", Home: "first", End: "last" }[event.key];
  if (named) moves[named]();
  else if (event.key === " " && !event.target.closest("button")) play();
  else if (event.key === "?") byId("keys").showModal();
  else return;
  event.preventDefault();
});

function moveInside(view, pressed) {
  const v = Number(view.dataset.v), [rows, columns] = gridOf(values[v].shape);
  let k = Number(view.dataset.at ?? 0);
  const limit = (n) => (view.matches(".matrix") ? shownOf(n).length : n);
  let i = Math.floor(k / columns), j = k % columns;
  if (pressed === "ArrowRight") j++; else if (pressed === "ArrowLeft") j--;
  else if (pressed === "ArrowDown") i++; else if (pressed === "ArrowUp") i--;
  else if (pressed === "Enter" || /^[-.\d]$/.test(pressed)) { edit(view, k); return true; }
  else return false;
  i = Math.max(0, Math.min(limit(rows) - 1, i)); j = Math.max(0, Math.min(limit(columns) - 1, j));
  k = i * columns + j;
  point({ view, k, cell: view.querySelector(`td[data-k="${k}"]`) });
  return true;
}
addEventListener("focusin", (event) => {
  const view = event.target.closest?.(".matrix, figure.heat");
  if (view && event.target === (view.matches(".matrix") ? view : event.target) && !drag) point({ view, k: Number(view.dataset.at ?? 0), cell: view.querySelector(`td[data-k="${view.dataset.at ?? 0}"]`) });
});

byId("predict").hidden = !page.predictions || Boolean(obstacle);
byId("predict").addEventListener("click", () => {
  const on = document.body.classList.toggle("predicting");
  byId("predict").setAttribute("aria-pressed", String(on));
  for (const made of document.querySelectorAll("#rows > .row")) if (made.filled) fill(made);
});

// Links: the step and the changed numbers.

function remember() {
  const parts = new URLSearchParams();
  if (now >= 0) parts.set("step", now + 1);
  const list = [...changes].flatMap(([v, some]) => [...some].map(([k, x]) => `${v}:${k}:${x}`));
  if (list.length) parts.set("set", list.join(","));
  try { history.replaceState(null, "", `#${parts}`); } catch { /* A page in a frame has no history of its own. */ }
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  changes.clear();
  for (const item of (parts.get("set") ?? "").split(",").filter(Boolean)) {
    const [v, k, x] = item.split(":").map(Number);
    if (!inputs.has(v) || !Number.isFinite(x) || !(k >= 0 && k < recorded[v].data.length)) continue;
    if (!changes.has(v)) changes.set(v, new Map());
    changes.get(v).set(k, x);
  }
  if (changes.size) recompute();
  const step = Number(parts.get("step"));
  if (step) go(step - 1);
}

byId("share").addEventListener("click", async () => {
  remember();
  try { await navigator.clipboard.writeText(location.href); byId("share").textContent = "Copied"; }
  catch { byId("share").textContent = "In the address bar"; }
  setTimeout(() => { byId("share").textContent = "Copy link"; }, 1500);
});
byId("reset").addEventListener("click", () => { changes.clear(); recompute(); remember(); });

// Pictures of what is seen.

function picture() {
  const main = byId("main"), box = main.getBoundingClientRect();
  for (const made of document.querySelectorAll("#rows > .row")) if (!made.filled) fill(made);
  const copy = main.cloneNode(true);
  const canvases = main.querySelectorAll("canvas");
  copy.querySelectorAll("canvas").forEach((canvas, i) => {
    const image = element("img", { src: canvases[i].toDataURL(), alt: "" });
    image.style.cssText = canvases[i].style.cssText;
    canvas.replaceWith(image);
  });
  copy.querySelectorAll("button, input, form").forEach((e) => e.remove());
  const style = document.querySelector("style").textContent;
  const scheme = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const text = new XMLSerializer().serializeToString(copy);
  const ground = getComputedStyle(document.body).backgroundColor;
  const height = Math.ceil(main.scrollHeight), width = Math.ceil(box.width);
  return { width, height, text:
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="${ground}"/>` +
    `<foreignObject width="100%" height="100%"><html xmlns="http://www.w3.org/1999/xhtml" data-theme="${scheme}"><head><style><![CDATA[${style} .row{content-visibility:visible}]]></style></head><body>${text}</body></html></foreignObject></svg>` };
}

function save(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
byId("svg").addEventListener("click", () => save(new Blob([picture().text], { type: "image/svg+xml" }), "sheet.svg"));
byId("png").addEventListener("click", () => {
  const { text, width, height } = picture();
  const image = new Image();
  image.onload = () => {
    const canvas = element("canvas");
    const scale = Math.min(2, 16_000 / height);
    canvas.width = width * scale; canvas.height = height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.drawImage(image, 0, 0);
    canvas.toBlob((blob) => save(blob, "sheet.png"));
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
});

// For the console: sheet.value("dW1") and sheet.set("W1", 0, 0.5).

globalThis.sheet = Object.freeze({
  labels: () => Object.keys(environment()),
  value: (label) => { const found = environment()[label]; return found && { shape: [...found.shape], data: [...found.data] }; },
  set: (label, k, x) => {
    const input = page.inputs.find((i) => i.label === label && changeable(i.v));
    if (!input) throw new RangeError(`${label} is no input that can be changed`);
    if (!changes.has(input.v)) changes.set(input.v, new Map());
    changes.get(input.v).set(k, Number(x));
    recompute();
  },
  state: () => byId("badge").dataset.state,
});

// The start.

const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const nameTheme = () => { byId("theme").textContent = dark() ? "Light" : "Dark"; };
byId("theme").addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; nameTheme(); paintAll(); });
byId("help").addEventListener("click", () => byId("keys").showModal());
addEventListener("beforeprint", () => { for (const made of document.querySelectorAll(".row")) if (!made.filled) fill(made); });
addEventListener("resize", drawArcs);
addEventListener("hashchange", recall);
new ResizeObserver(drawArcs).observe(byId("rows"));

byId("loss-name").textContent = page.values[page.loss].shape.length ? `J = sum(${page.name})` : `J = ${page.name}`;
page.rows.forEach((row, i) => byId("rows").append(rowView(row, i < 12)));
nameTheme();
showState();
byId("counter").textContent = `${stops.length} steps`;
recall();
drawArcs();
