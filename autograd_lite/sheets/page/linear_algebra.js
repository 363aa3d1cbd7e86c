// NumPy's linear algebra on stacks of matrices. A decomposition takes the free signs of its vectors
// from the ones before, so that they do not jump while a number is dragged.

const matrixOf = (a, t = 0) => {
  const [n, m] = a.shape.slice(-2);
  return Array.from({ length: n }, (_, i) => Array.from(a.data.subarray((t * n + i) * m, (t * n + i + 1) * m)));
};
const countOf = (a) => product(a.shape.slice(0, -2));
const identity = (n) => Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)));
const columnsOf = (rows, n = rows[0]?.length ?? 0) => Array.from({ length: n }, (_, j) => rows.map((row) => row[j]));
const dotOf = (x, y) => x.reduce((s, v, i) => s + v * y[i], 0);

// A function of single matrices, for a stack of them: `f` gives a list of results as nested lists.
function stacked(a, shapes, f) {
  const batch = a.shape.slice(0, -2), results = shapes.map((s) => array([...batch, ...s]));
  for (let t = 0; t < product(batch); t++)
    f(matrixOf(a, t), t).forEach((list, i) => results[i].data.set([list].flat(Infinity), t * product(shapes[i])));
  return results;
}

// Gaussian elimination with the largest pivots: the factors in one matrix, the order of the rows, its sign.
function eliminated(rows) {
  const m = rows.map((r) => [...r]), n = m.length, order = [...m.keys()];
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let p = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(m[i][k]) > Math.abs(m[p][k])) p = i;
    if (p !== k) { [m[p], m[k]] = [m[k], m[p]]; [order[p], order[k]] = [order[k], order[p]]; sign = -sign; }
    if (m[k][k] === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const f = (m[i][k] /= m[k][k]);
      for (let j = k + 1; j < n; j++) m[i][j] -= f * m[k][j];
    }
  }
  return { m, order, sign };
}

function solved(rows, right) {
  const { m, order } = eliminated(rows), n = m.length, x = order.map((i) => [...right[i]]);
  if (m.some((row, i) => row[i] === 0)) throw new RangeError("the matrix is singular");
  for (let i = 0; i < n; i++)
    for (let k = 0; k < i; k++) for (let j = 0; j < x[i].length; j++) x[i][j] -= m[i][k] * x[k][j];
  for (let i = n - 1; i >= 0; i--)
    for (let j = 0; j < x[i].length; j++) {
      for (let k = i + 1; k < n; k++) x[i][j] -= m[i][k] * x[k][j];
      x[i][j] /= m[i][i];
    }
  return x;
}

function choleskyOf(rows) {
  const n = rows.length, l = rows.map((r) => r.map(() => 0));
  for (let j = 0; j < n; j++)
    for (let i = j; i < n; i++) {
      const rest = rows[i][j] - dotOf(l[i].slice(0, j), l[j].slice(0, j));
      if (i === j && !(rest > 0)) throw new RangeError("the matrix is not positive definite");
      l[i][j] = i === j ? Math.sqrt(rest) : rest / l[j][j];
    }
  return l;
}

// By Householder reflections: all of Q, and R.
function orthogonalised(rows) {
  const n = rows.length, m = rows[0].length, r = rows.map((row) => [...row]), q = identity(n);
  for (let k = 0; k < Math.min(n - 1, m); k++) {
    const rest = Math.hypot(...r.slice(k + 1).map((row) => row[k]));
    if (rest === 0) continue;
    const length = Math.hypot(r[k][k], rest), beta = r[k][k] >= 0 ? -length : length;
    const v = r.map((row, i) => (i < k ? 0 : i === k ? row[k] - beta : row[k])), scale = 2 / dotOf(v, v);
    const reflect = (columns, put) => columns.forEach((column, j) => {
      const f = scale * dotOf(v, column);
      for (let i = k; i < n; i++) put(i, j, column[i] - f * v[i]);
    });
    reflect(columnsOf(r), (i, j, x) => { r[i][j] = x; });
    reflect(q, (i, j, x) => { q[j][i] = x; });
    for (let i = k + 1; i < n; i++) r[i][k] = 0;
  }
  return { q, r };
}

