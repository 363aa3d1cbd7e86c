// Predicting: the gradients are hidden, and asked for.

// The names that a learner may use, with their values among `from`.
function environment(from = values) {
  const found = {};
  const take = (label, v) => { if (label && from[v]) found[label] ??= { ...from[v], isMask: page.values[v].dtype === "bool" }; };
  page.inputs.forEach((i) => { take(i.label, i.v); if (i.gradient !== null) take(`d${i.label}`, i.gradient); });
  const collect = (rows) => rows.forEach((row) => [roundOf(row), ...row.rounds].forEach((r) => {
    [...r.forward, ...r.backward].forEach((s) => {
      leavesOf(s.x).forEach((l) => take(l.label, l.v));
      // A part of a gradient does not go by the name of the whole.
      if (s.of === undefined || s.only || s.total !== undefined) take(s.label, s.total ?? s.v);
    });
    collect(r.inner);
  }));
  collect(page.rows);
  Object.entries(page.whole ?? {}).forEach(([name, n]) => { found[name] ??= scalar(n); });
  return found;
}

// All values with other numbers in the inputs, so that no answer is right by chance; null where they lead elsewhere.
function varied() {
  const copy = [...values];
  let n = 0;
  const noise = () => { n = (n * 16807 + 11) % 2147483647; return n / 1073741824 - 1; };
  for (const v of inputs) {
    const { shape, data } = values[v], most = extent(data) > 1e-300 ? extent(data) : 1, positive = data.every((x) => x > 0);
    copy[v] = array(shape, data.map((x) => (positive ? x * (1 + 0.3 * noise()) : x + 0.3 * most * noise())));
  }
  return computed(copy) ? null : copy;
}

const close = (a, b, size = 0) => {
  if (!same(a.shape, b.shape)) return false;
  const most = Math.max(extent(a.data), extent(b.data), 1e-6 * size);
  return a.data.every((x, i) => Object.is(x, b.data[i]) || Math.abs(x - b.data[i]) <= 1e-9 * most);
};

// What stands on the right of a statement, which may write a part of an array.
const writtenBy = (statement) => statement.assigned ?? statement.x;
const plainly = (text) => text.replaceAll(/\s/g, "");

// The numbers of an answer, and those that are wanted, with each of several inputs.
function compared(text, statement, worlds) {
  return worlds.map(({ from, names }) => {
    const wanted = from[writtenBy(statement).v] ?? asArray(Number(writtenBy(statement).text));
    return { found: computedText(text, names), wanted, size: Math.max(...leavesOf(statement.x).map((l) => extent(from[l.v]?.data ?? []))) };
  });
}

function judged(text, statement) {
  const target = /^\s*[\p{L}_][\p{L}\p{N}_]*\s*(\[.*?\])?\s*\+?=(?!=)/u, answer = text.replace(target, "").trim();
  const written = [statement.text.replace(target, ""), writtenBy(statement).text, statement.x.text, statement.text];
  const right = { right: true, text: `Right: ${statement.text}` }, no = (why) => ({ right: false, text: `Not yet: ${why}.` });
  if (written.some((one) => plainly(one) === plainly(answer))) return right;
  const mistakes = page.predictions[statement.v] ?? [];
  const typical = mistakes.find((wrong) => plainly(wrong.text) === plainly(answer));
  const worlds = [values, varied()].filter(Boolean).map((from) => ({ from, names: environment(from) }));
  let tried;
  try { tried = compared(answer, statement, worlds); }
  catch (error) {
    if (typical) return no(typical.why);
    return { right: false, text: error instanceof NotUnderstood ? error.message : `This cannot be computed: ${error.message}.` };
  }
  if (tried.every(({ found, wanted, size }) => close(found, wanted, size))) return right;
  for (const wrong of typical ? [typical] : mistakes) {
    try { if (compared(wrong.text, statement, worlds).every((other, i) => close(other.found, tried[i].found))) return no(wrong.why); } catch { continue; }
  }
  const [{ found, wanted }] = tried;
  if (!same(found.shape, wanted.shape)) return no(`this has the shape ${shapeText(found.shape) || "of a number"}, and ${writtenBy(statement) === statement.x ? statement.label : "what is asked for"} has ${shapeText(wanted.shape) || "that of a number"}`);
  const factor = factorOf(tried);
  return no(factor ? `it is right but for a factor of ${shown(factor)}` : "the numbers differ");
}

// The one number that makes an answer right, with all inputs; 0 if there is none.
function factorOf(tried) {
  const factors = tried.flatMap(({ found, wanted }) => [...wanted.data].map((x, i) => x / found.data[i]).filter(Number.isFinite));
  const all = tried.length > 1 && factors.length > 1 && factors.every((f) => Math.abs(f - factors[0]) <= 1e-9 * Math.abs(factors[0]));
  return all ? factors[0] : 0;
}

function ask(made, statement) {
  if (!document.body.classList.contains("predicting")) return;
  made.classList.add("asked");
  const id = `answer-${statement.v}-${document.querySelectorAll(".ask").length}`;
  const input = element("input", { type: "text", id, autocomplete: "off", spellcheck: "false", placeholder: "a line of NumPy" });
  const verdict = element("p", { class: "answer", role: "status" });
  const choices = element("div", { class: "choices" });
  const target = statement.index && statement.text.endsWith(writtenBy(statement).text) ? statement.text.slice(0, -writtenBy(statement).text.length) : `${statement.label} ${statement.adds ? "+=" : "="}`;
  const form = element("form", { class: "ask" }, element("label", { for: id }, target), input, element("button", { type: "submit" }, "Check"));
  const give = (text) => {
    const found = judged(text, statement);
    verdict.textContent = found.text;
    verdict.className = `answer ${found.right ? "yes" : "no"}`;
    if (found.right) { made.classList.remove("asked"); form.remove(); choices.remove(); }
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); give(input.value); });
  const options = [writtenBy(statement).text, ...(page.predictions[statement.v] ?? []).slice(0, 3).map((w) => w.text)];
  // One choice alone would be the answer.
  if (options.length > 1) options.sort((a, b) => hash(a) - hash(b)).forEach((text) => {
    const button = element("button", { type: "button" }, text);
    button.addEventListener("click", () => give(text));
    choices.append(button);
  });
  made.append(form, choices, verdict);
}
const hash = (text) => [...text].reduce((h, c) => (Math.imul(h, 31) + c.codePointAt(0)) | 0, 7);
