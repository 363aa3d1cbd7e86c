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
    : (Array.isArray(axis) ? axis : [axis]).map((a) => (a < 0 ? a + ndim : a));

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

const reduction = (fold) => (args, options) =>
  alongAxes(asArray(args[0]), option(args, options, 1, "axis", null), option(args, options, 3, "keepdims", false), fold);

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

// What an index picks: the shape, and the place of each element.
function picked(shape, index) {
  const items = (Array.isArray(index) && index.tuple ? [...index] : [index]).map((i) => (Array.isArray(i) ? arrayOf(i) : i));
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
    if (typeof item === "number") start += (item < 0 ? item + length : item) * stride;
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
    for (let i = 0; i < extra.length; i++) { const v = a.data[p[i]]; extra[i] += (v < 0 ? v + length : v) * stride; }
  }
  const before = out.slice(0, where), after = out.slice(where);
  const nAfter = product(after), found = new Int32Array(base.length * extra.length);
  let k = 0;
  for (let i = 0; i < base.length / nAfter; i++)
    for (const e of extra)
      for (let j = 0; j < nAfter; j++) found[k++] = base[i * nAfter + j] + e;
  return [[...before, ...common, ...after], found];
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
    const a = asArray(args[0]), k = option(args, options, 1, "k", 0), [n, m] = a.shape.slice(-2);
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

  sum: reduction(total), prod: reduction(folded((x, y) => x * y, 1)),
  max: reduction(folded(larger)), amax: reduction(folded(larger)), min: reduction(folded(smaller)), amin: reduction(folded(smaller)),
  any: reduction(folded((x, y) => (x || y ? 1 : 0), 0)), all: reduction(folded((x, y) => (x && y ? 1 : 0), 1)),
  mean: reduction((data, start, offsets) => total(data, start, offsets) / offsets.length),
  argmax: (args, options) => alongAxes(asArray(args[0]), option(args, options, 1, "axis", null), options.keepdims ?? false, best((x, y) => x > y)),
  argmin: (args, options) => alongAxes(asArray(args[0]), option(args, options, 1, "axis", null), options.keepdims ?? false, best((x, y) => x < y)),
  count_nonzero: reduction(folded((n, x) => n + Number(x !== 0), 0)),
  cumsum: (args, options) => {
    let a = asArray(args[0]), axis = option(args, options, 1, "axis", null);
    if (axis === null) { a = reshaped(a, [a.data.length]); axis = 0; }
    axis = axesOf(axis, a.shape.length)[0];
    const result = array(a.shape, Float64Array.from(a.data)), step = stridesOf(a.shape)[axis];
    for (let i = 0; i < result.data.length; i++)
      if (Math.floor(i / step) % a.shape[axis]) result.data[i] += result.data[i - step];
    return result;
  },
  trace: (args) => K.sum([K.diagonal(args, {})], {}),

  matmul, inner: ([x, y]) => matmul([x, K.transpose([asArray(y)], {})]),
  dot: ([x, y]) => {
    const a = asArray(x), b = asArray(y);
    return !a.shape.length || !b.shape.length ? K.multiply([a, b]) : matmul([a, b]);
  },
  vdot: ([x, y]) => matmul([reshaped(asArray(x), [-1]), reshaped(asArray(y), [-1])]),
  outer: ([x, y]) => matmul([reshaped(asArray(x), [-1, 1]), reshaped(asArray(y), [1, -1])]),
  einsum,
  tensordot: ([x, y, axes]) => {
    const a = asArray(x), b = asArray(y), n = a.shape.length;
    const [la, lb] = typeof axes === "number"
      ? [[...Array(axes).keys()].map((i) => n - axes + i), [...Array(axes).keys()]] : axes.map((l, k) => axesOf(l, [a, b][k].shape.length));
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
  swapaxes: ([x, i, j]) => {
    const a = asArray(x), order = [...a.shape.keys()], [p, q] = axesOf([i, j], order.length);
    [order[p], order[q]] = [order[q], order[p]];
    return permuted(a, order);
  },
  moveaxis: ([x, source, destination]) => {
    const a = asArray(x), from = axesOf(source, a.shape.length), to = axesOf(destination, a.shape.length);
    const order = [...a.shape.keys()].filter((i) => !from.includes(i));
    to.map((d, k) => [d, from[k]]).sort((p, q) => p[0] - q[0]).forEach(([d, s]) => order.splice(d, 0, s));
    return permuted(a, order);
  },
  reshape: (args, options) => reshaped(asArray(args[0]), [option(args, options, 1, "shape", options.newshape)].flat()),
  ravel: ([x]) => reshaped(asArray(x), [-1]),
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
    const a = asArray(args[0]), offset = option(args, options, 1, "offset", 0), [n, m] = a.shape;
    const length = Math.max(0, offset >= 0 ? Math.min(n, m - offset) : Math.min(n + offset, m));
    return view(a, [length], [m + 1], offset >= 0 ? offset : -offset * m);
  },
  tril: triangle((d, k) => d <= k), triu: triangle((d, k) => d >= k),
  repeat: (args, options) => {
    let a = asArray(args[0]), axis = option(args, options, 2, "axis", null);
    const n = args[1] ?? options.repeats;
    if (axis === null) { a = reshaped(a, [-1]); axis = 0; }
    const index = Array(a.shape.length).fill({ slice: [null, null, null] });
    index.tuple = true;
    index[axesOf(axis, a.shape.length)[0]] = array([a.shape.at(axis) * n], Float64Array.from({ length: a.shape.at(axis) * n }, (_, i) => Math.floor(i / n)));
    return K.getitem([a, index]);
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
};
for (const [symbol, name] of Object.entries({ sub: "subtract", mul: "multiply", truediv: "divide", pow: "power", neg: "negative", abs: "absolute", amean: "mean", permute_dims: "transpose", concat: "concatenate", true_divide: "divide" })) K[symbol] = K[name];

const ROUNDING = {
  float32: Math.fround,
  int64: Math.trunc, int32: Math.trunc, int16: Math.trunc, int8: Math.trunc, uint8: Math.trunc,
};

// A step's results, of the dtypes that it gives.
function run(step, values) {
  const [name, args, options, results, dtypes] = step;
  const found = K[name](args.map((a) => decoded(a, values)), decodedOptions(options, values));
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
  if ("v" in value) return values[value.v];
  if ("t" in value) { const found = value.t.map((v) => decoded(v, values)); found.tuple = true; return found; }
  if ("n" in value) return Number(value.n);
  return value;
}
