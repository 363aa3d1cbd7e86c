// The graph of a statement: a box for each operation, from its operands to its result.

const SVG = "http://www.w3.org/2000/svg";
const BOX = { height: 40, gap: 14, between: 44, letter: 7.4 };

function drawn(name, properties, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(properties)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const operationName = (x) => (x.symbol ? { "*": "×", "-": "−", "/": "÷" }[x.symbol] ?? x.symbol : x.f);

// Boxes by column: a leaf, or a number, in the first; an operation after all of its operands.
function boxesOf(x, label) {
  const boxes = [], leaves = new Map();
  const add = (box) => { boxes.push(box); return box; };
  const visit = (node, name) => {
    if (node.label || !node.a) {
      const key = node.v ?? node.text;
      if (!leaves.has(key)) leaves.set(key, add({ name: node.label ?? node.text, v: node.v, column: 0, from: [], leaf: true }));
      return leaves.get(key);
    }
    const from = node.a.map((inner) => visit(inner, ""));
    return add({ name: name ? `${name} = ${operationName(node)}` : operationName(node), v: node.v, column: 1 + Math.max(...from.map((b) => b.column)), from });
  };
  visit(x, label);
  return boxes;
}

function graphOf(statement) {
  const boxes = boxesOf(statement.x, statement.label);
  const columns = [];
  for (const box of boxes) {
    box.shape = box.v === undefined ? "" : shapeText(page.values[box.v].shape);
    box.width = 18 + BOX.letter * Math.max(box.name.length, box.shape.length, 3);
    (columns[box.column] ??= []).push(box);
  }
  let x = 4;
  const tallest = Math.max(...columns.map((c) => c.length)) * (BOX.height + BOX.gap);
  for (const column of columns) {
    const width = Math.max(...column.map((b) => b.width));
    const wanted = (b) => (b.from.length ? b.from.reduce((s, f) => s + f.y, 0) / b.from.length : boxes.indexOf(b));
    if (column[0].column) column.sort((a, b) => wanted(a) - wanted(b));
    column.forEach((box, i) => {
      box.x = x;
      box.width = width;
      box.y = 4 + ((i + 0.5) * tallest) / column.length - BOX.height / 2;
    });
    x += width + BOX.between;
  }
  const width = x - BOX.between + 4, height = tallest + 8;
  const lines = boxes.flatMap((to) => to.from.map((from) => {
    const [ax, ay, bx, by] = [from.x + from.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
    return drawn("path", { d: `M ${ax} ${ay} C ${ax + 22} ${ay}, ${bx - 22} ${by}, ${bx} ${by}` });
  }));
  const shapes = boxes.map((box) => drawn("g", { class: box.leaf ? "leaf" : "made" },
    drawn("rect", { x: box.x, y: box.y, width: box.width, height: BOX.height, rx: box.leaf ? 0 : 8 }),
    drawn("text", { x: box.x + box.width / 2, y: box.y + 17 }, box.name),
    drawn("text", { x: box.x + box.width / 2, y: box.y + 33, class: "shape" }, box.shape)));
  const title = drawn("title", {}, `The graph of ${statement.text}`);
  return drawn("svg", { class: "graph", role: "img", viewBox: `0 0 ${width} ${height}`, width, height }, title, ...lines, ...shapes);
}
