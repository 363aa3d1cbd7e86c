// The graph as SVG, and which part of it is in sight. This file, panel.js and step.js are one
// module when they arrive in the page.

const CLOSEST = 4;
const FARTHEST = 0.02;
const TILE = 600;
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const VERDICT_SIGNS = { correct: "✓", convention: "✓", inherited: "↳", missing: "?", wrong: "✗" };

// Attributes are set one by one and texts become text nodes, so nothing in the data is markup.
function built(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function html(tag, attributes = {}, ...children) {
  return built(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return built(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function elided(text, length) {
  if (text.length <= length) return text;
  // Not in the middle of a character that takes two units.
  return text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, "") + "…";
}

function arrowHead([from, to], size, kind) {
  const angle = (Math.atan2(to[1] - from[1], to[0] - from[0]) * 180) / Math.PI;
  const points = `0,0 ${-size},${-size * 0.45} ${-size},${size * 0.45}`;
  const transform = `translate(${to[0]} ${to[1]}) rotate(${angle})`;
  return svg("polygon", { class: kind, points, transform });
}

// Boxes are given by their centres.
function bounds(boxes) {
  return {
    left: Math.min(...boxes.map((box) => box.x - box.w / 2)),
    right: Math.max(...boxes.map((box) => box.x + box.w / 2)),
    top: Math.min(...boxes.map((box) => box.y - box.h / 2)),
    bottom: Math.max(...boxes.map((box) => box.y + box.h / 2)),
  };
}

class GraphView {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.place = { x: 0, y: 0, scale: 1 };
    // Measuring on a canvas is exact and, unlike measuring SVG text, lays nothing out.
    this.ruler = document.createElement("canvas").getContext("2d");
    this.families = {
      serif: getComputedStyle(root).fontFamily,
      code: getComputedStyle(root).getPropertyValue("--code"),
    };
    this.edges = data.edges.map((edge, id) => this.drawnEdge(edge, id));
    this.nodes = data.nodes.map((node, id) => this.drawnNode(node, id));
    this.tiles = this.tiled();
    this.bars = new Map();
    this.flow = svg("g", { class: "flow", "aria-hidden": "true" });
    this.scene = svg(
      "g",
      { class: "scene" },
      svg("g", { "aria-hidden": "true" }, ...data.groups.map((group) => this.drawnGroup(group))),
      svg("g", { "aria-hidden": "true" }, ...this.tiles.map((tile) => tile.edges)),
      svg("g", {}, ...this.tiles.map((tile) => tile.nodes)),
      this.flow,
    );
    root.append(this.scene);
    if (this.nodes.length) this.nodes[0].setAttribute("tabindex", "0");
    this.tabbed = 0;
    this.size = { width: root.clientWidth, height: root.clientHeight };
    new ResizeObserver(() => this.resized()).observe(root);
    this.followPointers();
  }

  // Squares of the graph, for browsers take their time over what is out of sight as well.
  tiled() {
    const { nodes, edges } = this.data;
    const tiles = new Map();
    const tileOf = ({ x, y }) => {
      const key = `${Math.floor(x / TILE)} ${Math.floor(y / TILE)}`;
      if (!tiles.has(key)) tiles.set(key, { nodes: svg("g"), edges: svg("g"), boxes: [], shown: true });
      return tiles.get(key);
    };
    this.tileOfNode = nodes.map(tileOf);
    nodes.forEach((node, id) => {
      this.tileOfNode[id].nodes.append(this.nodes[id]);
      this.tileOfNode[id].boxes.push(node);
    });
    edges.forEach((edge, id) => {
      this.tileOfNode[edge.from].edges.append(this.edges[id]);
      this.tileOfNode[edge.from].boxes.push(nodes[edge.to]);
    });
    return [...tiles.values()].map((tile) => Object.assign(tile, bounds(tile.boxes)));
  }

  // Shows the tiles in sight, and the one whose node Tab goes to: what isn't shown has no focus.
  showTiles() {
    const { x, y, scale } = this.place;
    const margin = 80;
    for (const tile of this.tiles) {
      const shown =
        tile === this.tileOfNode[this.tabbed] ||
        ((tile.right + margin) * scale + x > 0 &&
          (tile.left - margin) * scale + x < this.size.width &&
          (tile.bottom + margin) * scale + y > 0 &&
          (tile.top - margin) * scale + y < this.size.height);
      if (shown !== tile.shown) this.showTile(tile, shown);
    }
  }

  showTile(tile, shown) {
    tile.shown = shown;
    for (const part of [tile.nodes, tile.edges]) part.style.display = shown ? "" : "none";
  }

  // As much of a text as fits into a width.
  fitted(text, font, width) {
    this.ruler.font = font;
    let kept = elided(text, 200);
    const wide = this.ruler.measureText(kept).width;
    if (wide <= width) return kept;
    kept = elided(text, Math.max(2, Math.floor((kept.length * width) / wide)));
    while (kept.length > 2 && this.ruler.measureText(kept).width > width) {
      kept = kept.slice(0, -2) + "…";
    }
    return kept;
  }

  drawnGroup({ label, x, y, w, h }) {
    const name = this.fitted(label, `11px ${this.families.serif}`, w - 16);
    return svg(
      "g",
      { class: "group" },
      svg("rect", { x, y, width: w, height: h, rx: 6 }),
      svg("text", { x: x + 8, y: y + 13 }, name),
    );
  }

  drawnEdge(edge, id) {
    const path = svg("path", { d: edge.path });
    return svg("g", { class: "edge", "data-edge": id }, path, arrowHead(edge.tip, 7, "head"));
  }

  drawnNode(node, id) {
    const { x, y, w, h } = node;
    const lines = [
      [node.name || node.operation || node.kind, "name", 12.5, "serif", "600 "],
      [node.formula, "formula", 10, "code", ""],
      [node.shape, "shape", 9, "code", ""],
    ].filter(([text]) => text);
    const pitch = Math.min(14, (h - 6) / lines.length);
    const texts = lines.map(([text, part, size, family, weight], i) => {
      const height = Math.min(size, pitch * 0.86);
      const shown = this.fitted(text, `${weight}${height}px ${this.families[family]}`, w - 10);
      const at = { class: `label ${part}`, y: (i - (lines.length - 1) / 2) * pitch };
      return svg("text", { ...at, "font-size": height }, shown);
    });
    const corner = node.kind === "operation" || node.kind === "result" ? 8 : 2;
    const box = svg("rect", { class: "box", x: -w / 2, y: -h / 2, width: w, height: h, rx: corner });
    const attributes = {
      class: `node ${node.kind}`,
      transform: `translate(${x} ${y})`,
      role: "button",
      tabindex: "-1",
      "data-node": id,
      "data-state": "computed",
      "data-gradient": "none",
      "aria-label": spoken(node),
    };
    const marks = [];
    if (node.fault) {
      attributes["data-fault"] = "";
      marks.push(this.pill("! fault", "fault", 14 - w / 2, -h / 2, "end"));
    }
    if (node.verdict) {
      const { status, gradient } = node.verdict;
      attributes["data-verdict"] = status;
      const text = `${VERDICT_SIGNS[status]} ${elided(gradient, 24)}`;
      marks.push(this.pill(text, "verdict", w / 2 - 14, -h / 2, "start"));
    }
    return svg("g", attributes, box, ...texts, ...marks);
  }

  // A label that sticks out of a corner, clear of the edges, which arrive in the middle.
  pill(text, kind, x, y, side) {
    this.ruler.font = `600 10px ${this.families.code}`;
    const width = this.ruler.measureText(text).width + 10;
    const left = side === "end" ? x - width : x;
    return svg(
      "g",
      { class: `pill ${kind}` },
      svg("rect", { x: left, y: y - 8, width, height: 14, rx: 7 }),
      svg("text", { x: left + width / 2, y: y - 1 }, text),
    );
  }

  // How much of a node's gradient has arrived, as a bar along the foot of its box.
  setGradient(id, arrived, total) {
    const state = !arrived ? "none" : arrived < total ? "partial" : "complete";
    const element = this.nodes[id];
    if (!arrived && !this.bars.has(id)) return;
    element.dataset.gradient = state;
    if (!this.bars.has(id)) this.bars.set(id, this.bar(id));
    const whole = this.data.nodes[id].w - 12;
    this.bars.get(id).setAttribute("width", arrived ? (whole * arrived) / total : 0);
  }

  bar(id) {
    const { w, h } = this.data.nodes[id];
    const bar = svg("rect", { class: "bar", x: 6 - w / 2, y: h / 2 - 2, height: 4, rx: 2 });
    this.nodes[id].append(bar, svg("text", { class: "done", x: w / 2 - 4, y: h / 2 }, "∂"));
    return bar;
  }

  // The gradient's way along an edge: against the edge's own arrow.
  showFlow(edge) {
    this.flow.replaceChildren();
    if (edge === null) return;
    const path = svg("path", { d: this.data.edges[edge].path });
    this.flow.append(path);
    const start = path.getPointAtLength(0);
    const before = path.getPointAtLength(Math.min(9, path.getTotalLength()));
    this.flow.append(arrowHead([[before.x, before.y], [start.x, start.y]], 11, "head"));
  }

  moveTo(place, smoothly = false) {
    cancelAnimationFrame(this.moving);
    if (!smoothly || stillness.matches) return this.put(place);
    const from = this.place;
    const start = performance.now();
    let last = start;
    const frame = (now) => {
      // Where a frame takes long to paint there is no motion to be seen, only a delay.
      const t = now - last > 40 ? 1 : Math.min(1, Math.max(0, (now - start) / 240));
      last = now;
      const eased = 1 - (1 - t) ** 3;
      const between = (key) => from[key] + (place[key] - from[key]) * eased;
      this.put({ x: between("x"), y: between("y"), scale: between("scale") });
      if (t < 1) this.moving = requestAnimationFrame(frame);
    };
    this.moving = requestAnimationFrame(frame);
  }

  put(place) {
    this.place = place;
    const { x, y, scale } = place;
    this.scene.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    // Texts too small to read only cost time to paint.
    this.root.classList.toggle("far", scale < 0.4);
    this.showTiles();
    this.root.dispatchEvent(new Event("moved"));
  }

  // On paper the whole graph is shown, whatever part of it is in sight.
  showWhole(whole) {
    if (whole === this.root.hasAttribute("viewBox")) return;
    if (whole) {
      cancelAnimationFrame(this.moving);
      this.root.setAttribute("viewBox", `0 0 ${this.data.width} ${this.data.height}`);
      this.scene.removeAttribute("transform");
      this.root.classList.remove("far");
      for (const tile of this.tiles) this.showTile(tile, true);
    } else {
      this.root.removeAttribute("viewBox");
      this.put(this.place);
    }
  }

  resized() {
    if (this.root.hasAttribute("viewBox")) return;
    const { clientWidth: width, clientHeight: height } = this.root;
    const { x, y, scale } = this.place;
    const [dx, dy] = [(width - this.size.width) / 2, (height - this.size.height) / 2];
    this.size = { width, height };
    this.moveTo({ x: x + dx, y: y + dy, scale });
  }

  fit(smoothly = false) {
    const { width, height } = this.data;
    const room = Math.min((this.size.width - 40) / width, (this.size.height - 56) / height);
    const scale = Math.min(1.6, Math.max(FARTHEST, room));
    const x = (this.size.width - width * scale) / 2;
    const y = (this.size.height - height * scale) / 2;
    this.moveTo({ x, y, scale }, smoothly);
  }

  zoom(factor, x = this.size.width / 2, y = this.size.height / 2, smoothly = false) {
    const old = this.place.scale;
    const scale = Math.min(CLOSEST, Math.max(FARTHEST, old * factor));
    const kept = scale / old;
    const to = { x: x - (x - this.place.x) * kept, y: y - (y - this.place.y) * kept, scale };
    this.moveTo(to, smoothly);
  }

  centre(id, smoothly = true) {
    const { x, y } = this.data.nodes[id];
    const scale = Math.max(this.place.scale, 0.7);
    this.moveTo(
      { x: this.size.width / 2 - x * scale, y: this.size.height / 2 - y * scale, scale },
      smoothly,
    );
  }

  // Moves only where one of these nodes is out of sight; where they don't fit, the first counts.
  reveal(ids, smoothly = true) {
    const { x, y, scale } = this.place;
    const { width, height } = this.size;
    const spans = (some) => {
      const { left, right, top, bottom } = bounds(some.map((id) => this.data.nodes[id]));
      return {
        left: left * scale + x,
        right: right * scale + x,
        top: top * scale + y,
        bottom: bottom * scale + y,
      };
    };
    let { left, right, top, bottom } = spans(ids);
    if (right - left > width - 48 || bottom - top > height - 48) {
      ({ left, right, top, bottom } = spans(ids.slice(0, 1)));
    }
    if (left >= 12 && right <= width - 12 && top >= 12 && bottom <= height - 12) return;
    const [dx, dy] = [(width - left - right) / 2, (height - top - bottom) / 2];
    this.moveTo({ x: x + dx, y: y + dy, scale }, smoothly);
  }

  // One node at a time is in the order of Tab, else there would be thousands.
  makeTabbed(id) {
    this.nodes[this.tabbed].setAttribute("tabindex", "-1");
    this.tabbed = id;
    this.nodes[id].setAttribute("tabindex", "0");
    this.showTiles();
  }

  focus(id) {
    this.makeTabbed(id);
    this.nodes[id].focus({ preventScroll: true });
    this.reveal([id]);
  }

  followPointers() {
    const pointers = new Map();
    let travelled = 0;
    const at = (event) => {
      const frame = this.root.getBoundingClientRect();
      return { x: event.clientX - frame.left, y: event.clientY - frame.top };
    };
    const spread = () => {
      const [a, b] = [...pointers.values()];
      return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, far: Math.hypot(a.x - b.x, a.y - b.y) };
    };
    this.root.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      if (!pointers.size) travelled = 0;
      pointers.set(event.pointerId, at(event));
    });
    this.root.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) return;
      const before = pointers.size > 1 ? spread() : pointers.get(event.pointerId);
      const old = pointers.get(event.pointerId);
      const now = at(event);
      travelled += Math.hypot(now.x - old.x, now.y - old.y);
      pointers.set(event.pointerId, now);
      // A press that hardly moves is a click, and a captured pointer would click on no node.
      if (travelled < 4) return;
      this.root.setPointerCapture(event.pointerId);
      this.root.classList.add("dragged");
      const after = pointers.size > 1 ? spread() : now;
      const { x, y, scale } = this.place;
      this.moveTo({ x: x + after.x - before.x, y: y + after.y - before.y, scale });
      if (pointers.size > 1) this.zoom(after.far / Math.max(1, before.far), after.x, after.y);
    });
    const released = (event) => {
      pointers.delete(event.pointerId);
      if (!pointers.size) this.root.classList.remove("dragged");
    };
    for (const kind of ["pointerup", "pointercancel"]) this.root.addEventListener(kind, released);
    this.root.addEventListener(
      "click",
      (event) => {
        // Not every browser keeps a captured pointer from clicking on the node below it.
        if (travelled >= 4) event.stopPropagation();
        travelled = 0;
      },
      true,
    );
    this.root.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const { x, y } = at(event);
        // A wheel counts in pixels or in lines; a pinch on a touchpad comes with Ctrl.
        const way = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
        this.zoom(Math.exp(-way * (event.ctrlKey ? 0.01 : 0.0016)), x, y);
      },
      { passive: false },
    );
  }
}
