// NumPy's functions on strided arrays in row-major order: { shape, data }.
// Booleans are 0 and 1; integers and single precision are stored as doubles, and rounded by `run`.

const product = (shape) => shape.reduce((a, b) => a * b, 1);
const array = (shape, data) => ({ shape, data: data ?? new Float64Array(product(shape)) });
const scalar = (x) => array([], Float64Array.of(x));
const isArray = (x) => x !== null && typeof x === "object" && x.data instanceof Float64Array;
const asArray = (x) => (isArray(x) ? x : Array.isArray(x) ? nested(x) : scalar(Number(x)));

function nested(list) {
  const parts = list.map(asArray);
  return K.stack([parts], {});
}

function stridesOf(shape) {
  const strides = new Array(shape.length);
  for (let i = shape.length - 1, step = 1; i >= 0; i--) { strides[i] = step; step *= shape[i]; }
  return strides;
}

function broadcastShape(...shapes) {
  const n = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: n }, (_, i) => {
    const lengths = shapes.map((s) => s[i - n + s.length] ?? 1).filter((l) => l !== 1);
    if (lengths.some((l) => l !== lengths[0])) throw new RangeError(`shapes ${shapes.map((s) => `(${s})`).join(" and ")} do not fit`);
    return lengths[0] ?? 1;
  });
}

// For each element of an array of `shape`, the place in an operand that is expanded to it.
function places(operand, shape) {
  const own = stridesOf(operand.shape), extra = shape.length - operand.shape.length;
  const strides = shape.map((_, i) => (i < extra || operand.shape[i - extra] === 1 ? 0 : own[i - extra]));
  return walk(shape, strides);
}