// One-sided Jacobi rotations of the columns of a matrix at least as high as it is wide.
function singular(rows) {
  const u = columnsOf(rows), n = u.length, v = identity(n);
  const turn = (list, p, q, c, s) => list[p].forEach((x, i) => { const y = list[q][i]; list[p][i] = c * x - s * y; list[q][i] = s * x + c * y; });
  for (let sweep = 0, moved = true; moved && sweep < 60; sweep++) {
    moved = false;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const a = dotOf(u[p], u[p]), b = dotOf(u[q], u[q]), g = dotOf(u[p], u[q]);
        if (!(Math.abs(g) > 1e-16 * Math.sqrt(a * b))) continue;
        moved = true;
        const zeta = (b - a) / (2 * g), t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta)), c = 1 / Math.hypot(1, t);
        turn(u, p, q, c, c * t);
        turn(v, p, q, c, c * t);
      }
  }
  const s = u.map((column) => Math.hypot(...column)), order = [...s.keys()].sort((i, j) => s[j] - s[i]);
  return { u: order.map((i) => u[i].map((x) => x / s[i])), s: order.map((i) => s[i]), v: order.map((i) => v[i]) };
}

// The columns of U, the singular values, and the rows of V^T.
function svdOf(rows) {
  if (!rows.length || rows.length >= rows[0].length) return singular(rows);
  const { u, s, v } = singular(columnsOf(rows));
  return { u: v, s, v: u };
}

// Jacobi rotations of a symmetric matrix: the eigenvalues in order, and the eigenvectors.
function eigenOf(rows) {
  const a = rows.map((r) => [...r]), n = a.length, v = identity(n);
  for (let sweep = 0; sweep < 60; sweep++) {
    let rest = 0;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const size = Math.abs(a[p][q]);
        if (size <= 1e-17 * Math.sqrt(Math.abs(a[p][p] * a[q][q])) || size === 0) continue;
        rest += size;
        const zeta = (a[q][q] - a[p][p]) / (2 * a[p][q]), t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t), s = c * t;
        const turn = (get, put) => { for (let k = 0; k < n; k++) { const x = get(k, p), y = get(k, q); put(k, p, c * x - s * y); put(k, q, s * x + c * y); } };
        turn((k, i) => a[k][i], (k, i, x) => { a[k][i] = x; });
        turn((k, i) => a[i][k], (k, i, x) => { a[i][k] = x; });
        turn((k, i) => v[i][k], (k, i, x) => { v[i][k] = x; });
      }
    if (rest === 0) break;
  }
  const order = [...a.keys()].sort((i, j) => a[i][i] - a[j][j]);
  return { values: order.map((i) => a[i][i]), vectors: order.map((i) => v[i]) };
}

// -1 for each vector that points away from the one before.
const turns = (vectors, before) => vectors.map((x, i) => (before?.[i] && dotOf(x, before[i]) < 0 ? -1 : 1));
const times = (vectors, signs) => vectors.map((x, i) => x.map((y) => y * signs[i]));
const columnsBefore = (a, t) => (a ? columnsOf(matrixOf(a, t)) : null);

function symmetric(rows, upper) {
  return rows.map((row, i) => row.map((_, j) => (upper === j > i ? rows[i][j] : rows[j][i])));
}

function pseudoinverse(rows, cutoff) {
  if (!rows.length || !rows[0].length) return [];
  const { u, s, v } = svdOf(rows), limit = cutoff * Math.max(0, ...s);
  return v[0].map((_, i) => u[0].map((_, j) => s.reduce((x, size, k) => (size > limit ? x + (v[k][i] * u[k][j]) / size : x), 0)));
}

