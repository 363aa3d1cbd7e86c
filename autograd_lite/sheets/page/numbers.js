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

const CONSTANTS = { pi: Math.PI, e: Math.E, inf: Infinity, nan: NaN };
const MODULES = new Set(["linalg", "fft"]);
const PYTHON = { len: (x) => asArray(x).shape[0], float: (x) => x, int: (x) => Math.trunc(numberOf(x)), abs: (x) => K.absolute([x]), sum: (x) => K.sum([x, 0], {}), range: (...args) => MADE.arange(args).data };
const numberOf = (x) => (isArray(x) ? x.data[0] : x);
const shapeOf = (x) => listOf(x).map(Number);
const filledWith = (x) => ([shape]) => { const made = array(shapeOf(shape)); made.data.fill(x); return made; };

// Functions that make arrays, which no program of the page calls.
const MADE = {
  zeros: filledWith(0), ones: filledWith(1),
  full: ([shape, x]) => filledWith(numberOf(x))([shape]),
  zeros_like: ([x]) => filledWith(0)([asArray(x).shape]), ones_like: ([x]) => filledWith(1)([asArray(x).shape]),
  eye: ([n]) => { const size = numberOf(n), made = array([size, size]); for (let i = 0; i < size; i++) made.data[i * size + i] = 1; return made; },
  arange: (args) => {
    const [start, stop, step] = args.length > 1 ? args.map(numberOf) : [0, numberOf(args[0])], by = step ?? 1;
    return asArray(Array.from({ length: Math.max(0, Math.ceil((stop - start) / by)) }, (_, i) => start + i * by));
  },
  array: ([x]) => asArray(x), asarray: ([x]) => asArray(x), float64: ([x]) => asArray(x),
};
const CALLED = { abs: "absolute", amax: "max", amin: "min", concat: "concatenate", permute_dims: "transpose", flatten: "ravel" };

// The names in a text that are no identifiers, such as `d(Z - mu)` or `X.T`, replaced by ones that are.
function withPlainNames(text, names) {
  const known = { ...names };
  Object.keys(names).filter((name) => !/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)).sort((a, b) => b.length - a.length).forEach((name, i) => {
    if (name.startsWith("d(") && text.includes(name)) { text = text.replaceAll(name, `name_${i}_`); known[`name_${i}_`] = names[name]; }
  });
  return [text, known];
}

