// Where a number comes from: the numbers it is made of, and a nudge that measures a gradient.

const TERM_LIMIT = 12;

function stepOf(v) {
  return stepByResult.get(v);
}

function axisOf(step) {
  const args = step[1].map((a) => decoded(a, values)), options = decodedOptions(step[2], values);
  return { axis: option(args, options, 1, "axis", null), keepdims: option(args, options, 3, "keepdims", false) };
}

// The element of an expression at an index, written out: its text and the cells it reads.
function written(x, index, inside = false) {
  if (x.v === undefined) return { text: x.text, cells: [] };
  const value = values[x.v];
  index = value.shape.map((l, i) => (l === 1 ? 0 : index[i + index.length - value.shape.length] ?? 0));
  const flat = stridesOf(value.shape).reduce((s, step, i) => s + step * index[i], 0);
  if (x.label || !x.a) return { text: shown(value.data[flat]), cells: [[x.v, flat]] };
  const inner = (operand, at) => written(operand, at, true);
  const expanded = (operand) => {
    if (operand.v === undefined) return [];
    const shape = values[operand.v].shape, extra = index.length - shape.length;
    return shape.map((l, i) => (l === 1 ? 0 : index[i + extra]));
  };
  const enclosed = (text) => (inside ? `(${text})` : text);
  if (x.symbol === "@" && x.a.every((o) => values[o.v]?.shape.length === 2)) {
    const n = values[x.a[0].v].shape[1];
    const terms = Array.from({ length: n }, (_, k) => [written(x.a[0], [index[0], k], true), written(x.a[1], [k, index[1]], true)]);
    return listed(terms.map(([p, q]) => ({ text: `${p.text}·${factor(q.text)}`, cells: [...p.cells, ...q.cells] })), enclosed);
  }
  if (["sum", "mean"].includes(x.f) && values[x.a[0].v] && stepOf(x.v)) {
    const a = values[x.a[0].v], { axis, keepdims } = axisOf(stepOf(x.v)), axes = axesOf(axis, a.shape.length);
    const kept = [...a.shape.keys()].filter((i) => !axes.includes(i));
    const at = new Array(a.shape.length).fill(0);
    kept.forEach((i, k) => { at[i] = index[keepdims ? i : k]; });
    const lengths = axes.map((i) => a.shape[i]), count = product(lengths);
    const terms = Array.from({ length: count }, (_, k) => {
      const where = [...at];
      indexOf(k, lengths).forEach((m, i) => { where[axes[i]] = m; });
      return written(x.a[0], where, true);
    });
    const found = listed(terms, x.f === "sum" ? enclosed : (t) => `(${t})`);
    return x.f === "sum" ? found : { text: `${found.text} / ${count}`, cells: found.cells };
  }
  if (VIEWS.has(x.f) && x.a[0].v !== undefined && stepOf(x.v)?.[1][0]?.v === x.a[0].v) {
    return inner(x.a[0], indexOf(placesIn(stepOf(x.v), [...values[x.a[0].v].data.keys()])[flat], values[x.a[0].v].shape));
  }
  if (x.f === "astype") return inner(x.a[0], expanded(x.a[0]));
  if (x.symbol && x.symbol !== "@" && x.a.length === 2) {
    const [p, q] = x.a.map((o) => inner(o, expanded(o)));
    q.text = factor(q.text);
    if (x.symbol === "**") p.text = factor(p.text);
    const sign = { "*": "·", "-": "−", "**": "^" }[x.symbol] ?? x.symbol;
    return { text: enclosed(`${p.text} ${sign} ${q.text}`), cells: [...p.cells, ...q.cells] };
  }
  if (x.f === "square") {
    const base = inner(x.a[0], expanded(x.a[0]));
    return { text: `${factor(base.text)}^2`, cells: base.cells };
  }
  if (x.elementwise) {
    const parts = x.a.map((o) => inner(o, expanded(o)));
    const text = x.f === "negative" ? enclosed(`−${factor(parts[0].text)}`) : `${x.f}(${parts.map((p) => p.text).join(", ")})`;
    return { text, cells: parts.flatMap((p) => p.cells) };
  }
  return { text: shown(value.data[flat]), cells: [[x.v, flat]] };
}

