// The walk: which step it is at, what that makes of every node, and the controls.

// For every node, the steps that compute it, bring a part of its gradient, and mark it.
function timetable(data) {
  const nodes = data.nodes.map(() => ({ computed: -1, used: -1, arrivals: [], marked: Infinity }));
  const edges = data.edges.map(() => Infinity);
  data.steps.forEach((step, i) => {
    if (step.phase === "forward") {
      nodes[step.node].computed = i;
      for (const edge of step.edges) {
        const operand = nodes[data.edges[edge].from];
        if (operand.used < 0) operand.used = i;
      }
    } else if (step.verdict) nodes[step.node].marked = i;
    else {
      nodes[step.seed ? step.node : step.operand].arrivals.push(i);
      if (!step.seed) edges[step.edge] = i;
    }
  });
  return { nodes, edges };
}

// The nodes that a step changes.
function touched(step) {
  return step.operand === undefined ? [step.node] : [step.node, step.operand];
}

class Walk {
  constructor(data, view, panel) {
    this.data = data;
    this.view = view;
    this.panel = panel;
    this.times = timetable(data);
    this.at = -1;
    this.lit = [];
    data.nodes.forEach((_, id) => this.refresh(id));
    for (const step of data.steps) this.refreshEdges(step);
  }

  get last() {
    return this.data.steps.length - 1;
  }

  refresh(id) {
    const { computed, arrivals, marked } = this.times.nodes[id];
    const element = this.view.nodes[id];
    element.dataset.state = computed > this.at ? "waiting" : "computed";
    const arrived = arrivals.filter((step) => step <= this.at).length;
    this.view.setGradient(id, arrived, arrivals.length);
    if (marked < Infinity) element.classList.toggle("unmarked", marked > this.at);
  }

  refreshEdges({ phase, node, edge, edges = [] }) {
    const drawn = this.view.edges;
    if (edge !== undefined) drawn[edge].classList.toggle("flowed", this.times.edges[edge] <= this.at);
    if (phase !== "forward") return;
    const ahead = this.times.nodes[node].computed > this.at;
    for (const id of edges) drawn[id].classList.toggle("ahead", ahead);
  }

  // Only what the steps between here and there touch is drawn anew.
  go(to) {
    to = Math.max(0, Math.min(this.last, to));
    if (to === this.at || this.last < 0) return;
    const between = this.data.steps.slice(Math.min(this.at, to) + 1, Math.max(this.at, to) + 1);
    this.at = to;
    for (const id of new Set(between.flatMap(touched))) this.refresh(id);
    for (const step of between) this.refreshEdges(step);
    this.light(this.data.steps[to]);
  }

  light(step) {
    for (const [element, kind] of this.lit) element.classList.remove(kind);
    const { nodes, edges } = this.view;
    this.lit = [[nodes[step.node], "current"]];
    let seen = [step.node];
    if (step.phase === "forward") {
      for (const edge of step.edges) {
        const operand = this.data.edges[edge].from;
        this.lit.push([edges[edge], "active"], [nodes[operand], "operand"]);
        seen.push(operand);
      }
    } else if (step.operand !== undefined) {
      this.lit.push([nodes[step.operand], "receiver"]);
      seen = [step.operand, step.node];
    }
    for (const [element, kind] of this.lit) element.classList.add(kind);
    this.view.showFlow(step.edge ?? null);
    this.view.reveal(seen);
  }

  isWrong(at = this.at) {
    return this.data.steps[at]?.verdict?.status === "wrong";
  }
}

const find = (id) => document.getElementById(id);
const data = JSON.parse(find("computation").textContent);
const view = new GraphView(find("graph"), data);
const panel = new Panel(data);
const walk = new Walk(data, view, panel);

function go(to) {
  const before = walk.at;
  walk.go(to);
  if (walk.at === before) return;
  const step = data.steps[walk.at];
  const of = `${walk.at + 1} of ${data.steps.length}`;
  document.body.dataset.step = walk.at;
  document.body.dataset.phase = step.phase;
  find("panel").replaceChildren(...panel.step(step));
  find("panel").scrollTop = 0;
  find("counter").textContent = `${of} – ${step.phase}`;
  find("live").textContent = `Step ${of}, ${step.phase}. ${panel.sentence(step)}`;
  const slider = find("slider");
  slider.value = walk.at;
  slider.setAttribute("aria-valuetext", `${of}, ${step.phase}`);
  for (const id of ["first", "back"]) setDisabled(id, walk.at === 0);
  for (const id of ["forward", "last"]) setDisabled(id, walk.at === walk.last);
  keepInAddress(walk.at + 1);
  hideCard();
}

// aria-disabled, for a button that disables itself under the finger would lose the focus.
function setDisabled(id, disabled) {
  find(id).setAttribute("aria-disabled", disabled);
}