// An expression such as `dZ2 @ A1.T` or `np.sum(dZ, axis=1, keepdims=True)`, computed with `given`.
function computedText(written, given) {
  const [text, names] = withPlainNames(written, given);
  const tokens = [...text.matchAll(/\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)|([\p{L}_][\p{L}\p{N}_]*)|(\*\*|\/\/|>=|<=|==|!=|[-+*/%@().,[\]:<>=&|~])|("[^"]*"|'[^']*'))/gu)];
  if (tokens.reduce((n, t) => n + t[0].length, 0) !== text.trimEnd().length) throw new NotUnderstood("This is no NumPy expression that the page can read.");
  let at = 0;
  const peek = () => tokens[at]?.[3];
  const take = (sign) => { if (peek() !== sign) throw new NotUnderstood(`Expected ${sign}.`); at++; };
  const call = (name, args, options = {}) => {
    const known = CALLED[name] ?? name;
    if (Object.hasOwn(MADE, known)) return MADE[known](args, options);
    if (!Object.hasOwn(K, known)) throw new NotUnderstood(`The page does not know np.${name}.`);
    return K[known](args, options);
  };
  const BINARY = [
    { ">": "greater", ">=": "greater_equal", "<": "less", "<=": "less_equal", "==": "equal", "!=": "not_equal" },
    { "|": "bitwise_or" }, { "&": "bitwise_and" },
    { "+": "add", "-": "subtract" }, { "*": "multiply", "/": "divide", "//": "floor_divide", "%": "remainder", "@": "matmul" },
  ];
  // Of plain numbers a plain number comes: an axis or a length.
  const computed = (name, args) => {
    const found = call(name, args);
    return args.some((a) => isArray(a) || Array.isArray(a)) ? found : numberOf(found);
  };
  function level(n) {
    if (n === BINARY.length) return signed();
    let left = level(n + 1);
    while (Object.hasOwn(BINARY[n], peek() ?? " ")) { const name = BINARY[n][tokens[at++][3]]; left = computed(name, [left, level(n + 1)]); }
    return left;
  }
  function signed() {
    if (peek() === "-") { at++; return computed("negative", [signed()]); }
    if (peek() === "~") { at++; return computed("invert", [signed()]); }
    if (peek() === "+") { at++; return signed(); }
    const base = trailed();
    if (peek() !== "**") return base;
    at++;
    return computed("power", [base, signed()]);
  }
  const ATTRIBUTES = {
    T: (x) => call("transpose", [x]), mT: (x) => call("matrix_transpose", [x]),
    shape: (x) => Object.assign([...asArray(x).shape], { tuple: true }), size: (x) => asArray(x).data.length, ndim: (x) => asArray(x).shape.length,
  };
  function trailed() {
    let found = atom();
    for (;;) {
      if (peek() === ".") {
        at++;
        const name = tokens[at++]?.[2];
        if (Object.hasOwn(ATTRIBUTES, name)) found = ATTRIBUTES[name](found);
        else if (peek() === "(") found = call(name, ...withFirst(name, found, arguments_()));
        else throw new NotUnderstood(`.${name} is not known here.`);
      } else if (peek() === "[") {
        at++;
        const index = indices();
        found = Array.isArray(found) && index.length === 1 && typeof index[0] === "number" ? found.at(index[0]) : call("getitem", [found, index]);
      } else return found;
    }
  }
  // x.reshape(2, 3) and x.transpose(0, 1) take the shape and the axes one by one.
  const withFirst = (name, first, [args, options]) =>
    (["reshape", "transpose"].includes(name) && args.length > 1 ? [[first, args], options] : [[first, ...args], options]);
  function arguments_() {
    take("(");
    const args = [], options = {};
    while (peek() !== ")") {
      const word = tokens[at]?.[2];
      if (word && tokens[at + 1]?.[3] === "=") { at += 2; options[word] = plain(level(0)); }
      else args.push(plain(level(0), args.length));
      if (peek() === ",") at++;
    }
    take(")");
    return [args, options];
  }
  // A number with a name, such as N, is a plain one where it is no operand.
  const plain = (value, place = 1) => {
    if (Array.isArray(value)) return value.map((v) => plain(v));
    return place && isArray(value) && !value.shape.length ? value.data[0] : value;
  };
  function indices() {
    const items = [];
    while (peek() !== "]") {
      const parts = [null];
      for (;;) {
        if (peek() === ":") { at++; parts.push(null); }
        else if (peek() === "." && tokens[at + 1]?.[3] === ".") { at += 3; parts[0] = { ellipsis: true }; }
        else if (peek() === "," || peek() === "]") break;
        else parts[parts.length - 1] = plain(level(0));
      }
      const [only] = parts;
      items.push(parts.length > 1 ? { slice: [parts[0], parts[1], parts[2] ?? null] } : isArray(only) && only.isMask ? { ...only, mask: true } : only);
      if (peek() === ",") at++;
    }
    take("]");
    items.tuple = true;
    return items;
  }
  // The items between brackets, one after the other.
  function items(end, first) {
    const found = first === undefined ? [] : [first];
    while (peek() !== end) { found.push(plain(level(0))); if (peek() === ",") at++; }
    take(end);
    return found;
  }
  function ofNumPy() {
    take(".");
    let name = tokens[at++]?.[2];
    if (name === "s_") { take("["); return indices(); }
    if (Object.hasOwn(CONSTANTS, name)) return CONSTANTS[name];
    if (name === "newaxis") return null;
    if (MODULES.has(name)) { take("."); name += `.${tokens[at++]?.[2]}`; }
    if (peek() !== "(") return { dtype: name };
    return call(name, ...arguments_());
  }
  const WORDS = { True: true, False: false, None: null };
  function atom() {
    const token = tokens[at++];
    if (!token) throw new NotUnderstood("Something is missing at the end.");
    if (token[1]) return Number(token[1]);
    if (token[4]) return token[4].slice(1, -1);
    if (Object.hasOwn(WORDS, token[2] ?? "")) return WORDS[token[2]];
    if (token[2] === "np") return ofNumPy();
    if (token[2]) {
      if (Object.hasOwn(names, token[2])) return names[token[2]];
      if (peek() !== "(") throw new NotUnderstood(`There is no ${token[2]} here.`);
      return Object.hasOwn(PYTHON, token[2]) ? PYTHON[token[2]](...arguments_()[0]) : call(token[2], ...arguments_());
    }
    if (token[3] === "[") return items("]");
    if (token[3] === "(") {
      const first = level(0);
      if (peek() !== ",") { take(")"); return first; }
      at++;
      return Object.assign(items(")", plain(first)), { tuple: true });
    }
    throw new NotUnderstood(`${token[3]} stands where a value should.`);
  }
  const found = level(0);
  if (at < tokens.length) throw new NotUnderstood("The expression ends before its text does.");
  return asArray(found);
}
