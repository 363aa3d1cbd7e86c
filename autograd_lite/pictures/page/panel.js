// What the panel and the card say: arrays as heat maps, and each step in words and numbers.

const STATUS_WORDS = {
  correct: "is right",
  convention: "is right, in a convention of its own",
  inherited: "is wrong only because of what it was computed from",
  missing: "is not in the derivation",
  wrong: "is wrong",
};

function nameOf(node) {
  return node.name || node.formula || node.operation || node.kind;
}

function gradientOf(node) {
  if (node.verdict) return node.verdict.gradient;
  const name = elided(nameOf(node), 80);
  return node.name ? `d${name}` : `d(${name})`;
}

function equation(node) {
  const named = node.name && node.formula && node.formula !== node.name;
  return named ? `${node.name} = ${node.formula}` : nameOf(node);
}

function spoken(node) {
  const parts = [elided(equation(node), 200), node.kind];
  if (node.shape) parts.push(`shape ${node.shape}`);
  if (node.verdict) parts.push(`${node.verdict.gradient} ${STATUS_WORDS[node.verdict.status]}`);
  if (node.fault) parts.push(`fault: ${node.fault}`);
  return parts.join(", ");
}

// The number that a cell's colour stands for: of a complex number, its modulus.
function numberOf(text) {
  if (text === "True" || text === "False") return text === "True" ? 1 : 0;
  if (/inf/i.test(text)) return text.includes("-inf") ? -Infinity : Infinity;
  const complex = /^\(?(?:([-+]?[\d.]+(?:e[-+]?\d+)?)(?=[-+]))?([-+]?[\d.]+(?:e[-+]?\d+)?)j\)?$/i.exec(text);
  return complex ? Math.hypot(Number(complex[1] ?? 0), Number(complex[2])) : Number(text);
}