// Browsers allow few changes in a second and may allow none for a file; the walk goes on.
function keepInAddress(step) {
  clearTimeout(keepInAddress.timer);
  keepInAddress.timer = setTimeout(() => {
    try {
      history.replaceState(null, "", `#${step}`);
    } catch {
      // The address then keeps the step it had.
    }
  }, 150);
}

function stepInAddress() {
  const step = /^#(\d+)$/.exec(location.hash);
  return step ? Number(step[1]) - 1 : 0;
}

let timer = null;

function pause() {
  clearTimeout(timer);
  timer = null;
  document.body.removeAttribute("data-playing");
  find("play").setAttribute("aria-label", "Play");
}

function play() {
  if (walk.last < 0) return;
  if (walk.at === walk.last) go(0);
  document.body.dataset.playing = "";
  find("play").setAttribute("aria-label", "Pause");
  const tick = () => {
    go(walk.at + 1);
    if (walk.at === walk.last || walk.isWrong()) pause();
    else timer = setTimeout(tick, pace());
  };
  timer = setTimeout(tick, pace() / 2);
}

function pace() {
  return 1400 / Number(find("speed").value);
}

function toggle() {
  if (timer === null) play();
  else pause();
}

function leap(to) {
  pause();
  go(to);
}

// A node's step: the one that computes it, of a parameter or constant the first that uses it; or
// the first that brings a part of its gradient.
function leapTo(id, backward) {
  const { computed, used, arrivals } = walk.times.nodes[id];
  const to = backward ? (arrivals[0] ?? -1) : computed < 0 ? used : computed;
  if (to >= 0) leap(to);
  view.makeTabbed(id);
}

function nodeOf(event) {
  const element = event.target.closest?.("[data-node]");
  return element ? Number(element.dataset.node) : null;
}

let carded = null;

function showCard(id) {
  if (carded === id || view.root.classList.contains("dragged")) return;
  hideCard();
  carded = id;
  const card = find("card");
  card.replaceChildren(...panel.card(data.nodes[id]));
  // Nothing in the card can be reached, so nothing in it takes part in the order of Tab.
  for (const element of card.querySelectorAll("[tabindex]")) element.removeAttribute("tabindex");
  card.hidden = false;
  view.nodes[id].setAttribute("aria-describedby", "card");
  placeCard();
}

// Beside the node if there is room, and always within the pane.
function placeCard() {
  if (carded === null) return;
  const card = find("card");
  const { x, y, scale } = view.place;
  const node = data.nodes[carded];
  const { width, height } = view.size;
  const right = x + (node.x + node.w / 2) * scale + 14;
  const left = x + (node.x - node.w / 2) * scale - 14 - card.offsetWidth;
  const at = right + card.offsetWidth < width || left < 0 ? right : left;
  const top = y + (node.y - node.h / 2) * scale;
  card.style.left = `${Math.max(6, Math.min(width - card.offsetWidth - 6, at))}px`;
  card.style.top = `${Math.max(6, Math.min(height - card.offsetHeight - 6, top))}px`;
}

function hideCard() {
  if (carded === null) return;
  view.nodes[carded].removeAttribute("aria-describedby");
  carded = null;
  find("card").hidden = true;
}

const search = { matches: [], at: -1 };

function runSearch() {
  for (const id of search.matches) view.nodes[id].classList.remove("match", "found");
  const wanted = find("search").value.trim().toLowerCase();
  const all = wanted ? data.nodes.map((_, id) => id) : [];
  search.matches = all.filter((id) => data.nodes[id].name.toLowerCase().includes(wanted));
  search.at = -1;
  for (const id of search.matches) view.nodes[id].classList.add("match");
  find("matches").textContent = wanted ? `${search.matches.length} found` : "";
}

function nextMatch(by) {
  const count = search.matches.length;
  if (!count) return;
  view.nodes[search.matches[search.at]]?.classList.remove("found");
  search.at = search.at < 0 && by < 0 ? count - 1 : (search.at + by + count) % count;
  const id = search.matches[search.at];
  view.nodes[id].classList.add("found");
  view.makeTabbed(id);
  view.centre(id);
  find("matches").textContent = `${search.at + 1} of ${count}`;
  find("live").textContent = `${search.at + 1} of ${count}: ${spoken(data.nodes[id])}`;
}

function leaveSearch() {
  find("search").value = "";
  runSearch();
  if (view.nodes.length) view.nodes[view.tabbed].focus({ preventScroll: true });
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function nameTheme() {
  const button = find("theme");
  button.textContent = isDark() ? "Light" : "Dark";
  button.setAttribute("aria-label", `${button.textContent} theme`);
}

function switchTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
}

