// The 3D view of the selected structure (3Dmol.js).
report.viewer = (function () {
  const box = document.getElementById("viewer");
  const supercell = document.getElementById("supercell");
  const bonds = document.getElementById("bonds");
  const cell = document.getElementById("cell");
  const polyhedra = document.getElementById("polyhedra"); // null on the page of a hull
  const legend = document.getElementById("legend");
  const MOST_ATOMS = 6000;
  const MARGIN = 22; // pixels around the picture, for the names of the axes
  const SMALLEST = 3; // Å: what is smaller does not fill the box
  let viewer = null, shown = null, elements = {};

  const point = (at) => ({ x: at[0], y: at[1], z: at[2] });
  const ballRadius = (symbol) => 0.18 + 0.22 * elements[symbol].radius; // Å
  const textColour = () => getComputedStyle(document.body).color;
  const ground = () => getComputedStyle(box).backgroundColor;

  // 3Dmol would complain on the console.
  function hasWebgl() {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
  }

  function start(elementTable) {
    elements = elementTable;
    try {
      viewer = hasWebgl() && $3Dmol.createViewer(box, { antialias: true, orthographic: true, disableFog: true });
    } catch (error) {
      viewer = null;
    }
    if (!viewer) {
      box.textContent = "";
      const message = document.createElement("p");
      message.className = "message";
      message.textContent = "The 3D view needs WebGL, which this browser does not offer.";
      box.appendChild(message);
      box.removeAttribute("tabindex");
      document.querySelector(".controls").hidden = true;
      return;
    }
    for (const control of [supercell, bonds, cell, polyhedra].filter(Boolean)) control.addEventListener("change", () => draw(control === supercell));
    document.getElementById("reset").addEventListener("click", () => draw(true));
    document.getElementById("picture").addEventListener("click", () => {
      report.save.offer(viewer.pngURI(), shown.file.replace(/\.cif$/, "_view.png"));
    });
    document.querySelectorAll("[data-axis]").forEach((button) => {
      button.addEventListener("click", () => lookAlong(Number(button.dataset.axis)));
    });
    box.addEventListener("keydown", byKey);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(false));
    window.addEventListener("resize", () => viewer.resize());
  }

  // The arrow keys turn, plus and minus change the size.
  function byKey(event) {
    const turns = { ArrowLeft: [-10, "y"], ArrowRight: [10, "y"], ArrowUp: [-10, "x"], ArrowDown: [10, "x"] };
    const sizes = { "+": 1.15, "=": 1.15, "-": 1 / 1.15 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (turns[event.key]) viewer.rotate(...turns[event.key]);
    else if (sizes[event.key]) viewer.zoom(sizes[event.key]);
    else return;
    event.preventDefault();
    viewer.render();
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
    if (polyhedra) {
      polyhedra.disabled = structure.centres.length === 0;
      polyhedra.parentElement.title = polyhedra.disabled ? "No oxidation states" : "Cations with 4 to 8 neighbours";
    }
    if (supercell.selectedOptions[0].disabled) supercell.value = "1";
    draw(true);
  }

  function draw(fit) {
    if (!viewer || !shown) return;
    const n = Number(supercell.value);
    const view = viewer.getView();
    viewer.setBackgroundColor(ground(), 1); // a transparent ground comes out white
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
        sphere: { radius: ballRadius(symbol), color: colour },
        stick: { radius: 0.09, color: colour },
      });
    }
    if (polyhedra?.checked) drawPolyhedra(list);
    if (cell.checked) drawCell(n);
    if (fit) {
      viewer.zoomTo();
      viewer.setSlab(-500, 500); // it also clips what stands before the foremost atom, such as a label
      lookObliquely();
    } else {
      viewer.setView(view);
    }
    viewer.render();
  }

  function drawPolyhedra(list) {
    for (const { element, faces } of report.crystal.polyhedra(shown, list)) {
      const vertices = faces.flatMap((face) => face.corners.map(point));
      viewer.addCustom({
        vertexArr: vertices,
        normalArr: faces.flatMap((face) => face.corners.map(() => point(face.normal))),
        faceArr: vertices.map((_, index) => index),
        color: elements[element].colour,
        opacity: 0.6,
      });
    }
  }

  function drawCell(n) {
    for (const [from, to] of report.crystal.edges(shown.cell, n)) {
      viewer.addCylinder({ start: point(from), end: point(to), radius: 0.025 * n, color: textColour() });
    }
    for (const [name, end] of axisEnds(n)) {
      viewer.addLabel(name, {
        position: point(end),
        fontColor: textColour(), fontSize: 16, bold: true, showBackground: false, inFront: true, alignment: "center",
      });
    }
  }

  // Where the names of the axes stand: a little beyond the cells.
  function axisEnds(n) {
    return ["a", "b", "c"].map((name, axis) => {
      const end = [0, 0, 0];
      end[axis] = n + 1.6 / Math.hypot(...shown.cell[axis]);
      return [name, report.crystal.cartesian(shown.cell, end)];
    });
  }

  const unit = (v) => v.map((x) => x / Math.hypot(...v));
  const cross = (p, q) => [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];

  // Turn the crystal so that one direction points at the reader and the other, as far as it can, upwards, and
  // make atoms, cell and names fill the box.
  function turn(towards, upwards) {
    const right = unit(cross(upwards, towards));
    const axes = [right, cross(towards, right), towards]; // the matrix of these rows takes the crystal to the screen
    const n = Number(supercell.value);
    const balls = report.crystal.atoms(shown, n).map((atom) => [atom.at, ballRadius(atom.element)]);
    if (cell.checked) {
      balls.push(...report.crystal.edges(shown.cell, n).flat().map((at) => [at, 0]), ...axisEnds(n).map(([, end]) => [end, 0]));
    }
    const along = (axis, at) => at[0] * axis[0] + at[1] * axis[1] + at[2] * axis[2];
    const low = axes.map((axis) => Math.min(...balls.map(([at, radius]) => along(axis, at) - radius)));
    const high = axes.map((axis) => Math.max(...balls.map(([at, radius]) => along(axis, at) + radius)));
    const middle = [0, 1, 2].map((k) => axes.reduce((sum, axis, i) => sum + axis[k] * (low[i] + high[i]) / 2, 0));
    viewer.setView([...middle.map((x) => -x), viewer.getView()[3], ...fromMatrix(axes)]);
    viewer.render();
    const [here, there] = viewer.modelToScreen([middle, middle.map((x, k) => x + right[k])].map(point));
    const scale = Math.hypot(there.x - here.x, there.y - here.y); // pixels per Å
    const wanted = Math.min(
      (box.clientWidth - 2 * MARGIN) / Math.max(high[0] - low[0], SMALLEST),
      (box.clientHeight - 2 * MARGIN) / Math.max(high[1] - low[1], SMALLEST),
    );
    viewer.zoom(wanted / scale);
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
