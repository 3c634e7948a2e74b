// The 3D view of the selected structure (3Dmol.js).
report.viewer = (function () {
  const box = document.getElementById("viewer");
  const supercell = document.getElementById("supercell");
  const bonds = document.getElementById("bonds");
  const cell = document.getElementById("cell");
  const legend = document.getElementById("legend");
  const MOST_ATOMS = 6000;
  let viewer = null, shown = null, elements = {};

  const point = (at) => ({ x: at[0], y: at[1], z: at[2] });
  const textColour = () => getComputedStyle(document.body).color;

  function start(elementTable) {
    elements = elementTable;
    try {
      viewer = $3Dmol.createViewer(box, { backgroundAlpha: 0, antialias: true, orthographic: true, disableFog: true });
    } catch (error) {
      viewer = null;
    }
    if (!viewer) {
      box.textContent = "";
      const message = document.createElement("p");
      message.className = "message";
      message.textContent = "The 3D view needs WebGL, which this browser does not offer.";
      box.appendChild(message);
      return;
    }
    viewer.setBackgroundColor(0xffffff, 0);
    for (const control of [supercell, bonds, cell]) control.addEventListener("change", () => draw(control === supercell));
    document.getElementById("reset").addEventListener("click", () => draw(true));
    document.querySelectorAll("[data-axis]").forEach((button) => {
      button.addEventListener("click", () => lookAlong(Number(button.dataset.axis)));
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(false));
    window.addEventListener("resize", () => viewer.resize());
  }

  function show(structure) {
    shown = structure;
    legend.textContent = "";
    for (const symbol of Object.keys(elements)) {
      if (!structure.atoms.some((atom) => atom[0] === symbol)) continue;
      const item = document.createElement("span");
      const dot = document.createElement("i");
      dot.style.background = elements[symbol].colour;
      item.append(dot, symbol);
      legend.appendChild(item);
    }
    for (const option of supercell.options) {
      option.disabled = structure.atoms.length * Math.pow(Number(option.value), 3) > MOST_ATOMS;
    }
    if (supercell.selectedOptions[0].disabled) supercell.value = "1";
    draw(true);
  }

  function draw(fit) {
    if (!viewer || !shown) return;
    const n = Number(supercell.value);
    const view = viewer.getView();
    viewer.removeAllModels();
    viewer.removeAllShapes();
    viewer.removeAllLabels();
    const list = report.crystal.atoms(shown, n);
    const atoms = list.map((atom, index) => ({
      elem: atom.element, index, serial: index, ...point(atom.at), bonds: [], bondOrder: [],
    }));
    if (bonds.checked) {
      for (const [i, j] of report.crystal.bonds(list, elements)) {
        atoms[i].bonds.push(j);
        atoms[i].bondOrder.push(1);
        atoms[j].bonds.push(i);
        atoms[j].bondOrder.push(1);
      }
    }
    const model = viewer.addModel();
    model.addAtoms(atoms);
    for (const symbol of Object.keys(elements)) {
      const colour = elements[symbol].colour;
      model.setStyle({ elem: symbol }, {
        sphere: { radius: 0.18 + 0.22 * elements[symbol].radius, color: colour },
        stick: { radius: 0.09, color: colour },
      });
    }
    if (cell.checked) drawCell(n);
    if (fit) {
      viewer.zoomTo();
      viewer.zoom(1.5); // zoomTo leaves room for a perspective that is not used here
      viewer.setSlab(-500, 500); // it also clips what stands before the foremost atom, such as a label
      lookObliquely();
    } else {
      viewer.setView(view);
    }
    viewer.render();
  }

  function drawCell(n) {
    for (const [from, to] of report.crystal.edges(shown.cell, n)) {
      viewer.addCylinder({ start: point(from), end: point(to), radius: 0.025 * n, color: textColour() });
    }
    ["a", "b", "c"].forEach((name, axis) => {
      const end = [0, 0, 0];
      end[axis] = n + 1.6 / Math.hypot(...shown.cell[axis]);
      viewer.addLabel(name, {
        position: point(report.crystal.cartesian(shown.cell, end)),
        fontColor: textColour(), fontSize: 16, bold: true, showBackground: false, inFront: true, alignment: "center",
      });
    });
  }

  const unit = (v) => v.map((x) => x / Math.hypot(...v));
  const cross = (p, q) => [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];

  // Turn the crystal so that one direction points at the reader and the other, as far as it can, upwards.
  function turn(towards, upwards) {
    const right = unit(cross(upwards, towards));
    // Rows are the screen axes: the matrix takes the crystal to the screen.
    const quaternion = fromMatrix([right, cross(towards, right), towards]);
    viewer.setView(viewer.getView().slice(0, 4).concat(quaternion));
    viewer.render();
  }

  // c up, b to the right, a at the reader, seen a little from the right and from above.
  function lookObliquely() {
    const up = unit(shown.cell[2]);
    const right = unit(cross(up, shown.cell[0]));
    const front = cross(right, up);
    turn(unit([0, 1, 2].map((k) => front[k] + 0.35 * right[k] + 0.28 * up[k])), up);
  }

  function lookAlong(axis) {
    if (!viewer || !shown) return;
    const towards = unit(shown.cell[axis]);
    const next = shown.cell[(axis + 1) % 3];
    turn(towards, cross(towards, next));
  }

  // Quaternion (x, y, z, w) of a rotation matrix, by the largest of its components (Shepperd 1978).
  function fromMatrix(m) {
    const trace = m[0][0] + m[1][1] + m[2][2];
    const candidates = [m[0][0], m[1][1], m[2][2], trace];
    const largest = candidates.indexOf(Math.max(...candidates));
    const q = [0, 0, 0, 0];
    if (largest === 3) {
      q[3] = 1 + trace;
      for (let i = 0; i < 3; i += 1) {
        const j = (i + 1) % 3, k = (i + 2) % 3;
        q[i] = m[k][j] - m[j][k];
      }
    } else {
      const i = largest, j = (i + 1) % 3, k = (i + 2) % 3;
      q[i] = 1 - trace + 2 * m[i][i];
      q[j] = m[j][i] + m[i][j];
      q[k] = m[k][i] + m[i][k];
      q[3] = m[k][j] - m[j][k];
    }
    const length = Math.hypot(...q);
    return q.map((x) => x / length);
  }

  return { start, show };
})();