function shortened(text) {
  const number = /^[-+]?[\d.]+(e[-+]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (Number.isNaN(number)) return elided(text.replaceAll("-", "−"), 16);
  const size = Math.abs(number);
  let short;
  if (Number.isInteger(number) && size < 1e6) short = String(number);
  else if (size >= 1e6 || size < 1e-4) short = number.toExponential(3).replace(/\.?0*e\+?/, "e");
  else short = String(Number(number.toPrecision(4)));
  return short.replaceAll("-", "−");
}

function largest(arrays) {
  let extent = 0;
  for (const array of arrays) {
    for (const cell of array.cells) {
      const size = Math.abs(numberOf(cell));
      if (size > extent && size < Infinity) extent = size;
    }
  }
  return extent;
}

function coloured(cell, text, extent) {
  const number = numberOf(text);
  if (Number.isNaN(number)) cell.classList.add("nan");
  else if (!Number.isFinite(number)) cell.classList.add("inf");
  else {
    if (number < 0) cell.classList.add("negative");
    const share = extent ? Math.min(1, Math.abs(number) / extent) : 0;
    cell.style.setProperty("--share", `${Math.round(share * 1000) / 10}%`);
  }
}

// A grid of cells, each with all of its digits in data-text; numbers are shown where they fit.
function heatMap(array, extent) {
  const { rows, columns, cells } = array;
  const numbers = columns <= 8 && rows <= 12;
  const texts = numbers ? cells.map(shortened) : [];
  const side = Math.max(3, Math.min(20, Math.floor(330 / columns), Math.floor(220 / rows)));
  const wide = Math.max(4, ...texts.map((text) => text.length));
  const grid = html("div", {
    class: numbers ? "heat numbers" : "heat",
    tabindex: "0",
    role: "img",
    "aria-label": `${rows} rows by ${columns} columns, ${extremes(array)}`,
  });
  const column = numbers ? `calc(${wide}ch + 10px)` : `${side}px`;
  grid.style.gridTemplateColumns = `repeat(${columns}, ${column})`;
  grid.style.gridAutoRows = `${numbers ? 20 : side}px`;
  cells.forEach((text, i) => {
    const cell = document.createElement("span");
    cell.dataset.text = text;
    cell.title = `${position(array, i)}: ${text}`;
    if (numbers) cell.textContent = texts[i];
    coloured(cell, text, extent);
    grid.append(cell);
  });
  return grid;
}

// Where a cell is; of an array of more than two axes, its index in each as well.
function position({ shape, columns, reduced }, cell) {
  const place = `row ${Math.floor(cell / columns)}, column ${cell % columns}`;
  if (reduced) return `block at ${place}`;
  if (shape.length < 3) return place;
  const index = [];
  let rest = cell;
  for (const length of [...shape].reverse()) {
    index.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return `${place}, [${index.join(", ")}]`;
}

function extremes(array) {
  const parts = ["min", "mean", "max"].map((key) => `${key} ${shortened(String(array[key]))}`);
  if (array.nan) parts.push(`${array.nan} nan`);
  if (array.inf) parts.push(`${array.inf} inf`);
  if (array.reduced) parts.push(`means of blocks, ${array.rows} × ${array.columns}`);
  return parts.join("  ·  ");
}

// Under a heat map: its extremes, or the cell that is pointed at or reached by the arrow keys.
function readable(grid, line, array) {
  let at = -1;
  const cells = grid.children;
  const show = (index) => {
    cells[at]?.classList.remove("read");
    at = index;
    cells[at]?.classList.add("read");
    line.textContent = at < 0 ? extremes(array) : cells[at].title;
  };
  grid.addEventListener("pointerover", (event) => {
    if (event.target !== grid) show([...cells].indexOf(event.target));
  });
  grid.addEventListener("pointerleave", () => show(-1));
  grid.addEventListener("blur", () => show(-1));
  grid.addEventListener("keydown", (event) => {
    const by = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: array.columns,
      ArrowUp: -array.columns,
    }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    line.setAttribute("aria-live", "polite");
    const to = at < 0 ? 0 : at + by;
    if (to >= 0 && to < cells.length) show(to);
  });
}

function arrayView(array, extent = largest([array])) {
  if (array.cells.length === 1 && !array.reduced) {
    const number = html("output", { class: "scalar", "data-text": array.cells[0] });
    number.textContent = array.cells[0].replaceAll("-", "−");
    const sign = numberOf(array.cells[0]);
    if (!Number.isFinite(sign)) number.classList.add("odd");
    return [number];
  }
  if (!array.cells.length) return [html("p", { class: "extremes" }, "no elements")];
  const grid = heatMap(array, extent);
  const line = html("p", { class: "extremes" }, extremes(array));
  readable(grid, line, array);
  return [html("div", { class: "scroll" }, grid), line];
}

function shapeText(array) {
  const shape = array.shape;
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  return shape.length ? `(${dimensions}) ${array.dtype}` : array.dtype;
}

class Panel {
  constructor(data) {
    this.data = data;
  }

  array(id) {
    return id === null || id === undefined ? null : this.data.arrays[id];
  }

  // One line of the reckoning: a sign in the margin, words, and the numbers.
  part(name, sign, words, id, extent) {
    const array = this.array(id);
    const head = html("h3", {}, ...words);
    if (array) head.append(html("small", {}, shapeText(array)));
    const body = array ? arrayView(array, extent) : [];
    const attributes = { class: "part", "data-part": name };
    if (array) attributes["data-array"] = id;
    return html(
      "section",
      attributes,
      html("span", { class: "sign", "aria-hidden": "true" }, sign),
      html("div", { class: "body" }, head, ...body),
    );
  }

  heading(phase, kicker, title) {
    return html(
      "div",
      { class: `heading ${phase}` },
      html("p", { class: "kicker" }, kicker),
      html("h2", { "data-part": "equation" }, elided(title, 400)),
    );
  }

  remarks(node) {
    const remarks = [];
    if (node.line) remarks.push(html("p", { class: "source", "data-part": "line" }, node.line));
    if (node.fault) {
      remarks.push(html("p", { class: "alarm", "data-part": "fault" }, `! ${node.fault}`));
    }
    return remarks;
  }

  step(step) {
    if (step.phase === "forward") return this.forward(step);
    if (step.verdict) return this.verdict(step);
    return step.seed ? this.seed(step) : this.backward(step);
  }

  forward(step) {
    const node = this.data.nodes[step.node];
    const operands = [...new Set(step.edges.map((edge) => this.data.edges[edge].from))];
    const parts = operands.map((id) => {
      const operand = this.data.nodes[id];
      return this.part("operand", "", [code(nameOf(operand))], operand.value);
    });
    const kind = node.operation || node.kind;
    return [
      this.heading("forward", `Forward · ${kind}`, equation(node)),
      ...this.remarks(node),
      ...parts,
      this.part("value", "=", [code(nameOf(node))], node.value),
      legend(),
    ];
  }

  seed(step) {
    const node = this.data.nodes[step.node];
    return [
      this.heading("backward", "Backward · start", `${gradientOf(node)} = 1`),
      html(
        "p",
        { "data-part": "note" },
        `The backward pass starts at ${elided(nameOf(node), 80)}: its derivative by itself is 1.`,
      ),
      this.part("sum", "=", [code(gradientOf(node))], step.sum),
      legend(),
    ];
  }

  backward(step) {
    const from = this.data.nodes[step.node];
    const to = this.data.nodes[step.operand];
    const first = step.before === null;
    const sums = [step.product, step.before, step.sum].map((id) => this.array(id));
    const extent = largest(sums.filter(Boolean));
    const title = `${gradientOf(to)} ${first ? "=" : "+="} ${step.formula}`;
    const way = `Backward · from ${elided(nameOf(from), 60)} to ${elided(nameOf(to), 60)}`;
    const content = [
      this.heading("backward", way, title),
      ...this.remarks(from),
      this.part("arriving", "", ["gradient arriving, ", code(gradientOf(from))], step.arriving),
    ];
    if (step.local || this.array(step.local_value)) {
      const words = ["local derivative ", code(step.local ?? "")];
      const sign = step.formula.includes("@") ? "@" : "×";
      content.push(this.part("local", sign, words, step.local_value));
    }
    const passed = step.local ? "product " : "passed on as ";
    const product = this.part("product", "=", [passed, code(step.formula)], step.product, extent);
    const note = step.note ? [html("p", { class: "note", "data-part": "note" }, step.note)] : [];
    const total = code(gradientOf(to));
    if (first && !step.note) {
      // The first to arrive is the sum so far; the same numbers twice would tell nothing.
      const remark = html("p", { class: "note" }, "the first to arrive at ", total);
      content.push(html("div", { "data-part": "sum" }, product, ...note, remark));
    } else if (first) {
      content.push(product, ...note);
      content.push(this.part("sum", "=", ["the first to arrive at ", total], step.sum, extent));
    } else {
      content.push(product, ...note);
      content.push(this.part("before", "+", ["what had arrived before"], step.before, extent));
      content.push(this.part("sum", "=", ["sum, ", total, " so far"], step.sum, extent));
    }
    return [...content, legend()];
  }

  verdict(step) {
    const { status, gradient, line, message, derived, expected } = step.verdict;
    const box = html(
      "div",
      { class: "verdict", "data-part": "verdict", "data-verdict": status },
      html("p", { class: "kicker" }, line === null ? "Your derivation" : `Your derivation, line ${line}`),
      html("h2", {}, `${VERDICT_SIGNS[status]} ${elided(gradient, 200)} ${STATUS_WORDS[status]}`),
    );
    if (message) box.append(html("p", { "data-part": "message" }, message));
    const extent = largest([this.array(derived), this.array(expected)].filter(Boolean));
    const parts = [];
    if (this.array(derived)) {
      parts.push(this.part("derived", "", ["derived ", code(gradient)], derived, extent));
    }
    if (this.array(expected)) {
      parts.push(this.part("expected", "", ["what it should be"], expected, extent));
    }
    return [box, ...parts, legend()];
  }

  // A step in a sentence, for those who hear the page.
  sentence(step) {
    const node = this.data.nodes[step.node];
    const name = elided(nameOf(node), 80);
    if (step.phase === "forward") {
      const shape = node.shape ? `, of shape ${node.shape}` : "";
      return `${elided(equation(node), 200)}${shape}.${node.fault ? ` Fault: ${node.fault}.` : ""}`;
    }
    if (step.verdict) {
      const { gradient, status, message } = step.verdict;
      return `${gradient} ${STATUS_WORDS[status]}. ${message}`;
    }
    if (step.seed) return `The gradient of ${name} by itself is 1.`;
    const operand = this.data.nodes[step.operand];
    const sign = step.before === null ? "is" : "grows by";
    return `From ${name}, ${gradientOf(operand)} ${sign} ${elided(step.formula, 200)}.`;
  }

  card(node) {
    const rows = [
      ["shape", [node.shape, node.dtype].filter(Boolean).join(" ")],
      ["source", node.line],
      ["fault", node.fault],
      ["derivation", node.verdict && `${node.verdict.gradient} ${STATUS_WORDS[node.verdict.status]}`],
    ].filter(([, text]) => text);
    const list = html("dl");
    for (const [word, text] of rows) list.append(html("dt", {}, word), html("dd", {}, text));
    const content = [html("h3", {}, elided(equation(node), 400)), list];
    for (const part of ["value", "gradient"]) {
      const array = this.array(node[part]);
      if (array) content.push(this.part(part, "", [part], node[part]));
    }
    return content;
  }
}

function code(text) {
  return html("code", {}, elided(text, 120));
}

function legend() {
  const ramp = html("span", { class: "ramp" });
  return html("p", { class: "legend", "aria-hidden": "true" }, "negative ", ramp, " positive");
}