// A number after an operator: a negative one in parentheses.
const factor = (text) => (text.startsWith("−") ? `(${text})` : text);

function listed(terms, enclosed) {
  if (!terms.length) return { text: "0", cells: [] };
  const few = terms.length <= TERM_LIMIT ? terms : terms.slice(0, TERM_LIMIT - 2);
  const text = few.map((t) => t.text).join(" + ") + (few.length < terms.length ? ` + … (${terms.length} terms)` : "");
  return { text: enclosed(text), cells: terms.flatMap((t) => t.cells) };
}

// Numbers of float32 are rounded more coarsely, and so are differences of them.
const nudge = () => (forwardSteps.some((s) => s[4].some((dtype) => /float(16|32)/.test(dtype))) ? 5e-3 : 6e-6);
const sumOf = (value) => value.data.reduce((a, b) => a + b, 0);

// How much the loss changes with one number, by a small step to both sides of it.
function nudged(v, k) {
  const x = values[v].data[k], h = nudge() * Math.max(1, Math.abs(x));
  const at = (changed) => {
    const copy = [...values], made = stepByResult.get(v);
    const put = () => { copy[v] = array(values[v].shape, Float64Array.from(copy[v].data)); copy[v].data[k] = changed; };
    if (!made) put();
    for (const step of forwardSteps) { run(step, copy); if (step === made) put(); }
    return decidedOtherwise(copy) ? NaN : sumOf(copy[page.loss]);
  };
  try { return { slope: (at(x + h) - at(x - h)) / (2 * h), h }; } catch { return { slope: NaN, h }; }
}

// The text for a cell of a view, and the cells to light.
function explained(view, k) {
  const v = Number(view.dataset.v), label = view.dataset.label.replace(/ \+=$/, ""), value = values[v];
  if (!value) return { text: label, cells: [] };
  const name = nameOfCell(label, k, value.shape), number = shown(value.data[k]);
  const holder = view.closest(".statement"), statement = holder?.statement;
  let text = `${name} = ${number}`, cells = [[v, k]];
  if (isUnknown(v)) return { text: `${name} is not computed: ${strayed}`, cells };
  if (statement && (statement.v === v || statement.total === v) && !statement.sourceless) {
    const found = written(statement.x, indexOf(k, value.shape));
    if (statement.v === v) { text += found.text === number ? "" : ` = ${found.text}`; cells = cells.concat(found.cells); }
    else text += `, the sum of all parts`;
  }
  const whole = statement?.of !== undefined && (statement.total ?? (statement.only ? statement.v : undefined)) === v;
  if (whole && !statement.shared && live() && Number.isFinite(values[statement.of]?.data[k])) {
    const { slope, h } = nudged(statement.of, k);
    if (!Number.isNaN(slope)) text += `   ·   nudge ${nameOfCell(statement.source, k, values[statement.of].shape)} by ±${h.toExponential(0)}: ΔJ/Δ = ${shown(slope)}`;
  }
  return { text, cells };
}

function light(cells, current) {
  for (const cell of document.querySelectorAll("td.hot, td.at")) cell.classList.remove("hot", "at");
  const wanted = new Map();
  for (const [v, k] of cells) { if (!wanted.has(v)) wanted.set(v, new Set()); wanted.get(v).add(k); }
  const row = current.closest(".row");
  for (const made of row ? row.querySelectorAll(".matrix") : []) {
    const some = wanted.get(Number(made.dataset.v));
    if (some) for (const cell of made.querySelectorAll("td[data-k]")) if (some.has(Number(cell.dataset.k))) cell.classList.add("hot");
  }
}
