// Numbers as text, and NumPy expressions as a learner types them.

function shown(x) {
  if (x !== x) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  let text;
  if (Number.isInteger(x) && size < 1e5) text = String(x);
  else if (size >= 1e5 || size < 5e-4) text = x.toExponential(size < 1e-99 || size >= 1e100 ? 0 : 1);
  else text = x.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
  return text.replaceAll("-", "−").replace("e+", "e");
}

class NotUnderstood extends Error {}

// An expression such as `dZ2 @ A1.T` or `np.sum(dZ, axis=1, keepdims=True)`, computed with `names`.
function computedText(text, names) {
  const tokens = [...text.matchAll(/\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)|([\p{L}_][\p{L}\p{N}_]*)|(\*\*|>=|<=|==|!=|[-+*/@().,[\]:<>=]))/gu)];
  if (tokens.reduce((n, t) => n + t[0].length, 0) !== text.trimEnd().length) throw new NotUnderstood("This is no NumPy expression that the page can read.");
  let at = 0;
  const peek = () => tokens[at]?.[3];
  const take = (sign) => { if (peek() !== sign) throw new NotUnderstood(`Expected ${sign}.`); at++; };
  const call = (name, args, options = {}) => {
    if (!Object.hasOwn(K, name)) throw new NotUnderstood(`The page does not know np.${name}.`);
    return K[name](args, options);
  };
  const BINARY = [
    { ">": "greater", ">=": "greater_equal", "<": "less", "<=": "less_equal", "==": "equal", "!=": "not_equal" },
    { "+": "add", "-": "subtract" }, { "*": "multiply", "/": "divide", "@": "matmul" },
  ];
  function level(n) {
    if (n === BINARY.length) return signed();
    let left = level(n + 1);
    while (Object.hasOwn(BINARY[n], peek() ?? " ")) { const name = BINARY[n][tokens[at++][3]]; left = call(name, [left, level(n + 1)]); }
    return left;
  }
  function signed() {
    if (peek() === "-") { at++; return call("negative", [signed()]); }
    if (peek() === "+") { at++; return signed(); }
    const base = trailed();
    if (peek() !== "**") return base;
    at++;
    return call("power", [base, signed()]);
  }
  function trailed() {
    let found = atom();
    for (;;) {
      if (peek() === ".") {
        at++;
        const name = tokens[at++]?.[2];
        if (name === "T") found = call("transpose", [found]);
        else if (peek() === "(") found = call(name, ...withFirst(found, given(name)));
        else throw new NotUnderstood(`.${name} is not known here.`);
      } else if (peek() === "[") { at++; const index = indices(); found = call("getitem", [found, index]); }
      else return found;
    }
  }
  const withFirst = (first, [args, options]) => [[first, ...args], options];
  function given(name) {
    take("(");
    const args = [], options = {};
    while (peek() !== ")") {
      const word = tokens[at]?.[2];
      if (word && tokens[at + 1]?.[3] === "=") { at += 2; options[word] = plain(level(0)); }
      else { const value = level(0); args.push(args.length || name === "reshape" ? plain(value, name) : value); }
      if (peek() === ",") at++;
    }
    take(")");
    return name === "reshape" && args.length > 1 ? [[args], options] : [args, options];
  }
  const plain = (value, name) => {
    if (!isArray(value)) return value;
    return !value.shape.length && (name === undefined || ["sum", "mean", "max", "reshape"].includes(name)) ? value.data[0] : value;
  };
  function indices() {
    const items = [];
    while (peek() !== "]") {
      const parts = [null];
      for (;;) {
        if (peek() === ":") { at++; parts.push(null); }
        else if (peek() === "," || peek() === "]") break;
        else parts[parts.length - 1] = plain(level(0));
      }
      items.push(parts.length === 1 ? parts[0] : { slice: [parts[0], parts[1], parts[2] ?? null] });
      if (peek() === ",") at++;
    }
    take("]");
    items.tuple = true;
    return items;
  }
  function atom() {
    const token = tokens[at++];
    if (!token) throw new NotUnderstood("Something is missing at the end.");
    if (token[1]) return scalar(Number(token[1]));
    if (token[2] === "True" || token[2] === "False") return token[2] === "True";
    if (token[2] === "None") return null;
    if (token[2] === "np") {
      take(".");
      const name = tokens[at++]?.[2];
      if (name === "pi") return scalar(Math.PI);
      return call(name === "abs" ? "absolute" : name, ...given(name));
    }
    if (token[2]) {
      if (peek() === "(" && !Object.hasOwn(names, token[2])) return call(token[2], ...given(token[2]));
      if (!Object.hasOwn(names, token[2])) throw new NotUnderstood(`There is no ${token[2]} here.`);
      return names[token[2]];
    }
    if (token[3] === "(") {
      const first = level(0);
      if (peek() !== ",") { take(")"); return first; }
      const items = [plain(first)];
      while (peek() === ",") { at++; if (peek() !== ")") items.push(plain(level(0))); }
      take(")");
      return items;
    }
    throw new NotUnderstood(`${token[3]} stands where a value should.`);
  }
  const found = level(0);
  if (at < tokens.length) throw new NotUnderstood("The expression ends before its text does.");
  return asArray(found);
}