function norms(x, axis, ord, keepdims) {
  const a = asArray(x);
  const sum = (f, by = axis) => K.sum([unary(f)([a]), by], { keepdims });
  const most = (of, by) => K[of]([by, axis], { keepdims });
  const absolute = K.absolute([a]);
  if (ord === null || ord === undefined || ord === "fro") return K.sqrt([sum((y) => y * y)]);
  const axes = axesOf(axis, a.shape.length);
  if (axes.length === 2) {
    if (Math.abs(ord) === 1 || Math.abs(ord) === Infinity) {
      const [inner, outer] = Math.abs(ord) === 1 ? axes : [...axes].reverse();
      const sums = K.sum([absolute, inner], { keepdims: true }), found = K[ord > 0 ? "max" : "min"]([sums, outer], { keepdims: true });
      return keepdims ? found : K.squeeze([found, axes], {});
    }
    const rest = [...a.shape.keys()].filter((i) => !axes.includes(i));
    const s = K["linalg.svdvals"]([permuted(a, [...rest, ...axes])], {});
    const found = ord === "nuc" ? K.sum([s, -1], {}) : K[ord > 0 ? "max" : "min"]([s, -1], {});
    return keepdims ? reshaped(found, a.shape.map((l, i) => (axes.includes(i) ? 1 : l))) : found;
  }
  if (ord === Infinity) return most("max", absolute);
  if (ord === -Infinity) return most("min", absolute);
  if (ord === 0) return sum((y) => Number(y !== 0));
  if (ord === 1) return sum(Math.abs);
  if (ord === 2) return K.sqrt([sum((y) => y * y)]);
  return K.power([sum((y) => Math.abs(y) ** ord), 1 / ord]);
}

