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

  const REACH = 6; // Å
  const LONGEST = 1.5; // times the shortest distance
  const CORNERS = [4, 8]; // fewest and most

  // Coordination polyhedra of the drawn centres, as lists of triangles. The shell of a centre ends at the widest
  // relative gap in distance, as in crystal/_coordination.py.
  function polyhedra(structure, list) {
    const inverse = reciprocal(structure.cell);
    const heights = inverse.map((row) => 1 / Math.hypot(...row));
    const corners = structure.atoms.filter(([element]) => structure.corners.includes(element));
    const found = [];
    for (const centre of list) {
      if (!structure.centres.includes(centre.element)) continue;
      const place = inverse.map((row) => row[0] * centre.at[0] + row[1] * centre.at[1] + row[2] * centre.at[2]);
      const near = [];
      for (const [, ...start] of corners) {
        const low = start.map((x, k) => Math.ceil(place[k] - REACH / heights[k] - x));
        const high = start.map((x, k) => Math.floor(place[k] + REACH / heights[k] - x));
        for (let i = low[0]; i <= high[0]; i += 1) for (let j = low[1]; j <= high[1]; j += 1) for (let k = low[2]; k <= high[2]; k += 1) {
          const at = cartesian(structure.cell, [start[0] + i, start[1] + j, start[2] + k]);
          const distance = Math.hypot(...minus(at, centre.at));
          if (distance < REACH) near.push({ at, distance });
        }
      }
      near.sort((one, other) => one.distance - other.distance);
      const shell = near.slice(0, shellSize(near.map((one) => one.distance)));
      if (shell.length >= CORNERS[0] && shell.length <= CORNERS[1]) {
        found.push({ element: centre.element, faces: faces(shell.map((one) => one.at)) });
      }
    }
    return found;
  }

  function shellSize(distances) {
    let best = 0, widest = 0;
    distances.forEach((distance, index) => {
      if (distance > LONGEST * distances[0] || index >= 20) return;
      const next = index + 1 < distances.length ? distances[index + 1] : REACH;
      const gap = Math.round(1000 * next / distance);
      if (gap > widest) [widest, best] = [gap, index + 1];
    });
    return best;
  }

  const minus = (p, q) => p.map((x, k) => x - q[k]);
  const cross = (p, q) => [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
  const dot = (p, q) => p[0] * q[0] + p[1] * q[1] + p[2] * q[2];

  // Rows take Cartesian to fractional coordinates.
  function reciprocal(cell) {
    const rows = [cross(cell[1], cell[2]), cross(cell[2], cell[0]), cross(cell[0], cell[1])];
    const volume = dot(cell[0], rows[0]);
    return rows.map((row) => row.map((x) => x / volume));
  }

  // Triangles of the convex hull of a few points; a face of more corners is a fan of triangles.
  function faces(points) {
    const FLAT = 0.15; // Å out of a face
    const triangles = [];
    const done = new Set();
    for (let i = 0; i < points.length; i += 1) for (let j = i + 1; j < points.length; j += 1) for (let k = j + 1; k < points.length; k += 1) {
      const product = cross(minus(points[j], points[i]), minus(points[k], points[i]));
      const size = Math.hypot(...product);
      if (size < 1e-3) continue;
      const normal = product.map((x) => x / size);
      const above = points.map((p) => dot(minus(p, points[i]), normal));
      if (Math.min(...above) < -FLAT && Math.max(...above) > FLAT) continue;
      const members = points.map((_, index) => index).filter((index) => Math.abs(above[index]) <= FLAT);
      if (done.has(members.join())) continue;
      done.add(members.join());
      const outwards = Math.max(...above) > FLAT ? normal.map((x) => -x) : normal;
      const middle = [0, 1, 2].map((axis) => members.reduce((sum, m) => sum + points[m][axis], 0) / members.length);
      const right = minus(points[members[0]], middle);
      const up = cross(outwards, right);
      const angle = (p) => Math.atan2(dot(minus(p, middle), up), dot(minus(p, middle), right));
      const ring = members.map((m) => points[m]).sort((p, q) => angle(p) - angle(q));
      for (let m = 1; m + 1 < ring.length; m += 1) triangles.push({ corners: [ring[0], ring[m], ring[m + 1]], normal: outwards });
    }
    return triangles;
  }

  return { atoms, bonds, edges, cartesian, polyhedra };
})();
