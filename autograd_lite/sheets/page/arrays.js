// Arrays on the page: tables of numbers, cut where they are long, and heat maps where they are large.

const CELL_LIMIT = 12, CUT_TO = 8;
const painted = new Set();

function element(name, properties = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") found.className = value;
    else if (key in found && typeof value !== "string") found[key] = value;
    else found.setAttribute(key, value);
  }
  found.append(...children.filter((c) => c !== null && c !== undefined));
  return found;
}

const gridOf = (shape) => [product(shape.slice(0, -1)), shape.length ? shape.at(-1) : 1];
const shapeText = (shape) => (shape.length ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "");

function indexOf(flat, shape) {
  return stridesOf(shape).map((s, i) => Math.floor(flat / s) % shape[i]);
}
const nameOfCell = (label, flat, shape) => (shape.length ? `${label}[${indexOf(flat, shape).join(", ")}]` : label);

function colour(x, most) {
  if (x !== x) return "var(--wrong)";
  const share = Math.round(Math.min(1, Math.abs(x) / most) * 100);
  return `color-mix(in oklab, var(--${x < 0 ? "negative" : "positive"}) ${share || 0}%, var(--zero))`;
}

function extent(data) {
  let most = 1e-300;
  for (const x of data) if (Math.abs(x) > most && Math.abs(x) < Infinity) most = Math.abs(x);
  return most;
}

// Whether a value is not computed, because the changed numbers would go another way.
const isUnknown = (v) => strayed !== "" && stepByResult.has(v);

// The view of the array with the index `v`, which is painted anew whenever numbers change.
function arrayView(v, label) {
  const value = values[v];
  if (!value) return element("span", { class: "number" }, `${label} ${page.values[v].text ?? ""}`);
  const [rows, columns] = page.values[v].rows ? [page.values[v].rows, page.values[v].numbers.length / page.values[v].rows] : gridOf(value.shape);
  const heat = page.values[v].rows || (rows > CELL_LIMIT && columns > CELL_LIMIT);
  const given = changeable(v);
  const made = heat ? heatMap(v, label, rows, columns) : table(v, label, rows, columns);
  made.classList.toggle("given", given);
  made.dataset.v = v;
  made.dataset.label = label;
  return made;
}

const shownOf = (n) => (n <= CELL_LIMIT ? [...Array(n).keys()] : [...Array(CUT_TO).keys()]);

function table(v, label, rows, columns) {
  const shape = values[v].shape, across = shownOf(columns), down = shownOf(rows);
  const caption = element("caption", {}, label, " ", shapeText(shape));
  const body = element("tbody");
  const cells = [];
  for (const i of down) {
    const row = element("tr");
    for (const j of across) {
      const cell = element("td", { "data-k": String(i * columns + j) });
      cells.push(cell);
      row.append(cell);
    }
    if (across.length < columns && i === 0) row.append(element("td", { class: "more", rowspan: String(down.length) }, `+${columns - across.length}`));
    body.append(row);
  }
  if (down.length < rows) body.append(element("tr", {}, element("td", { class: "more", colspan: String(across.length) }, `+${rows - down.length} more`)));
  const made = element("table", { class: "matrix", tabindex: "0", "aria-label": `${label} ${shapeText(shape)}${changeable(v) ? ", can be changed" : ""}` }, caption, body);
  const paint = () => {
    const data = values[v].data, most = extent(data);
    for (const cell of cells) {
      const x = data[cell.dataset.k], unknown = isUnknown(v), text = unknown ? "?" : shown(x);
      if (cell.firstChild?.nodeType === 1) continue;
      if (cell.textContent !== text) cell.textContent = text;
      cell.style.background = unknown ? "" : colour(x, most);
    }
  };
  register(made, paint);
  return made;
}

function heatMap(v, label, rows, columns) {
  const size = Math.max(2, Math.min(12, Math.floor(260 / Math.max(rows, columns))));
  const canvas = element("canvas", { role: "img", tabindex: "0", "aria-label": `${label} ${shapeText(values[v].shape)}, a heat map` });
  canvas.width = columns; canvas.height = rows;
  canvas.style.width = `${columns * size}px`; canvas.style.height = `${rows * size}px`;
  const caption = element("figcaption", {}, label, " ", shapeText(values[v].shape));
  const made = element("figure", { class: "heat" }, caption, canvas);
  const paint = () => {
    const data = values[v].data, most = extent(data), context = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const image = context.createImageData(columns, rows);
    const ends = ["--negative", "--zero", "--positive"].map((n) => rgb(style, n));
    for (let k = 0; k < data.length; k++) {
      const t = Math.max(-1, Math.min(1, data[k] / most)) || 0, to = ends[t < 0 ? 0 : 2], s = Math.abs(t);
      for (let c = 0; c < 3; c++) image.data[4 * k + c] = ends[1][c] + (to[c] - ends[1][c]) * s;
      image.data[4 * k + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  };
  register(made, paint);
  return made;
}

const known = new Map();
function rgb(style, name) {
  const key = name + matchMedia("(prefers-color-scheme: dark)").matches + document.documentElement.dataset.theme;
  if (!known.has(key)) {
    const probe = element("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    known.set(key, getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number));
    probe.remove();
  }
  return known.get(key);
}

function register(made, paint) {
  made.paint = paint;
  painted.add(made);
  paint();
}

function paintAll() {
  for (const made of painted) if (made.isConnected) made.paint(); else painted.delete(made);
}

// The cell at a place of the pointer, of a table or a heat map: its view and number.
function cellAt(event) {
  const cell = event.target.closest("td[data-k]");
  if (cell) return { view: cell.closest(".matrix"), k: Number(cell.dataset.k), cell };
  const canvas = event.target.closest("figure.heat canvas");
  if (!canvas) return null;
  const box = canvas.getBoundingClientRect();
  const j = Math.min(canvas.width - 1, Math.floor(((event.clientX - box.left) / box.width) * canvas.width));
  const i = Math.min(canvas.height - 1, Math.floor(((event.clientY - box.top) / box.height) * canvas.height));
  return { view: canvas.parentNode, k: i * canvas.width + j, cell: null };
}