Object.assign(K, {
  "linalg.inv": ([x]) => { const a = asArray(x), n = a.shape.at(-1); return stacked(a, [[n, n]], (m) => [solved(m, identity(n))])[0]; },
  "linalg.solve": ([x, y]) => {
    const a = asArray(x), flat = asArray(y).shape.length === 1, b = flat ? reshaped(asArray(y), [-1, 1]) : asArray(y);
    const n = a.shape.at(-1), m = b.shape.at(-1), batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const all = K.broadcast_to([a, [...batch, n, n]], {}), right = K.broadcast_to([b, [...batch, n, m]], {});
    const [found] = stacked(all, [[n, m]], (rows, t) => [solved(rows, matrixOf(right, t))]);
    return flat ? reshaped(found, [...batch, n]) : found;
  },
  "linalg.det": ([x]) => stacked(asArray(x), [[]], (rows) => {
    const { m, sign } = eliminated(rows);
    return [m.reduce((d, row, i) => d * row[i], sign)];
  })[0],
  "linalg.slogdet": ([x]) => stacked(asArray(x), [[], []], (rows) => {
    const { m, sign } = eliminated(rows);
    return [m.reduce((s, row, i) => s * Math.sign(row[i]), sign), m.reduce((d, row, i) => d + Math.log(Math.abs(row[i])), 0)];
  }),
  _det: ([g, x, out]) => {
    const a = asArray(x), d = asArray(out), by = asArray(g), n = a.shape.at(-1);
    const minor = (m, i, j) => m.filter((_, p) => p !== i).map((row) => row.filter((_, q) => q !== j));
    const det = (m) => { const { m: f, sign } = eliminated(m); return f.reduce((s, row, i) => s * row[i], sign); };
    return stacked(a, [[n, n]], (m, t) => {
      const factor = by.data[by.data.length === 1 ? 0 : t];
      if (d.data.every((v) => v !== 0)) return [columnsOf(solved(m, identity(n))).map((row) => row.map((v) => v * factor * d.data[t]))];
      return [m.map((row, i) => row.map((_, j) => (i + j & 1 ? -1 : 1) * factor * det(minor(m, i, j))))];
    })[0];
  },
  "linalg.cholesky": (args, options) => {
    const a = asArray(args[0]), n = a.shape.at(-1), upper = option(args, options, 1, "upper", false);
    return stacked(a, [[n, n]], (m) => { const l = choleskyOf(symmetric(m, upper)); return [upper ? columnsOf(l) : l]; })[0];
  },
  "linalg.eigh": (args, options, before) => {
    const a = asArray(args[0]), n = a.shape.at(-1), upper = option(args, options, 1, "UPLO", "L").toUpperCase() === "U";
    return stacked(a, [[n], [n, n]], (m, t) => {
      const { values, vectors } = eigenOf(symmetric(m, upper));
      return [values, columnsOf(times(vectors, turns(vectors, columnsBefore(before?.[1], t))))];
    });
  },
  "linalg.eigvalsh": (args, options) => K["linalg.eigh"](args, options)[0],
  "linalg.svd": (args, options, before) => {
    const a = asArray(args[0]), [n, m] = a.shape.slice(-2), k = Math.min(n, m);
    if (!option(args, options, 2, "compute_uv", true)) return K["linalg.svdvals"]([a]);
    if (option(args, options, 1, "full_matrices", true) && n !== m) throw new RangeError("no complete basis");
    return stacked(a, [[n, k], [k], [k, m]], (rows, t) => {
      const { u, s, v } = svdOf(rows), signs = turns(u, columnsBefore(before?.[0], t));
      return [columnsOf(times(u, signs)), s, times(v, signs)];
    });
  },
  "linalg.svdvals": ([x]) => { const a = asArray(x); return stacked(a, [[Math.min(...a.shape.slice(-2))]], (rows) => [svdOf(rows).s])[0]; },
  "linalg.cond": (args, options) => {
    const a = asArray(args[0]), p = option(args, options, 1, "p", null);
    if (p === null || Math.abs(p) === 2) {
      const s = K["linalg.svdvals"]([a]), most = K.max([s, -1], {}), least = K.min([s, -1], {});
      return p === -2 ? K.divide([least, most]) : K.divide([most, least]);
    }
    const size = (m) => norms(m, [-2, -1], p, false);
    return K.multiply([size(a), size(K["linalg.inv"]([a]))]);
  },
  "linalg.norm": (args, options) => {
    const a = asArray(args[0]), ord = option(args, options, 1, "ord", null), given = option(args, options, 2, "axis", null), keepdims = option(args, options, 3, "keepdims", false);
    return norms(a, given, given === null && ord === null ? "fro" : ord, keepdims);
  },
  pinv: ([x, cutoff, hermitian]) => {
    const a = asArray(x), [n, m] = a.shape.slice(-2), limits = asArray(cutoff);
    return stacked(a, [[m, n]], (rows, t) => [pseudoinverse(hermitian ? symmetric(rows, false) : rows, limits.data[limits.data.length === 1 ? 0 : t])])[0];
  },
  "linalg.pinv": (args, options) => {
    const a = asArray(args[0]), rtol = option(args, options, 1, "rcond", options.rtol ?? 1e-15);
    return K.pinv([a, rtol, option(args, options, 2, "hermitian", false)]);
  },
  lstsq: ([x, y, rcond]) => {
    const a = asArray(x), flat = asArray(y).shape.length === 1, b = flat ? reshaped(asArray(y), [-1, 1]) : asArray(y);
    const rows = matrixOf(a), { s } = svdOf(rows), limit = rcond === null || rcond === undefined ? Math.max(...a.shape) * 2 ** -52 : rcond;
    const rank = s.filter((v) => v > limit * s[0]).length, m = a.shape[1];
    const solution = matmul([array([m, a.shape[0]], Float64Array.from(pseudoinverse(rows, limit).flat())), b]);
    const rest = K.sum([K.square([K.subtract([matmul([a, solution]), b])]), 0], {});
    const residuals = rank === m && a.shape[0] > m ? rest : array([0]);
    return [flat ? reshaped(solution, [m]) : solution, residuals, scalar(rank), array([s.length], Float64Array.from(s))];
  },
  qr: (args, options) => {
    const a = asArray(args[0]), [n, m] = a.shape.slice(-2), mode = option(args, options, 1, "mode", "reduced"), k = mode === "complete" ? n : Math.min(n, m);
    const found = stacked(a, [[n, k], [k, m]], (rows) => { const { q, r } = orthogonalised(rows); return [q.map((row) => row.slice(0, k)), r.slice(0, k)]; });
    return mode === "r" ? found[1] : found;
  },
  "linalg.matrix_transpose": ([x]) => K.matrix_transpose([x]),
  "linalg.multi_dot": ([list]) => list.map(asArray).reduce((p, q) => K.dot([p, q])),
});
for (const name of ["qr", "lstsq"]) K[`linalg.${name}`] = K[name];
