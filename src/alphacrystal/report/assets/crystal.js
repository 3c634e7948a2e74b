// From a cell to the atoms and bonds that are drawn.
report.crystal = (function () {
  const EDGE = 1e-3; // fractional: an atom on a face is drawn on the opposite face too
  const BOND_STRETCH = 1.15; // times the sum of the covalent radii

  function cartesian(cell, fractional) {
    return [0, 1, 2].map((k) => fractional[0] * cell[0][k] + fractional[1] * cell[1][k] + fractional[2] * cell[2][k]);
  }

  // Atoms of n × n × n cells, those on the outer faces included on both sides.
  function atoms(structure, n) {
    const found = [];
    for (const [element, ...start] of structure.atoms) {
      const base = start.map((x) => (x > 1 - EDGE ? x - 1 : x));
      const shifts = base.map((x) => {
        const list = [];
        for (let s = 0; x + s <= n + EDGE; s += 1) list.push(s);
        return list;
      });
      for (const i of shifts[0]) for (const j of shifts[1]) for (const k of shifts[2]) {
        found.push({ element, at: cartesian(structure.cell, [base[0] + i, base[1] + j, base[2] + k]) });
      }
    }
    return found;
  }

  // Pairs of indices. In a compound of metals with non-metals, metals are not joined to one another.
  function bonds(list, elements) {
    const mixed = Object.values(elements).some((e) => e.metal) && list.some((a) => !elements[a.element].metal);
    const longest = 2 * BOND_STRETCH * Math.max(...Object.values(elements).map((e) => e.radius));
    const boxes = new Map();
    const place = (at) => at.map((x) => Math.floor(x / longest));
    list.forEach((atom, index) => {
      const key = place(atom.at).join();
      if (!boxes.has(key)) boxes.set(key, []);
      boxes.get(key).push(index);
    });
    const pairs = [];
    list.forEach((atom, index) => {
      const [x, y, z] = place(atom.at);
      const one = elements[atom.element];
      for (let i = x - 1; i <= x + 1; i += 1) for (let j = y - 1; j <= y + 1; j += 1) for (let k = z - 1; k <= z + 1; k += 1) {
        for (const other of boxes.get([i, j, k].join()) || []) {
          if (other <= index) continue;
          const two = elements[list[other].element];
          if (mixed && one.metal && two.metal) continue;
          const length = Math.hypot(...atom.at.map((v, axis) => v - list[other].at[axis]));
          if (length > 0.4 && length < BOND_STRETCH * (one.radius + two.radius)) pairs.push([index, other]);
        }
      }
    });
    return pairs;
  }

  // The edges of n × n × n cells as pairs of points.
  function edges(cell, n) {
    const lines = [];
    for (let axis = 0; axis < 3; axis += 1) {
      const [u, v] = [0, 1, 2].filter((k) => k !== axis);
      for (let i = 0; i <= n; i += 1) for (let j = 0; j <= n; j += 1) {
        const from = [0, 0, 0], to = [0, 0, 0];
        from[u] = to[u] = i;
        from[v] = to[v] = j;
        to[axis] = n;
        lines.push([cartesian(cell, from), cartesian(cell, to)]);
      }
    }
    return lines;
  }

  return { atoms, bonds, edges, cartesian };
})();