function walk(shape, strides, start = 0) {
  const n = product(shape), found = new Int32Array(n), index = new Array(shape.length).fill(0);
  let at = start;
  for (let k = 0; k < n; k++) {
    found[k] = at;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += strides[d];
      if (++index[d] < shape[d]) break;
      at -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return found;
}

const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

const unary = (f) => ([x]) => {
  const a = asArray(x), result = array(a.shape), n = result.data.length;
  for (let i = 0; i < n; i++) result.data[i] = f(a.data[i]);
  return result;
};

const binary = (f) => ([x, y]) => {
  const a = asArray(x), b = asArray(y), shape = broadcastShape(a.shape, b.shape);
  const result = array(shape), out = result.data, n = out.length, p = a.data, q = b.data;
  if (same(a.shape, b.shape)) for (let i = 0; i < n; i++) out[i] = f(p[i], q[i]);
  else if (b.data.length === 1 && same(a.shape, shape)) for (let i = 0; i < n; i++) out[i] = f(p[i], q[0]);
  else if (a.data.length === 1 && same(b.shape, shape)) for (let i = 0; i < n; i++) out[i] = f(p[0], q[i]);
  else {
    const at = places(a, shape), bt = places(b, shape);
    for (let i = 0; i < n; i++) out[i] = f(p[at[i]], q[bt[i]]);
  }
  return result;
};

const axesOf = (axis, ndim) =>
  axis === null || axis === undefined ? [...Array(ndim).keys()]
    : (ndim ? [axis].flat() : []).map((a) => (a < 0 ? a + ndim : a));

// The elements that each element of the result is made of, one after the other.
function alongAxes(a, axis, keepdims, fold) {
  const axes = axesOf(axis, a.shape.length), strides = stridesOf(a.shape);
  const kept = [...a.shape.keys()].filter((i) => !axes.includes(i));
  const starts = walk(kept.map((i) => a.shape[i]), kept.map((i) => strides[i]));
  const offsets = walk(axes.map((i) => a.shape[i]), axes.map((i) => strides[i]));
  const shape = keepdims ? a.shape.map((l, i) => (axes.includes(i) ? 1 : l)) : kept.map((i) => a.shape[i]);
  const result = array(shape);
  for (let k = 0; k < starts.length; k++) result.data[k] = fold(a.data, starts[k], offsets);
  return result;
}

// In halves, as NumPy adds: the rounding grows with the logarithm of the length.
function pairwise(data, start, offsets, from, to) {
  if (to - from <= 8) {
    let total = 0;
    for (let i = from; i < to; i++) total += data[start + offsets[i]];
    return total;
  }
  const middle = from + ((to - from) >> 1);
  return pairwise(data, start, offsets, from, middle) + pairwise(data, start, offsets, middle, to);
}
const total = (data, start, offsets) => pairwise(data, start, offsets, 0, offsets.length);

const folded = (f, first) => (data, start, offsets) => {
  let found = first ?? data[start + offsets[0]];
  for (let i = first === undefined ? 1 : 0; i < offsets.length; i++) found = f(found, data[start + offsets[i]]);
  return found;
};

const option = (args, options, place, name, otherwise) => args[place] ?? options[name] ?? otherwise;

// `join` adds the number in `initial`; the elements may be limited by `where`.
const reduction = (fold, join) => (args, options) => {
  const a = asArray(args[0]), { initial } = options;
  const where = options.where === undefined || options.where === true ? null : asArray(options.where);
  const mask = where && K.broadcast_to([where, a.shape], {}).data;
  return alongAxes(a, option(args, options, 1, "axis", null), option(args, options, 3, "keepdims", false), (data, start, offsets) => {
    const some = mask ? offsets.filter((o) => mask[start + o]) : offsets;
    if (initial === undefined || initial === null) return fold(data, start, some);
    return some.length ? join(initial, fold(data, start, some)) : initial;
  });
};

const NaNs = (f) => (x, y) => (x !== x ? x : y !== y ? y : f(x, y));
const larger = NaNs((x, y) => (x >= y ? x : y)), smaller = NaNs((x, y) => (x <= y ? x : y));

function best(isBetter) {
  return (data, start, offsets) => {
    let found = 0;
    for (let i = 1; i < offsets.length; i++) if (isBetter(data[start + offsets[i]], data[start + offsets[found]])) found = i;
    return found;
  };
}

function view(a, shape, strides, start = 0) {
  const at = walk(shape, strides, start), result = array(shape);
  for (let i = 0; i < at.length; i++) result.data[i] = a.data[at[i]];
  return result;
}

function permuted(a, order) {
  const strides = stridesOf(a.shape);
  return view(a, order.map((i) => a.shape[i]), order.map((i) => strides[i]));
}

function reshaped(a, shape) {
  const known = product(shape.filter((l) => l !== -1));
  return array(shape.map((l) => (l === -1 ? a.data.length / known : l)), a.data);
}

function matmul([x, y]) {
  let a = asArray(x), b = asArray(y);
  const left = a.shape.length === 1, right = b.shape.length === 1;
  if (left) a = reshaped(a, [1, a.shape[0]]);
  if (right) b = reshaped(b, [b.shape[0], 1]);
  const [n, k] = a.shape.slice(-2), m = b.shape.at(-1);
  if (b.shape.at(-2) !== k) throw new RangeError(`(${a.shape}) @ (${b.shape}) do not fit`);
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const atA = places(array(a.shape.slice(0, -2)), batch), atB = places(array(b.shape.slice(0, -2)), batch);
  const result = array([...batch, n, m]);
  for (let t = 0; t < atA.length; t++) {
    const oa = atA[t] * n * k, ob = atB[t] * k * m, oc = t * n * m;
    for (let i = 0; i < n; i++)
      for (let p = 0; p < k; p++) {
        const value = a.data[oa + i * k + p], row = ob + p * m, out = oc + i * m;
        for (let j = 0; j < m; j++) result.data[out + j] += value * b.data[row + j];
      }
  }
  const shape = [...batch, ...(left ? [] : [n]), ...(right ? [] : [m])];
  return reshaped(result, shape);
}

// A list of numbers, or of lists of them, as an array.
function arrayOf(list) {
  const shape = [];
  for (let inner = list; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  return array(shape, Float64Array.from(list.flat(Infinity)));
}

// A place on an axis, where a negative one counts from the end.
function inside(i, length) {
  if (!(i >= -length && i < length)) throw new RangeError(`the index ${i} is outside an axis of length ${length}`);
  return i < 0 ? i + length : i;
}

// What an index picks: the shape, and the place of each element.
function picked(shape, index) {
  const given = Array.isArray(index) && index.tuple ? [...index] : [index];
  const items = given.map((i) => (Array.isArray(i) ? arrayOf(i) : i)).flatMap((i) => (i?.mask ? nonzero(i) : [i]));
  const taken = items.filter((i) => i !== null && !(i && i.ellipsis)).length;
  const at = items.findIndex((i) => i && i.ellipsis);
  const fill = Array(shape.length - taken).fill({ slice: [null, null, null] });
  if (at >= 0) items.splice(at, 1, ...fill); else items.push(...fill);
  const strides = stridesOf(shape), lists = [];
  const isAdvanced = (i) => typeof i === "number" || isArray(i);
  const first = items.findIndex(isAdvanced), last = items.findLastIndex(isAdvanced);
  // Lists with a slice between them come first, as in NumPy.
  const apart = items.some(isArray) && items.slice(first, last).some((i) => !isAdvanced(i));
  let out = [], steps = [], start = 0, axis = 0, where = -1;
  for (const item of items) {
    if (item === null) { out.push(1); steps.push(0); continue; }
    const length = shape[axis], stride = strides[axis];
    axis++;
    if (typeof item === "number") start += inside(item, length) * stride;
    else if (item.slice) {
      const [from, count, step] = sliced(item.slice, length);
      start += from * stride; out.push(count); steps.push(step * stride);
    } else {
      if (where < 0) where = apart ? 0 : out.length;
      lists.push([asArray(item), length, stride]);
    }
  }
  const base = walk(out, steps, start);
  if (!lists.length) return [out, base];
  const common = broadcastShape(...lists.map(([a]) => a.shape)), extra = new Int32Array(product(common));
  for (const [a, length, stride] of lists) {
    const p = places(a, common);
    for (let i = 0; i < extra.length; i++) extra[i] += inside(a.data[p[i]], length) * stride;
  }
  const before = out.slice(0, where), after = out.slice(where);
  const nAfter = product(after), found = new Int32Array(base.length * extra.length);
  let k = 0;
  for (let i = 0; i < base.length / nAfter; i++)
    for (const e of extra)
      for (let j = 0; j < nAfter; j++) found[k++] = base[i * nAfter + j] + e;
  return [[...before, ...common, ...after], found];
}

// For each axis, the places of the elements that are not 0.
function nonzero(a) {
  const places = [...a.data.keys()].filter((k) => a.data[k]), strides = stridesOf(a.shape);
  return a.shape.map((l, d) => array([places.length], Float64Array.from(places, (k) => Math.floor(k / strides[d]) % l)));
}

// A copy of an array, with `change(old, new)` at the places that an index picks.
function changed([x, y, index], change) {
  const a = asArray(x), b = asArray(y), [shape, at] = picked(a.shape, index);
  const result = array(a.shape, Float64Array.from(a.data)), from = places(b, shape);
  for (let i = 0; i < at.length; i++) result.data[at[i]] = change(result.data[at[i]], b.data[from[i]]);
  return result;
}

function sliced([start, stop, step], length) {
  step ??= 1;
  const clip = (x, low, high) => Math.min(Math.max(x < 0 ? x + length : x, low), high);
  const from = start === null ? (step > 0 ? 0 : length - 1) : clip(start, step > 0 ? 0 : -1, step > 0 ? length : length - 1);
  const to = stop === null ? (step > 0 ? length : -1) : clip(stop, step > 0 ? 0 : -1, step > 0 ? length : length - 1);
  return [from, Math.max(0, Math.ceil((to - from) / step)), step];
}

function joined(parts, axis) {
  const shape = [...parts[0].shape];
  if (axis < 0) axis += shape.length;
  shape[axis] = parts.reduce((n, p) => n + p.shape[axis], 0);
  const result = array(shape), strides = stridesOf(shape);
  let start = 0;
  for (const part of parts) {
    const at = walk(part.shape, strides, start * strides[axis]);
    for (let i = 0; i < at.length; i++) result.data[at[i]] = part.data[i];
    start += part.shape[axis];
  }
  return result;
}

function padded(a, widths, value) {
  const n = a.shape.length;
  const both = typeof widths === "number" ? [widths, widths] : typeof widths[0] === "number"
    ? (widths.length === 1 ? [widths[0], widths[0]] : widths) : null;
  const pairs = both ? Array(n).fill(both) : widths.length === 1 ? Array(n).fill(widths[0]) : widths;
  const result = array(a.shape.map((l, i) => l + pairs[i][0] + pairs[i][1]));
  result.data.fill(value);
  const strides = stridesOf(result.shape);
  const at = walk(a.shape, strides, pairs.reduce((s, [before], i) => s + before * strides[i], 0));
  for (let i = 0; i < at.length; i++) result.data[at[i]] = a.data[i];
  return result;
}

function triangle(keep) {
  return (args, options) => {
    const of = asArray(args[0]), k = option(args, options, 1, "k", 0), length = of.shape[0];
    const a = of.shape.length === 1 ? K.broadcast_to([of, [length, length]], {}) : of, [n, m] = a.shape.slice(-2);
    const result = array(a.shape);
    for (let i = 0; i < a.data.length; i++) {
      const row = Math.floor(i / m) % n, column = i % m;
      result.data[i] = keep(column - row, k) ? a.data[i] : 0;
    }
    return result;
  };
}

function einsum(args) {
  const [inputs, output] = args[0].replaceAll(" ", "").split("->");
  const terms = inputs.split(","), operands = args.slice(1).map(asArray), lengths = {};
  terms.forEach((t, i) => [...t].forEach((c, d) => { lengths[c] = operands[i].shape[d]; }));
  const letters = Object.keys(lengths);
  const out = output ?? letters.filter((c) => terms.join("").split(c).length === 2).sort().join("");
  const summed = letters.filter((c) => !out.includes(c)), order = [...out, ...summed];
  const shape = order.map((c) => lengths[c]);
  const at = operands.map((a, i) => {
    const strides = stridesOf(a.shape);
    return walk(shape, order.map((c) => [...terms[i]].reduce((s, l, d) => s + (l === c ? strides[d] : 0), 0)));
  });
  const result = array([...out].map((c) => lengths[c])), inner = product(summed.map((c) => lengths[c]));
  for (let k = 0; k < result.data.length; k++)
    for (let j = 0; j < inner; j++)
      result.data[k] += operands.reduce((p, a, i) => p * a.data[at[i][k * inner + j]], 1);
  return result;
}

const softplus = (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));
const logaddexp = (x, y) => {
  if (x === y) return x + Math.LN2;
  const d = x - y;
  return d > 0 ? x + Math.log1p(Math.exp(-d)) : d <= 0 ? y + Math.log1p(Math.exp(d)) : d;
};
const sigmoid = (z) => { const d = Math.exp(-Math.abs(z)); return (z >= 0 ? 1 : z < 0 ? d : z) / (1 + d); };
const even = (x) => { const r = Math.round(x); return Math.abs(x % 1) === 0.5 && r % 2 ? r - 1 : r; };
const modulo = (x, y) => { const r = x % y; return r && (r < 0) !== (y < 0) ? r + y : r; };
const bit = (f) => (x, y) => Number(f(x, y));

const K = {
  negative: unary((x) => -x), positive: unary((x) => x), exp: unary(Math.exp), expm1: unary(Math.expm1),
  log: unary(Math.log), log1p: unary(Math.log1p), log2: unary(Math.log2), log10: unary(Math.log10),
  exp2: unary((x) => 2 ** x), sqrt: unary(Math.sqrt), cbrt: unary(Math.cbrt), square: unary((x) => x * x),
  absolute: unary(Math.abs), fabs: unary(Math.abs), sign: unary(Math.sign), reciprocal: unary((x) => 1 / x),
  sin: unary(Math.sin), cos: unary(Math.cos), tan: unary(Math.tan), tanh: unary(Math.tanh),
  sinh: unary(Math.sinh), cosh: unary(Math.cosh), arctan: unary(Math.atan), arcsin: unary(Math.asin),
  arccos: unary(Math.acos), arcsinh: unary(Math.asinh), arccosh: unary(Math.acosh), arctanh: unary(Math.atanh),
  floor: unary(Math.floor), ceil: unary(Math.ceil), trunc: unary(Math.trunc), rint: unary(even),
  sigmoid: unary(sigmoid), softplus: unary(softplus),
  relu: ([x]) => K.maximum([x, 0]),
  isnan: unary((x) => Number(x !== x)), isinf: unary((x) => Number(Math.abs(x) === Infinity)),
  isfinite: unary((x) => Number(Number.isFinite(x))), logical_not: unary((x) => Number(!x)), invert: unary((x) => Number(!x)),
  deg2rad: unary((x) => (x * Math.PI) / 180), rad2deg: unary((x) => (x * 180) / Math.PI),
  astype: ([x]) => asArray(x), copy: ([x]) => asArray(x), real: ([x]) => asArray(x), conjugate: ([x]) => asArray(x),

  add: binary((x, y) => x + y), subtract: binary((x, y) => x - y), multiply: binary((x, y) => x * y),
  divide: binary((x, y) => x / y), power: binary((x, y) => x ** y), float_power: binary((x, y) => x ** y),
  maximum: binary(larger), minimum: binary(smaller),
  fmax: binary((x, y) => (y !== y || x >= y ? x : y)), fmin: binary((x, y) => (y !== y || x <= y ? x : y)),
  greater: binary(bit((x, y) => x > y)), greater_equal: binary(bit((x, y) => x >= y)),
  less: binary(bit((x, y) => x < y)), less_equal: binary(bit((x, y) => x <= y)),
  equal: binary(bit((x, y) => x === y)), not_equal: binary(bit((x, y) => x !== y)),
  logical_and: binary(bit((x, y) => x && y ? 1 : 0)), logical_or: binary(bit((x, y) => x || y ? 1 : 0)),
  logical_xor: binary(bit((x, y) => !x !== !y)), bitwise_and: binary((x, y) => x & y), bitwise_or: binary((x, y) => x | y),
  heaviside: binary((x, y) => (x !== x ? x : x > 0 ? 1 : x < 0 ? 0 : y)),
  arctan2: binary(Math.atan2), hypot: binary(Math.hypot), logaddexp: binary(logaddexp),
  remainder: binary(modulo), floor_divide: binary((x, y) => Math.floor(x / y)), fmod: binary((x, y) => x % y),
  copysign: binary((x, y) => (Object.is(Math.sign(y), -0) || y < 0 ? -Math.abs(x) : Math.abs(x))),
  xlogy: binary((x, y) => (x === 0 ? 0 : x * Math.log(y))), xlog1py: binary((x, y) => (x === 0 ? 0 : x * Math.log1p(y))),

  where: ([c, x, y]) => {
    const parts = [c, x, y].map(asArray), shape = broadcastShape(...parts.map((p) => p.shape));
    const at = parts.map((p) => places(p, shape)), result = array(shape);
    for (let i = 0; i < result.data.length; i++)
      result.data[i] = parts[0].data[at[0][i]] ? parts[1].data[at[1][i]] : parts[2].data[at[2][i]];
    return result;
  },
  clip: (args, options) => {
    const low = option(args, options, 1, "a_min", options.min ?? null), high = option(args, options, 2, "a_max", options.max ?? null);
    let found = asArray(args[0]);
    if (low !== null) found = K.maximum([found, low]);
    return high === null ? found : K.minimum([found, high]);
  },

  sum: reduction(total, (x, y) => x + y), prod: reduction(folded((x, y) => x * y, 1), (x, y) => x * y),
  max: reduction(folded(larger), larger), min: reduction(folded(smaller), smaller),
  any: reduction(folded((x, y) => (x || y ? 1 : 0), 0)), all: reduction(folded((x, y) => (x && y ? 1 : 0), 1)),
  mean: reduction((data, start, offsets) => total(data, start, offsets) / offsets.length),
  argmax: (args, options) => alongAxes(asArray(args[0]), option(args, options, 1, "axis", null), options.keepdims ?? false, best((x, y) => x > y)),
  argmin: (args, options) => alongAxes(asArray(args[0]), option(args, options, 1, "axis", null), options.keepdims ?? false, best((x, y) => x < y)),
  count_nonzero: reduction(folded((n, x) => n + Number(x !== 0), 0)),
  trace: (args, options) => K.sum([K.diagonal(args, options), -1], {}),

  matmul, 
  inner: ([x, y]) => {
    const a = asArray(x), b = asArray(y);
    return !a.shape.length || !b.shape.length ? K.multiply([a, b]) : K.tensordot([a, b, [-1, -1]]);
  },
  dot: ([x, y]) => {
    const a = asArray(x), b = asArray(y);
    if (!a.shape.length || !b.shape.length) return K.multiply([a, b]);
    return b.shape.length > 2 ? K.tensordot([a, b, [-1, -2]]) : matmul([a, b]);
  },
  vdot: ([x, y]) => matmul([reshaped(asArray(x), [-1]), reshaped(asArray(y), [-1])]),
  outer: ([x, y]) => matmul([reshaped(asArray(x), [-1, 1]), reshaped(asArray(y), [1, -1])]),
  einsum,
  tensordot: (args, options) => {
    const a = asArray(args[0]), b = asArray(args[1]), n = a.shape.length, axes = option(args, options ?? {}, 2, "axes", 2);
    const [la, lb] = typeof axes === "number"
      ? [[...Array(axes).keys()].map((i) => n - axes + i), [...Array(axes).keys()]] : [...axes].map((l, k) => axesOf(l, [a, b][k].shape.length));
    const fa = [...a.shape.keys()].filter((i) => !la.includes(i)), fb = [...b.shape.keys()].filter((i) => !lb.includes(i));
    const p = permuted(a, [...fa, ...la]), q = permuted(b, [...lb, ...fb]), k = product(la.map((i) => a.shape[i]));
    const found = matmul([reshaped(p, [product(fa.map((i) => a.shape[i])), k]), reshaped(q, [k, product(fb.map((i) => b.shape[i]))])]);
    return reshaped(found, [...fa.map((i) => a.shape[i]), ...fb.map((i) => b.shape[i])]);
  },

  transpose: (args, options) => {
    const a = asArray(args[0]), axes = option(args, options, 1, "axes", null);
    return permuted(a, axes === null ? [...a.shape.keys()].reverse() : axesOf(axes, a.shape.length));
  },
  matrix_transpose: ([x]) => K.swapaxes([x, -1, -2], {}),
  swapaxes: (args, options) => {
    const a = asArray(args[0]), order = [...a.shape.keys()];
    const [p, q] = axesOf([option(args, options ?? {}, 1, "axis1"), option(args, options ?? {}, 2, "axis2")], order.length);
    [order[p], order[q]] = [order[q], order[p]];
    return permuted(a, order);
  },
  moveaxis: (args, options) => {
    const a = asArray(args[0]), ndim = a.shape.length;
    const [from, to] = [[1, "source"], [2, "destination"]].map(([i, name]) => axesOf(option(args, options ?? {}, i, name), ndim));
    const order = [...a.shape.keys()].filter((i) => !from.includes(i));
    to.map((d, k) => [d, from[k]]).sort((p, q) => p[0] - q[0]).forEach(([d, s]) => order.splice(d, 0, s));
    return permuted(a, order);
  },
  reshape: (args, options) => {
    const a = asArray(args[0]), given = [option(args, options, 1, "shape", options.newshape)].flat();
    if (option(args, options, 2, "order", "C") !== "F") return reshaped(a, given);
    return K.transpose([reshaped(K.transpose([a], {}), [...given].reverse())], {});
  },
  ravel: (args, options) => K.reshape([args[0], -1, option(args, options, 1, "order", "C")], {}),
  squeeze: (args, options) => {
    const a = asArray(args[0]), axis = option(args, options, 1, "axis", null), axes = axis === null ? null : axesOf(axis, a.shape.length);
    return array(a.shape.filter((l, i) => (axes ? !axes.includes(i) : l !== 1)), a.data);
  },
  expand_dims: (args, options) => {
    const a = asArray(args[0]), given = [option(args, options, 1, "axis", 0)].flat();
    const shape = [...a.shape];
    axesOf(given, a.shape.length + given.length).sort((p, q) => p - q).forEach((i) => shape.splice(i, 0, 1));
    return array(shape, a.data);
  },
  broadcast_to: (args, options) => {
    const a = asArray(args[0]), shape = [option(args, options, 1, "shape", null)].flat(), at = places(a, shape), result = array(shape);
    for (let i = 0; i < at.length; i++) result.data[i] = a.data[at[i]];
    return result;
  },
  flip: (args, options) => {
    const a = asArray(args[0]), axes = axesOf(option(args, options, 1, "axis", null), a.shape.length), strides = stridesOf(a.shape);
    const start = axes.reduce((s, i) => s + strides[i] * (a.shape[i] - 1), 0);
    return view(a, a.shape, strides.map((s, i) => (axes.includes(i) ? -s : s)), start);
  },
  concatenate: (args, options) => {
    const axis = args.length > 1 ? args[1] : "axis" in options ? options.axis : 0, parts = args[0].map(asArray);
    return axis === null ? joined(parts.map((p) => reshaped(p, [-1])), 0) : joined(parts, axis);
  },
  stack: (args, options) => {
    const parts = args[0].map(asArray), axis = option(args, options, 1, "axis", 0);
    return joined(parts.map((p) => K.expand_dims([p, axis], {})), axis < 0 ? axis + parts[0].shape.length + 1 : axis);
  },
  vstack: ([list]) => joined(list.map(asArray).map((p) => (p.shape.length < 2 ? reshaped(p, [1, p.data.length]) : p)), 0),
  hstack: ([list]) => {
    const parts = list.map(asArray).map((p) => (p.shape.length ? p : reshaped(p, [1])));
    return joined(parts, parts[0].shape.length === 1 ? 0 : 1);
  },
  diagonal: (args, options) => {
    const offset = option(args, options, 1, "offset", 0), of = asArray(args[0]), ndim = of.shape.length;
    const pair = axesOf([option(args, options, 2, "axis1", 0), option(args, options, 3, "axis2", 1)], ndim);
    const rest = [...of.shape.keys()].filter((i) => !pair.includes(i)), a = permuted(of, [...rest, ...pair]), [n, m] = a.shape.slice(-2);
    const length = Math.max(0, offset >= 0 ? Math.min(n, m - offset) : Math.min(n + offset, m));
    return view(a, [...a.shape.slice(0, -2), length], [...stridesOf(a.shape).slice(0, -2), m + 1], offset >= 0 ? offset : -offset * m);
  },
  "linalg.diagonal": (args, options) => K.diagonal([args[0], option(args, options, 1, "offset", 0), -2, -1], {}),
  "linalg.trace": (args, options) => K.sum([K["linalg.diagonal"](args, options), -1], {}),
  tril: triangle((d, k) => d <= k), triu: triangle((d, k) => d >= k),
  repeat: (args, options) => {
    const [a, axis] = flatUnless(args[0], option(args, options, 2, "axis", null)), length = a.shape.at(axis);
    const times = asArray(option(args, options, 1, "repeats", 1)).data;
    return pickedAlong(a, axis, Array.from({ length }, (_, i) => Array(times[times.length === 1 ? 0 : i]).fill(i)).flat());
  },
  pad: (args, options) => padded(asArray(args[0]), args[1] ?? options.pad_width, options.constant_values ?? 0),
  getitem: ([x, index]) => {
    const a = asArray(x), [shape, at] = picked(a.shape, index), result = array(shape);
    for (let i = 0; i < at.length; i++) result.data[i] = a.data[at[i]];
    return result;
  },
  put_back: ([g, index, shape]) => {
    const a = asArray(g), [inner, at] = picked([...shape], index), result = array([...shape]);
    const from = places(a, inner);
    for (let i = 0; i < at.length; i++) result.data[at[i]] += a.data[from[i]];
    return result;
  },
  put: (args) => changed(args, (_, y) => y), add_at: (args) => changed(args, (x, y) => x + y),
};

// The elements along one axis, one list for each place in the others, replaced by what `f` makes of them.
function alongEach(a, axis, f) {
  const ndim = a.shape.length, [at] = axesOf(axis, ndim), order = [...a.shape.keys()].filter((i) => i !== at).concat(at);
  const last = permuted(a, order), n = a.shape[at], parts = [];
  for (let k = 0; k < product(last.shape.slice(0, -1)); k++) parts.push(f(last.data.slice(k * n, (k + 1) * n)));
  const length = parts.length ? parts[0].length : n;
  const made = array([...last.shape.slice(0, -1), length]);
  parts.forEach((part, k) => made.data.set(part, k * length));
  return permuted(made, [...a.shape.keys()].map((i) => order.indexOf(i)));
}

// Flattened where no axis is given, and the axis.
const flatUnless = (x, axis) => (axis === null || axis === undefined ? [reshaped(asArray(x), [-1]), 0] : [asArray(x), axis]);
// In NumPy's order, NaN last; equal elements stay as they are.
const ascending = (x, y) => (x < y ? -1 : x > y ? 1 : Number(x !== x) - Number(y !== y));
const orderOf = (options) => (options.descending ? (x, y) => Number(x !== x) - Number(y !== y) || ascending(y, x) : ascending);
const running = (f) => (args, options) => {
  const [a, axis] = flatUnless(args[0], option(args, options, 1, "axis", null));
  return alongEach(a.shape.length ? a : reshaped(a, [1]), axis, (list) => { for (let i = 1; i < list.length; i++) list[i] = f(list[i - 1], list[i]); return list; });
};

function pickedAlong(a, axis, list) {
  const index = Array(a.shape.length).fill({ slice: [null, null, null] });
  index.tuple = true;
  index[axesOf(axis, a.shape.length)[0]] = array([list.length], Float64Array.from(list));
  return K.getitem([a, index]);
}

// Numbers that are given as one, as a list, or as an array.
const listOf = (x) => [...asArray(x).data];

function rolled(x, shift, axis) {
  if (axis === null || axis === undefined) return reshaped(rolled(reshaped(asArray(x), [-1]), shift, 0), asArray(x).shape);
  const axes = [axis].flat(), shifts = listOf(shift), count = Math.max(axes.length, shifts.length);
  return Array.from({ length: count }).reduce((a, _, i) => {
    const one = axes[axes.length === 1 ? 0 : i], by = shifts[shifts.length === 1 ? 0 : i], n = a.shape.at(one);
    return pickedAlong(a, one, Array.from({ length: n }, (_, k) => modulo(k - by, n)));
  }, asArray(x));
}

const shiftedBy = (half) => (args, options) => {
  const a = asArray(args[0]), axes = axesOf(option(args, options, 1, "axes", null), a.shape.length);
  return rolled(a, axes.map((i) => half(a.shape[i])), axes);
};

// The places of the elements of a list before and after a number.
const searched = (list, x, right) => { let n = 0; while (n < list.length && (right ? ascending(list[n], x) <= 0 : ascending(list[n], x) < 0)) n++; return n; };

function convolved([x, y, mode = "full"], options) {
  let a = asArray(x).data, b = asArray(y).data;
  mode = options?.mode ?? mode;
  if (b.length > a.length) [a, b] = [b, a];
  const all = new Float64Array(a.length + b.length - 1);
  for (let i = 0; i < a.length; i++) for (let j = 0; j < b.length; j++) all[i + j] += a[i] * b[j];
  const start = mode === "full" ? 0 : mode === "same" ? (b.length - 1) >> 1 : b.length - 1;
  const length = mode === "full" ? all.length : mode === "same" ? a.length : a.length - b.length + 1;
  return array([length], all.slice(start, start + length));
}

// Products of vectors along the last axis, as np.cross has them.
function crossed(args, options) {
  const last = (name, place) => option(args, options, 5, "axis", null) ?? option(args, options, place, name, -1);
  let [a, b] = [[0, "axisa", 2], [1, "axisb", 3]].map(([i, name, place]) => K.moveaxis([asArray(args[i]), last(name, place), -1]));
  const n = a.shape.at(-1), m = b.shape.at(-1), part = (v, i) => (i < v.shape.at(-1) ? K.getitem([v, Object.assign([{ ellipsis: true }, i], { tuple: true })]) : scalar(0));
  const one = (i, j) => K.subtract([K.multiply([part(a, i), part(b, j)]), K.multiply([part(a, j), part(b, i)])]);
  if (n === 2 && m === 2) return one(0, 1);
  const parts = [one(1, 2), one(2, 0), one(0, 1)], shape = broadcastShape(...parts.map((p) => p.shape));
  const found = K.stack([parts.map((p) => K.broadcast_to([p, shape], {})), -1], {});
  return K.moveaxis([found, -1, last("axisc", 4)]);
}

function kron([x, y]) {
  const a = asArray(x), b = asArray(y), n = Math.max(a.shape.length, b.shape.length);
  const [p, q] = [a, b].map((v) => [...Array(n - v.shape.length).fill(1), ...v.shape]);
  const left = reshaped(a, p.flatMap((l) => [l, 1])), right = reshaped(b, q.flatMap((l) => [1, l]));
  return reshaped(K.multiply([left, right]), p.map((l, i) => l * q[i]));
}

function tiled(args, options) {
  const given = listOf(option(args, options, 1, "reps", 1)), a = asArray(args[0]), n = Math.max(given.length, a.shape.length);
  const times = [...Array(n - given.length).fill(1), ...given], shape = [...Array(n - a.shape.length).fill(1), ...a.shape];
  return times.reduce((found, t, i) => pickedAlong(found, i, Array.from({ length: t * found.shape[i] }, (_, k) => k % found.shape[i])), reshaped(a, shape));
}

function diagonalMatrix([x, k = 0], options) {
  const a = asArray(x);
  k = options?.k ?? k;
  if (a.shape.length === 2) return K.diagonal([a, k], {});
  const n = a.data.length + Math.abs(k), found = array([n, n]);
  a.data.forEach((v, i) => { found.data[(k < 0 ? i - k : i) * n + (k > 0 ? i + k : i)] = v; });
  return found;
}

const counted = (a) => [...a.data].sort(ascending).filter((x, i, list) => i === 0 || x !== list[i - 1]);

Object.assign(K, {
  sinc: unary((x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))),
  radians: K.deg2rad,
  degrees: K.rad2deg,
  isneginf: unary((x) => Number(x === -Infinity)),
  isposinf: unary((x) => Number(x === Infinity)),
  signbit: unary((x) => Number(x < 0 || Object.is(x, -0))),
  spacing: unary((x) => { const size = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 52); return x < 0 ? -size : size; }),
  logaddexp2: binary((x, y) => logaddexp(x * Math.LN2, y * Math.LN2) / Math.LN2),
  ldexp: binary((x, n) => x * 2 ** n),
  bitwise_xor: binary((x, y) => x ^ y),
  left_shift: binary((x, n) => x * 2 ** n),
  right_shift: binary((x, n) => Math.floor(x / 2 ** n)),
  modf: ([x]) => { const a = K.trunc([x]); return [K.copysign([K.subtract([x, a]), x]), a]; },
  divmod: ([x, y]) => [K.floor_divide([x, y]), K.remainder([x, y])],
  real_if_close: ([x]) => asArray(x),
  imag: ([x]) => array(asArray(x).shape),
  round: (args, options) => {
    const scale = 10 ** Math.abs(option(args, options, 1, "decimals", 0)), down = option(args, options, 1, "decimals", 0) < 0;
    return unary((x) => (down ? even(x / scale) * scale : even(x * scale) / scale))([args[0]]);
  },
  cumsum: running((x, y) => x + y),
  cumprod: running((x, y) => x * y),
  "maximum.accumulate": running(larger),
  "minimum.accumulate": running(smaller),
  ptp: (args, options) => K.subtract([K.max(args, options), K.min(args, options)]),
  sort: (args, options) => { const [a, axis] = flatUnless(args[0], args.length > 1 ? args[1] : "axis" in options ? options.axis : -1); return alongEach(a, axis, (list) => list.sort(orderOf(options))); },
  argsort: (args, options) => {
    const [a, axis] = flatUnless(args[0], args.length > 1 ? args[1] : "axis" in options ? options.axis : -1), order = orderOf(options);
    return alongEach(a, axis, (list) => Float64Array.from([...list.keys()].sort((i, j) => order(list[i], list[j]))));
  },
  nonzero: ([x]) => nonzero(asArray(x)),
  flatnonzero: ([x]) => nonzero(reshaped(asArray(x), [-1]))[0],
  unique: (args, options) => {
    const a = asArray(args[0]), list = counted(a), results = [list];
    if (option(args, options, 1, "return_index", false)) results.push(list.map((x) => a.data.findIndex((y) => ascending(x, y) === 0)));
    if (option(args, options, 2, "return_inverse", false)) results.push([...a.data].map((x) => list.findIndex((y) => ascending(x, y) === 0)));
    if (option(args, options, 3, "return_counts", false)) results.push(list.map((x) => a.data.filter((y) => ascending(x, y) === 0).length));
    const found = results.map((r) => array([r.length], Float64Array.from(r)));
    return found.length === 1 ? found[0] : found;
  },
  allclose: (args, options) => {
    const near = option(args, options, 2, "rtol", 1e-5), least = option(args, options, 3, "atol", 1e-8);
    return K.all([binary((x, y) => Number(x === y || Math.abs(x - y) <= least + near * Math.abs(y)))(args)], {});
  },
  array_equal: ([x, y]) => scalar(Number(same(asArray(x).shape, asArray(y).shape) && same([...asArray(x).data], [...asArray(y).data]))),
  searchsorted: (args, options) => {
    const list = asArray(args[0]).data, right = option(args, options, 2, "side", "left") === "right";
    return unary((x) => searched(list, x, right))([args[1]]);
  },
  digitize: (args, options) => K.searchsorted([args[1], args[0]], { side: option(args, options, 2, "right", false) ? "left" : "right" }),
  bincount: (args, options) => {
    const at = asArray(args[0]).data, weights = option(args, options, 1, "weights", null);
    const found = array([Math.max(option(args, options, 2, "minlength", 0), 1 + Math.max(-1, ...at))]);
    at.forEach((i, k) => { found.data[i] += weights === null ? 1 : asArray(weights).data[k]; });
    return found;
  },
  group_means: ([g, groups]) => {
    const a = asArray(g), at = asArray(groups).data, sums = new Map(), counts = new Map();
    at.forEach((n, k) => { sums.set(n, (sums.get(n) ?? 0) + a.data[k]); counts.set(n, (counts.get(n) ?? 0) + 1); });
    return array(a.shape, Float64Array.from(at, (n) => sums.get(n) / counts.get(n)));
  },
  take: (args, options) => {
    const [a, axis] = flatUnless(args[0], option(args, options, 2, "axis", null)), index = asArray(args[1] ?? options.indices);
    const found = pickedAlong(a, axis, index.data), [at] = axesOf(axis, a.shape.length);
    return reshaped(found, [...a.shape.slice(0, at), ...index.shape, ...a.shape.slice(at + 1)]);
  },
  take_along_axis: (args, options) => {
    const [a, axis] = flatUnless(args[0], args.length > 2 ? args[2] : "axis" in options ? options.axis : -1), index = asArray(args[1] ?? options.indices);
    const [at] = axesOf(axis, a.shape.length), shape = index.shape.map((l, i) => (i === at ? l : a.shape[i]));
    const places = shape.map((l, i) => reshaped(array([l], Float64Array.from({ length: l }, (_, k) => k)), shape.map((_, j) => (j === i ? l : 1))));
    places[at] = index;
    return K.getitem([a, Object.assign(places, { tuple: true })]);
  },
  roll: (args, options) => rolled(args[0], option(args, options, 1, "shift", 0), option(args, options, 2, "axis", null)),
  "fft.fftshift": shiftedBy((n) => n >> 1),
  "fft.ifftshift": shiftedBy((n) => -(n >> 1)),
  fliplr: ([x]) => K.flip([x, 1], {}),
  flipud: ([x]) => K.flip([x, 0], {}),
  rot90: (args, options) => {
    const a = asArray(args[0]), k = modulo(option(args, options, 1, "k", 1), 4), [p, q] = axesOf(option(args, options, 2, "axes", [0, 1]), a.shape.length);
    if (k === 2) return K.flip([a, [p, q]], {});
    return k === 0 ? a : k === 1 ? K.swapaxes([K.flip([a, q], {}), p, q]) : K.flip([K.swapaxes([a, p, q]), q], {});
  },
  kron: kron,
  tile: tiled,
  diag: diagonalMatrix,
  diagflat: ([x, k], options) => diagonalMatrix([reshaped(asArray(x), [-1]), k], options),
  cross: crossed,
  convolve: convolved,
  vecdot: (args, options) => K.sum([K.multiply(args.slice(0, 2)), option(args, options, 2, "axis", -1)], {}),
  matvec: ([x, y]) => K.squeeze([matmul([x, K.expand_dims([y, -1], {})]), -1], {}),
  vecmat: ([x, y]) => K.squeeze([matmul([K.expand_dims([x, -2], {}), y]), -2], {}),
  append: (args, options) => {
    const axis = option(args, options, 2, "axis", null), parts = [asArray(args[0]), asArray(args[1])];
    return axis === null ? joined(parts.map((p) => reshaped(p, [-1])), 0) : joined(parts, axis);
  },
  vander: (args, options) => {
    const a = asArray(args[0]), n = option(args, options, 1, "N", null) ?? a.data.length, up = option(args, options, 2, "increasing", false);
    return array([a.data.length, n], Float64Array.from({ length: a.data.length * n }, (_, k) => a.data[Math.floor(k / n)] ** (up ? k % n : n - 1 - (k % n))));
  },
  ravel_multi_index: ([places, shape]) => {
    const strides = stridesOf([shape].flat()), parts = Array.isArray(places) ? places : [places];
    return parts.map((p, i) => K.multiply([p, strides[i]])).reduce((p, q) => K.add([p, q]));
  },
  ediff1d: ([x]) => { const a = reshaped(asArray(x), [-1]); return K.subtract([K.getitem([a, { slice: [1, null, null] }]), K.getitem([a, { slice: [null, -1, null] }])]); },
});
for (const [symbol, name] of Object.entries({ sub: "subtract", mul: "multiply", truediv: "divide", pow: "power", neg: "negative", abs: "absolute", amean: "mean", amax: "max", amin: "min", permute_dims: "transpose", concat: "concatenate", true_divide: "divide", ascontiguousarray: "real_if_close", asarray: "real_if_close", array: "real_if_close", around: "round", cumulative_sum: "cumsum", cumulative_prod: "cumprod" })) K[symbol] = K[name];

const ROUNDING = {
  float32: Math.fround,
  int64: Math.trunc, int32: Math.trunc, int16: Math.trunc, int8: Math.trunc, uint8: Math.trunc,
};

// A step's results, of the dtypes that it gives.
function run(step, values) {
  const [name, args, options, results, dtypes] = step;
  const before = results.map((r) => values[r]);
  const found = K[name](args.map((a) => decoded(a, values)), decodedOptions(options, values), before);
  const list = results.length > 1 || Array.isArray(found) ? found : [found];
  results.forEach((result, i) => {
    const round = ROUNDING[dtypes[i]];
    if (round) for (let k = 0, d = (list[i] = array(list[i].shape, Float64Array.from(list[i].data))).data; k < d.length; k++) d[k] = round(d[k]);
    values[result] = list[i];
  });
}

const decodedOptions = (options, values) =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [key, decoded(value, values)]));

function decoded(value, values) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((v) => decoded(v, values));
  if (value.mask) return { ...values[value.v], mask: true };
  if ("v" in value) return values[value.v];
  if ("t" in value) { const found = value.t.map((v) => decoded(v, values)); found.tuple = true; return found; }
  if ("n" in value) return Number(value.n);
  return value;
}