const KEYS = {
  ArrowRight: () => leap(walk.at + 1),
  ArrowLeft: () => leap(walk.at - 1),
  Home: () => leap(0),
  End: () => leap(walk.last),
  " ": toggle,
  "+": () => view.zoom(1.3),
  "=": () => view.zoom(1.3),
  "-": () => view.zoom(1 / 1.3),
  "−": () => view.zoom(1 / 1.3),
  0: () => view.fit(),
  "/": () => find("search").focus(),
  "?": () => find("keys").showModal(),
  Escape: hideCard,
};

// Controls keep the keys that are their own: texts all of them, the slider those that move it.
function isOwn(event) {
  const own = event.target.closest?.("input, select, button");
  if (find("keys").open || event.ctrlKey || event.metaKey || event.altKey) return true;
  if (!own) return false;
  if (own.matches("button")) return event.key === " " || event.key === "Enter";
  return own.type !== "range" || /^(Arrow|Home|End|Page)/.test(event.key);
}

function onKey(event) {
  if (isOwn(event)) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function onSearchKey(event) {
  if (event.key === "Enter") nextMatch(event.shiftKey ? -1 : 1);
  else if (event.key === "Escape") leaveSearch();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function onGraphKey(event) {
  const id = nodeOf(event);
  if (id === null) return;
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) view.focus((id + by + data.nodes.length) % data.nodes.length);
  else if (event.key === "Enter") leapTo(id, event.shiftKey);
  else return;
  event.preventDefault();
}

function listen() {
  const clicks = {
    first: () => leap(0),
    back: () => leap(walk.at - 1),
    play: toggle,
    forward: () => leap(walk.at + 1),
    last: () => leap(walk.last),
    theme: switchTheme,
    help: () => find("keys").showModal(),
    "zoom-in": () => view.zoom(1.3, undefined, undefined, true),
    "zoom-out": () => view.zoom(1 / 1.3, undefined, undefined, true),
    "zoom-fit": () => view.fit(true),
  };
  for (const [id, act] of Object.entries(clicks)) find(id).addEventListener("click", act);
  find("slider").addEventListener("input", (event) => leap(Number(event.target.value)));
  find("search").addEventListener("input", runSearch);
  find("search").addEventListener("keydown", onSearchKey);
  document.addEventListener("keydown", onKey);
  addEventListener("hashchange", () => leap(stepInAddress()));
  addEventListener("beforeprint", () => view.showWhole(true));
  addEventListener("afterprint", () => view.showWhole(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
  const graph = view.root;
  // On the pane, for Chromium takes the focus to an SVG element that listens for keys or focus.
  const pane = find("pane");
  pane.addEventListener("keydown", onGraphKey);
  graph.addEventListener("click", (event) => {
    const id = nodeOf(event);
    if (id !== null) leapTo(id, event.shiftKey);
  });
  graph.addEventListener("pointerover", (event) => {
    const id = nodeOf(event);
    if (id !== null && event.pointerType !== "touch") showCard(id);
  });
  graph.addEventListener("pointerout", (event) => {
    if (!event.relatedTarget?.closest?.(`[data-node="${carded}"]`)) hideCard();
  });
  pane.addEventListener("focusin", (event) => {
    const id = nodeOf(event);
    if (id === null) return;
    view.makeTabbed(id);
    if (!event.target.matches(":focus-visible")) return;
    view.reveal([id]);
    showCard(id);
  });
  pane.addEventListener("focusout", hideCard);
  graph.addEventListener("moved", placeCard);
}

// The verdicts along the slider, where they are given.
function markVerdicts() {
  data.steps.forEach(({ verdict }, i) => {
    if (!verdict) return;
    const mark = html("span", { "data-verdict": verdict.status }, VERDICT_SIGNS[verdict.status]);
    mark.style.setProperty("--at", walk.last ? i / walk.last : 0);
    find("marks").append(mark);
  });
}

// The whole graph where it can be read so, else where the walk is.
function firstSight() {
  view.fit();
  if (view.place.scale >= 0.45 || walk.last < 0) return;
  view.moveTo({ x: 24, y: 24, scale: 0.8 });
  view.centre(data.steps[walk.at].node, false);
}

function start() {
  const slider = find("slider");
  slider.max = Math.max(0, walk.last);
  const forward = data.steps.filter((step) => step.phase === "forward").length;
  const boundary = walk.last > 0 ? Math.max(0, Math.min(1, (forward - 0.5) / walk.last)) : 1;
  document.body.style.setProperty("--boundary", boundary);
  document.body.dataset.steps = data.steps.length;
  markVerdicts();
  listen();
  nameTheme();
  view.fit();
  go(stepInAddress());
  firstSight();
  if (walk.last < 0) find("counter").textContent = "no steps";
}

start();
